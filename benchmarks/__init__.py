"""How fast the project does what it does, beside what people would write first. Each module is a command whose last line is one JSON object."""
