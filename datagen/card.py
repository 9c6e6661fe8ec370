"""The data card: one self-contained page on what is in the dataset, how good its labels are, and how near it is to real screens.

python -m datagen.card                                             writes data-card/data-card.html and data-card/quality.json
python -m datagen.card --audit-screens 20                          renders and audits twenty fresh screens first
python -m datagen.card --audit audit --compare comparison          with what `datagen.audit --out` and `datagen.compare --out` wrote before
"""

import argparse
import base64
import io
import json
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from contracts.dataset import SPLITS, coco_path, dataset_version, read_manifest
from contracts.errors import InputError, run_command
from contracts.files import write_json, write_text
from datagen.audit import INSIDE_BAR, IOU_BAR
from datagen.quality import Check, quality

if TYPE_CHECKING:
    from matplotlib.figure import Figure

COMMAND = "python -m datagen.card"
_TILE = 420
_SHEET_SCREENS = 6
_WORST = 12


def main() -> None:
    options = _options()
    if options.audit_screens:
        options.audit = options.out / "audit"
        # The bars are judged below, as a check: a label that fails is to be seen on the card.
        command = [
            sys.executable,
            "-m",
            "datagen.audit",
            "--screens",
            str(options.audit_screens),
            "--out",
            str(options.audit),
            "--inside",
            "0",
            "--iou",
            "0",
        ]
        if code := subprocess.run(command).returncode:
            raise SystemExit(code)
    found = quality()
    audit = _read(options.audit / "audit.json", "datagen.audit") if options.audit else None
    if audit:
        found["checks"].append(asdict(audit_check(audit["summary"]["all"]["all"])))
    comparisons = [_read(folder / "compare.json" if folder.is_dir() else folder, "datagen.compare") for folder in options.compare]
    page = card(found, audit, options.audit, comparisons)
    write_text(options.out / "data-card.html", page)
    write_json(options.out / "quality.json", found | {"dataset_version": dataset_version(), "audit": audit["summary"] if audit else None})
    failed = [check["name"] for check in found["checks"] if not check["passed"]]
    print(
        f"written: {options.out / 'data-card.html'}, {options.out / 'quality.json'}; "
        + (f"checks that fail: {', '.join(failed)}" if failed else "every check passes")
    )


def audit_check(figures: dict[str, Any]) -> Check:
    """The pixel audit's figures against its bars."""
    iou = figures["painted"]["iou"] or 0.0
    found = f"{figures['inside']:.2%} of {figures['audited']} elements change inside their label, mean IoU {iou:.4f} over {figures['painted']['count']} painted ones"
    return Check("pixel_audit", figures["inside"] >= INSIDE_BAR and iou >= IOU_BAR, found, f"{INSIDE_BAR:.1%}, {IOU_BAR}")


def card(found: dict[str, Any], audit: dict[str, Any] | None, audit_folder: Path | None, comparisons: list[dict[str, Any]]) -> str:
    """The page. Pictures are inlined; it opens from disk without a network."""
    import jinja2

    from datagen.kits import kits
    from datagen.kits.files import versions

    manifest = read_manifest()
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent), autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    known = kits()
    looks = {name: {"platform": known[name].platform, "themes": len(known[name].themes), "package": known[name].package, "version": versions().get(known[name].package, "")}
             for name in found["figures"]["kit"] if name in known}  # fmt: skip
    worst = []
    if audit and audit_folder:
        bad = sorted((element for element in audit["elements"] if element["problem"]), key=lambda element: -element["off"])[:_WORST]
        for element in bad:
            crop = audit_folder / f"{element['class_name']}-{element['kit']}-{element['key']}-{element['id']}.png"
            if crop.is_file():
                worst.append({"src": _data_uri(crop.read_bytes()), "text": f"{element['class_name']} in {element['kit']}: {element['problem']}"})
    return environment.get_template("card.html.jinja").render(
        found=found, manifest=manifest, version=dataset_version(), splits=SPLITS, sheets=contact_sheets(), maps=_uri(maps()), audit=audit, worst=worst,
        comparisons=[{"title": comparison["real"].get("source", "real screens"), "data": comparison, "picture": _uri(curves(comparison))} for comparison in comparisons], looks=looks,
    )  # fmt: skip


