"""What stands in pages: words of fourteen languages, typefaces, pictograms, pictures and colours, all drawn from a `random.Random`."""
