"""Makes screens: seeded HTML pages, a browser that renders them, exact labels, shards and the dataset. No torch."""
