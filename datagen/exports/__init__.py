"""The dataset, or an imported set, in other people's formats.

    python -m datagen.exports coco --out export/coco
    python -m datagen.exports yolo --source real/mobile_screens --out export/yolo

One module per format; each has `write(source, splits, folder, tick)`. `source.py` reads what is exported.
"""

FORMATS = {
    "coco": "images/ + annotations/instances_<split>.json; datagen.importers reads it back without loss",
    "yolo": "Ultralytics: images/<split>/, labels/<split>/*.txt (class cx cy w h, shares of the picture), data.yaml",
    "fiftyone": "per split a FiftyOneImageDetectionDataset: data/ + labels.json",
    "huggingface": "data/<split>-*.parquet with the pictures inside, and a README.md that `datasets.load_dataset` reads",
    "croissant": "croissant.json alone: the dataset described in MLCommons Croissant 1.0, beside its shards",
}
