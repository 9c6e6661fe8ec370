"""Real sets of screens, in the layouts they are published in, turned into the shards that the generator writes.

    python -m datagen.importers mobile_screens REAL_SETS --out real/mobile_screens

One module per layout; each has `open_set(source, mapping) -> ForeignSet`. `foreign.py` says what that is, `shards.py` writes it down.
"""

LAYOUTS = {
    "coco": "a COCO JSON file with its pictures beside it, or a folder of them (our own COCO export too)",
    "mobile_screens": "mobile_screens.coco.json + mobile_screens.images.parquet",
    "web_pages": "web_pages.parquet: pictures of web pages with the raw boxes of their DOM",
    "unlabelled": "a parquet file, or a folder of pictures, without labels",
    "rico": "Rico's combined/: <id>.jpg + <id>.json with the Android view hierarchy, or its semantic annotations",
    "clay": "clay_labels.csv + label_map.txt with Rico's combined/ beside them",
    "vins": "folders of Annotations/*.xml (Pascal VOC) + JPEGImages/",
}
MAPPINGS = ("names", "mobile_screens", "vins", "clay")
# Goes up with every change that moves a label or a pixel of an imported screen.
VERSION = "1"