def contact_sheets() -> list[dict[str, str]]:
    """One sheet per platform, boxes drawn."""
    from datagen.preview import contact_sheet, draw, pick

    sheets = []
    for platform in ("web", "mobile", "desktop"):
        chosen = pick(_SHEET_SCREENS, None, platform=platform, missing_ok=True)
        if chosen:
            sheet = contact_sheet([draw(screen, png) for screen, png in chosen], _TILE)
            data = io.BytesIO()
            sheet.convert("RGB").save(data, "JPEG", quality=82)
            sheets.append(
                {
                    "platform": platform,
                    "src": _data_uri(data.getvalue(), "image/jpeg"),
                    "text": ", ".join(f"{screen.kit} {screen.family}" for screen, _ in chosen),
                }
            )
    return sheets


def maps() -> "Figure":
    """Where elements lie (share of the screen covered), and how large they are (shares of the screen's sides)."""
    import numpy as np
    from matplotlib.figure import Figure

    covered, sizes = np.zeros((48, 48)), []
    for split in SPLITS:
        coco = json.loads(coco_path(split).read_text(encoding="utf-8"))
        size_of = {image["id"]: (image["width"], image["height"]) for image in coco["images"]}
        for annotation in coco["annotations"]:
            width, height = size_of[annotation["image_id"]]
            x, y, w, h = annotation["bbox"]
            sizes.append((w / width, h / height))
            covered[int(48 * y / height) : int(np.ceil(48 * (y + h) / height)), int(48 * x / width) : int(np.ceil(48 * (x + w) / width))] += 1
    figure = Figure(figsize=(9, 3.6), layout="constrained")
    left, right = figure.subplots(1, 2)
    left.imshow(covered, cmap="magma", extent=(0, 1, 1, 0))
    left.set(title="Where elements lie", xlabel="x, share of width", ylabel="y, share of height")
    wide = np.clip(np.array(sizes), 1e-3, 1)
    right.hist2d(np.log10(wide[:, 0]), np.log10(wide[:, 1]), bins=60, cmap="magma", norm="log")
    right.set(title="How large they are", xlabel="width, log10 of share", ylabel="height, log10 of share")
    return figure


def curves(comparison: dict[str, Any]) -> "Figure":
    """Divergence per marginal, with the noise floor beside it."""
    from matplotlib.figure import Figure

    rows = sorted(comparison["marginals"].items(), key=lambda item: item[1]["jsd"])
    figure = Figure(figsize=(8, 0.32 * len(rows) + 1), layout="constrained")
    axes = figure.subplots()
    names = [values["title"] for _, values in rows]
    axes.barh(names, [values["jsd"] for _, values in rows], color="#4464ad", label="ours against real")
    axes.barh(names, [values["noise_floor"] for _, values in rows], color="#e0913a", label="two halves of real", height=0.35)
    axes.set(xlabel="Jensen-Shannon divergence, bits (0 alike, 1 disjoint)", xlim=(0, 1))
    axes.legend(loc="lower right", fontsize=8)
    return figure


def _uri(figure: "Figure") -> str:
    data = io.BytesIO()
    figure.savefig(data, format="png", dpi=110)
    return _data_uri(data.getvalue())


def _data_uri(data: bytes, kind: str = "image/png") -> str:
    return f"data:{kind};base64,{base64.b64encode(data).decode()}"


def _read(path: Path, module: str) -> dict[str, Any]:
    try:
        value: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise InputError("does not exist.", file=path, fix=f"Write it with `python -m {module} --out {path.parent}`.") from None
    except json.JSONDecodeError as error:
        raise InputError(f"is no JSON: {error}.", file=path, fix=f"Write it again with `python -m {module} --out {path.parent}`.") from None
    return value


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog=COMMAND, description="Write the data card and the quality figures of the dataset in data/.")
    parser.add_argument("--out", type=Path, default=Path("data-card"), metavar="FOLDER", help="where to write (default: data-card)")
    parser.add_argument("--audit-screens", type=int, default=0, metavar="N", help="audit N freshly rendered screens first")
    parser.add_argument("--audit", type=Path, metavar="FOLDER", help="what `python -m datagen.audit --out` wrote")
    parser.add_argument(
        "--compare",
        type=Path,
        action="append",
        default=[],
        metavar="FOLDER",
        help="what `python -m datagen.compare --out` wrote; may be given several times",
    )
    return parser.parse_args()


if __name__ == "__main__":
    run_command(main)
