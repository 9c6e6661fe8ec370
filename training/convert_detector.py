"""Converts detectors from and to transformers' Deformable-DETR on a Swin or ResNet backbone.

    python -m training.convert_detector from-transformers CHECKPOINT FOLDER --image-size 800 1024
    python -m training.convert_detector to-transformers FOLDER CHECKPOINT

CHECKPOINT is a folder as `DeformableDetrForObjectDetection.save_pretrained` writes it, or a download of SenseTime/deformable-detr and its sisters;
FOLDER holds our config.json and model.safetensors. Weights are read as safetensors alone. Needs transformers.
"""

import argparse
from pathlib import Path

from contracts.errors import InputError, run_command


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m training.convert_detector", description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    ways = parser.add_subparsers(dest="way", required=True)
    inward = ways.add_parser("from-transformers", help="transformers' checkpoint to ours")
    inward.add_argument("--image-size", nargs=2, type=int, required=True, metavar=("HEIGHT", "WIDTH"), help="of padded images, pixels")
    for way in (inward, ways.add_parser("to-transformers", help="ours to transformers' checkpoint")):
        way.add_argument("source", type=Path, metavar="FROM", help="folder to read")
        way.add_argument("target", type=Path, metavar="TO", help="folder to write")
    options = parser.parse_args()

    from training.models.detector import Detector
    from training.models.transformers_weights import from_transformers, to_transformers

    if options.way == "from-transformers":
        height, width = options.image_size
        from_transformers(_load(options.source), (height, width), options.source).save_pretrained(options.target)
    else:
        to_transformers(Detector.from_pretrained(options.source)).save_pretrained(options.target)
    print(f"wrote {options.target}")


def _load(folder: Path) -> object:
    """transformers' detector in a folder on this machine."""
    from safetensors.torch import load_file

    try:
        from transformers import DeformableDetrForObjectDetection
    except ImportError:
        raise InputError("cannot be imported.", field="transformers", fix="Install it: pip install transformers.") from None
    if not (folder / "config.json").is_file() or not list(folder.glob("*.safetensors")):
        raise InputError("holds no config.json with safetensors.", file=folder, fix="Name a folder that save_pretrained of transformers wrote.")
    model, report = DeformableDetrForObjectDetection.from_pretrained(folder, use_safetensors=True, local_files_only=True, output_loading_info=True)
    written = {name: value for file in folder.glob("*.safetensors") for name, value in load_file(file).items()}
    # What it misses it fills with random numbers; and transformers 5.17 does so with heads that stand under two names in the model and one in the file.
    if missing := sorted(name for name in report["missing_keys"] if f"model.decoder.{name}" not in written):
        raise InputError(
            "lacks weights.", file=folder, field=missing[0], found=f"{len(missing)} missing", fix="Download or save the checkpoint again."
        )
    model.load_state_dict({name: value for name, value in written.items() if "_embed." in name}, strict=False)
    return model.eval()


if __name__ == "__main__":
    run_command(main)
