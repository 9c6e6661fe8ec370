"""Measure what pretrained encoders know without having been told: frozen features of screens and of elements, probed, beside random weights.

Reads artifacts/pack_beton, the pretraining artifacts that eval_probes.encoders names, data/coco and, for the pictures, data/shards. Writes
artifacts/eval_probes/{metrics.json, probes.csv (one row per figure, with chance, samples and interval), details.parquet (one row per answer), sources.json
(feature quality by level), screen_map.csv (t-SNE), pictures.json, figures/*.png, wandb/}.

With --data it measures one encoder on classified images instead (CIFAR-10 or -100, a folder of classes) and prints a table; nothing is written.
"""

import argparse
import csv
import io
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from contracts.coco import read_coco
from contracts.dataset import SPLITS, Split, coco_path
from contracts.errors import run_command
from contracts.files import replacing, write_json, write_text
from contracts.knobs import Hardware, load_hardware, load_knobs, load_tracking
from contracts.stage import Stage, artifact, progress, read_run, stage
from evaluation.config import EvalProbesKnobs, ProbeKnobs
from evaluation.tracking import track

if TYPE_CHECKING:
    from evaluation.features import Features, FeatureSource
    from evaluation.probing import Findings, Labels, Probe
    from training.batches import SplitBatches
    from training.image_sets import ImageSet
    from training.screen_batch import ScreenBatch


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m evaluation.eval_probes", description=__doc__.partition("\n")[0])
    parser.add_argument("--encoder", type=Path, metavar="FOLDER", help="with --data: the folder of the encoder to be measured")
    parser.add_argument(
        "--data", type=Path, metavar="PATH", help="a Parquet file of images, a folder with torchvision's CIFAR files, or <split>/<class>/<image>"
    )
    parser.add_argument("--images", type=int, metavar="N", help="with --data: at most so many images of each split (default: all)")
    parser.add_argument("--random", action="store_true", help="with --data: the same architecture with random weights, too")
    arguments = parser.parse_args()
    if (arguments.encoder is None) != (arguments.data is None):
        parser.error("--encoder and --data go together")
    if arguments.data is not None:
        probe_images(arguments.encoder, arguments.data, arguments.images, arguments.random)
        return
    knobs, hardware = load_knobs(EvalProbesKnobs), load_hardware("eval_probes")
    with stage("eval_probes", knobs, hardware) as s:
        for name in knobs.encoders:
            read_run(name)

        from evaluation.features import extract, first_screens, open_source, random_source
        from evaluation.probing import probe_source, screen_labels

        device = "cuda" if hardware.accelerator == "gpu" else "cpu"
        splits = open_splits(knobs, hardware)
        s.log(splits["train"].note)
        coco = {split: read_coco(coco_path(split)) for split in splits}
        folders = {name: artifact(name) for name in knobs.encoders}
        sources = [open_source(name, folder, device) for name, folder in folders.items()]
        architectures = {source.model: source for source in reversed(sources)}
        sources += [random_source(source, knobs.seed, device) for source in reversed(architectures.values())]
        labels: list[Labels] = []
        results: list[tuple[FeatureSource, Findings]] = []
        pictures: list[dict[str, str]] = []
        screen_maps: list[dict[str, Any]] = []
        images: dict[str, Any] = {}
        for source in sources:
            features = {
                split: extract(
                    source, first_screens(s.progress(batches, f"{source.name}: {split}", batch_count(batches, knobs.screens)), knobs.screens), device, knobs.map_screens, knobs.crops,
                    knobs.seed,
                )
                for split, batches in splits.items()
            }  # fmt: skip
            labels = labels or screen_labels(features, coco)
            findings = probe_source(source.name, source.levels, features, labels, knobs, device)
            pictures += draw(s.folder / "figures", source, features, coco, findings, knobs, images, splits["test"], device)
            screen_maps += (rows := map_rows(source, features, coco, findings, knobs))
            pictures.append(draw_map(s.folder / "figures", source, rows))
            if knobs.fine_tune_epochs:
                findings.probes += fine_tuned(source, folders.get(source.name), splits, features, labels, knobs, device)
            results.append((source, findings))
            s.log("\n" + table(best_test_figures(findings.probes)))
            for note in findings.notes:
                s.log(note)
        metrics = write_results(s, results, pictures, screen_maps)
        track(s, load_tracking(), knobs, lambda: tracked(metrics, pictures, s.folder / "figures"))


def open_splits(knobs: EvalProbesKnobs, hardware: Hardware) -> "dict[Split, SplitBatches]":
    """The splits that hold screens, in the order of SPLITS. Some of their screens are a random draw, the same for every source."""
    from training.batches import open_split

    seed = None if knobs.screens is None else knobs.seed
    splits = {
        split: open_split(split, batch_size=hardware.micro_batch, loader=hardware.loader, num_workers=hardware.num_workers, shuffle_seed=seed)
        for split in SPLITS
    }
    return {split: batches for split, batches in splits.items() if batches.order.screens}


def batch_count(batches: "SplitBatches", screens: int | None) -> int:
    """Batches that hold the first `screens` screens of a split; None: all."""
    return len(batches) if screens is None else min(len(batches), -(-screens // batches.order.batch_size))


def fine_tuned(
    source: "FeatureSource", folder: Path | None, splits: "Mapping[Split, SplitBatches]", features: "Mapping[Split, Features]", labels: "Sequence[Labels]",
    knobs: EvalProbesKnobs, device: str,
) -> "list[Probe]":  # fmt: skip
    """Page family after fine-tuning the whole encoder, from its coarsest features; `folder` holds the pretrained weights, None: random ones."""
    import torch

    from evaluation.features import first_screens, trainable_source
    from evaluation.fine_tuning import classify, fine_tune
    from evaluation.probes import LinearHead, known
    from evaluation.probing import Probe
    from evaluation.scores import accuracy, balanced_accuracy

    label = next(label for label in labels if label.name == "family")
    asked = known(label.of["test"], label.of["train"])
    if len(label.classes) < 2 or not asked.any():
        return []
    source = trainable_source(source, folder, knobs.seed, device)
    level, channels = len(source.levels) - 1, source.module.channels[-1]
    torch.manual_seed(knobs.seed)
    head = LinearHead(torch.zeros(channels), torch.ones(channels), len(label.classes)).to(device)
    by_id = dict(zip(features["train"].image_ids.tolist(), label.of["train"].tolist(), strict=True))
    batches = splits["train"]
    number = batch_count(batches, knobs.screens)
    fine_tune(
        source, head, level, lambda _: first_screens(progress(batches, f"{source.name}: fine-tuning", number), knobs.screens), number, by_id,
        epochs=knobs.fine_tune_epochs, rate=knobs.fine_tune_rate, device=device,
    )  # fmt: skip
    answers = classify(source, head, level, first_screens(splits["test"], knobs.screens), device)
    predicted = torch.tensor([answers[i] for i in features["test"].image_ids.tolist()])
    truth, groups = label.of["test"][asked], label.groups["test"][asked]
    return [
        Probe(
            source.name, source.levels[level], "family", "fine_tuned", "test", accuracy(predicted[asked], truth, groups, label.of["train"]),
            balanced_accuracy(predicted[asked], truth, groups), len(label.classes), int((~asked).sum()), knobs.fine_tune_rate,
        )
    ]  # fmt: skip


# --- pictures


def draw(
    folder: Path, source: "FeatureSource", features: "Mapping[Split, Features]", coco: Mapping[Split, dict[str, Any]], findings: "Findings", knobs: EvalProbesKnobs,
    images: dict[str, Any], batches: "SplitBatches", device: str,
) -> list[dict[str, str]]:  # fmt: skip
    """The source's PNGs in `folder`, and what pictures.json says of each. `images` by screen's key are added to as they are needed; `batches` are the
    test split's.
    """
    import torch

    from evaluation.feature_pictures import content_of, heat, map_sheet, nearest, neighbour_sheet, pca_rgb
    from evaluation.features import first_screens
    from evaluation.screens import find_screens, spread

    test, said = features["test"], {split: {image["id"]: image for image in coco[split]["images"]} for split in features}
    drawn: list[dict[str, str]] = []

    def save(kind: str, image: Any, title: str, caption: str) -> None:
        folder.mkdir(exist_ok=True)
        name = f"{kind}_{source.name}"
        image.save(folder / f"{name}.png")
        drawn.append({"name": name, "kind": kind, "source": source.name, "title": title, "caption": caption})

    def words(image: dict[str, Any]) -> str:
        return f"{image['screen']['family']}, {image['screen']['kit']}"

    # Screens: which are shown, and each one's nearest among all the others.
    level = best_level(findings.probes, source.levels, "family", "knn")
    gallery = torch.cat([f.screens[level] for f in features.values()])
    of_gallery = [said[split][i] for split, f in features.items() for i in f.image_ids.tolist()]
    first = sum(len(features[split].image_ids) for split in list(features)[: list(features).index("test")])
    queries = torch.tensor(spread(range(len(test.image_ids)), knobs.pictures))
    near, likeness = nearest(test.screens[level][queries], gallery, 5, own=first + queries)
    # Elements: one test element per class, of classes spread over the taxonomy, and the nearest training elements.
    crop_level = best_level(findings.probes, source.levels, "element_class", "knn")
    asked = torch.tensor(
        [int((test.crop_labels == label).nonzero()[0]) for label in spread(sorted(test.crop_labels.unique().tolist()), knobs.pictures)],
        dtype=torch.int64,
    )
    train = features["train"]
    near_crops = nearest(test.crops[crop_level][asked], train.crops[crop_level], 5)[0] if len(asked) and len(train.crop_labels) else None

    shown = [said["test"][i] for i in test.image_ids[: len(test.maps[0])].tolist()]
    mapped = spread(range(len(shown)), knobs.pictures)
    keys = {shown[n]["screen"]["key"] for n in mapped} | {of_gallery[first + q]["screen"]["key"] for q in queries.tolist()}
    keys |= {of_gallery[n]["screen"]["key"] for n in near.flatten().tolist()}
    if near_crops is not None:
        keys |= {said["test"][int(test.image_ids[test.crop_screens[n]])]["screen"]["key"] for n in asked.tolist()}
        keys |= {said["train"][int(train.image_ids[train.crop_screens[n]])]["screen"]["key"] for n in near_crops.flatten().tolist()}
    images |= find_screens(keys - images.keys()) if keys - images.keys() else {}

    if mapped:
        columns = []
        for n, name in enumerate(source.levels):
            colours = pca_rgb(test.maps[n][mapped], test.valid[n][mapped])
            columns.append((name, [content_of(picture, valid) for picture, valid in zip(colours, test.valid[n][mapped], strict=True)]))
        attended = attention_maps(source, first_screens(batches, knobs.screens), [int(test.image_ids[n]) for n in mapped], device)
        if attended:
            glowing = [heat(images[shown[n]["screen"]["key"]], attended[int(test.image_ids[n])]) for n in mapped]
            columns.append(("attention rollout", glowing))
        save(
            "pca", map_sheet([images[shown[n]["screen"]["key"]] for n in mapped], [words(shown[n]) for n in mapped], columns), f"Principal components: {source.name}",
            f"{source.model}. Test screens, and each level's feature map with its first three principal components (over the shown screens) as red, green and blue: "
            "like colours, like features." + (" Last column: attention rollout, where the last block's patches look." if attended else ""),
        )  # fmt: skip
    rows = []
    for n, q in enumerate(queries.tolist()):
        row = [(images[of_gallery[first + q]["screen"]["key"]], f"query: {words(of_gallery[first + q])}")]
        row += [
            (images[of_gallery[i]["screen"]["key"]], f"{words(of_gallery[i])} ({c:.3f})")
            for i, c in zip(near[n].tolist(), likeness[n].tolist(), strict=True)
        ]
        rows.append(row)
    save(
        "screens", neighbour_sheet(rows, screens=True), f"Nearest screens: {source.name}",
        f"{source.model}, {source.levels[level]}. Left: test screens. Right of each: the nearest of all {len(gallery) - 1:,} other screens by cosine (in brackets).",
    )  # fmt: skip
    if near_crops is not None:

        def crop(f: "Features", split: Split, n: int) -> tuple[Any, str]:
            return cut_out(f, said[split], images, n)

        rows = [
            [(crop(test, "test", q)[0], f"query: {crop(test, 'test', q)[1]}"), *(crop(train, "train", i) for i in found)]
            for q, found in zip(asked.tolist(), near_crops.tolist(), strict=True)
        ]
        save(
            "elements", neighbour_sheet(rows, screens=False), f"Nearest elements: {source.name}",
            f"{source.model}, {source.levels[crop_level]}. Left: one test element of a class. Right of each: the nearest of {len(train.crop_labels):,} training elements by cosine.",
        )  # fmt: skip
    return drawn


def attention_maps(source: "FeatureSource", batches: "Iterable[ScreenBatch]", wanted: Sequence[int], device: str) -> dict[int, Any]:
    """Attention rollout by image id, numpy [rows, columns] cut to the content; empty for an encoder that has none to show: a Swin, a ViT with rotary positions."""
    import torch

    from evaluation.feature_pictures import attention_rollout
    from evaluation.features import cells_of_content
    from training.models.encoder import VitEncoder, normalise
    from training.models.hjepa import HierarchicalJepa

    encoder = source.module.target.encoder if isinstance(source.module, HierarchicalJepa) else source.module
    found: dict[int, Any] = {}
    if not isinstance(encoder, VitEncoder) or encoder.position != "sine":
        return found
    for batch in batches:
        for n, image_id in enumerate(batch.image_ids.tolist()):
            if image_id in wanted:
                image, hw = batch.images[n : n + 1].to(device), batch.content_hw[n : n + 1].to(device)
                with torch.no_grad():
                    weights = attention_rollout(encoder, normalise(image, hw))[0].cpu()
                inside = cells_of_content(hw.cpu(), *image.shape[-2:], *weights.shape)[0]
                found[image_id] = weights[: int(inside.any(1).sum()), : int(inside.any(0).sum())].numpy()
        if len(found) == len(wanted):
            break
    return found


def cut_out(features: "Features", said: Mapping[int, dict[str, Any]], images: Mapping[str, Any], n: int) -> tuple[Any, str]:
    """Element `n` of a split's crops as a picture out of its full-size screen, and its class."""
    from contracts.taxonomy import NAMES

    image = said[int(features.image_ids[features.crop_screens[n]])]
    picture = images[image["screen"]["key"]]
    packed_height, packed_width = features.content_hw[features.crop_screens[n]].tolist()
    scale_y, scale_x = picture.height / packed_height, picture.width / packed_width
    x1, y1, x2, y2 = features.crop_boxes[n].tolist()
    left, top = max(0, int(x1 * scale_x)), max(0, int(y1 * scale_y))
    right, bottom = min(picture.width, max(left + 1, round(x2 * scale_x))), min(picture.height, max(top + 1, round(y2 * scale_y)))
    return picture.crop((min(left, right - 1), min(top, bottom - 1), right, bottom)), NAMES[int(features.crop_labels[n])]


def map_rows(
    source: "FeatureSource", features: "Mapping[Split, Features]", coco: Mapping[Split, dict[str, Any]], findings: "Findings", knobs: EvalProbesKnobs
) -> list[dict[str, Any]]:
    """One row per screen of all splits for screen_map.csv."""
    import torch

    from evaluation.feature_pictures import screen_map

    level = best_level(findings.probes, source.levels, "family", "knn")
    places = screen_map(torch.cat([f.screens[level] for f in features.values()]), knobs.seed)
    rows = []
    for split, f in features.items():
        said = {image["id"]: image["screen"] for image in coco[split]["images"]}
        for i in f.image_ids.tolist():
            x, y = places[len(rows)].tolist()
            screen = said[i]
            rows.append(
                {
                    "source": source.name, "level": source.levels[level], "split": split, "key": screen["key"], "family": screen["family"], "kit": screen["kit"],
                    "platform": screen["platform"], "x": round(x, 4), "y": round(y, 4),
                }
            )  # fmt: skip
    return rows


def draw_map(folder: Path, source: "FeatureSource", rows: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """The source's map of all screens as a PNG in `folder`, and what pictures.json says of it."""
    from evaluation.charts import render
    from evaluation.family_map import Place, commonest_families, family_map

    places = [Place(**{name: row[name] for name in ("source", "level", "split", "family", "x", "y")}) for row in rows]
    chart = render(family_map(places, commonest_families(places), source.name), width=5.2, height=3.7)
    folder.mkdir(exist_ok=True)
    (folder / f"map_{source.name}.png").write_bytes(chart.png)
    return {
        "name": f"map_{source.name}", "kind": "map", "source": source.name, "title": f"Map of all screens: {source.name}",
        "caption": f"{source.model}, {rows[0]['level']}. Screens of all splits by t-SNE, coloured by page family.",
    }  # fmt: skip


# --- figures


def best_level(probes: "Sequence[Probe]", levels: Sequence[str], label: str, protocol: str) -> int:
    """The level that the validation split chose for a label and protocol; the last one where that was not measured."""
    chosen = [p.level for p in probes if (p.label, p.protocol, p.best_level) == (label, protocol, True)]
    return levels.index(chosen[0]) if chosen else len(levels) - 1


def best_test_figures(probes: "Sequence[Probe]") -> "list[Probe]":
    return [p for p in probes if p.split == "test" and p.best_level]


_COLUMNS = (
    "source", "level", "label", "protocol", "split", "value", "low", "high", "chance", "samples", "balanced", "balanced_low", "balanced_high", "balanced_chance",
    "classes", "left_out", "rate", "val", "best_level",
)  # fmt: skip


def row_of(probe: "Probe") -> dict[str, Any]:
    """One row of probes.csv."""
    row = asdict(probe)
    score, balanced = row.pop("score"), row.pop("balanced")
    if balanced is not None:
        score |= {
            "balanced": balanced["value"],
            "balanced_low": balanced["low"],
            "balanced_high": balanced["high"],
            "balanced_chance": balanced["chance"],
        }
    return {name: (row | score).get(name) for name in _COLUMNS}


def write_results(
    s: Stage, results: "Sequence[tuple[FeatureSource, Findings]]", pictures: list[dict[str, str]], screen_maps: list[dict[str, Any]]
) -> dict[str, float]:  # fmt: skip
    """Everything in the artifact but run.json and the pictures themselves; the metrics."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    probes = [probe for _, findings in results for probe in findings.probes]
    write_csv(s.folder / "probes.csv", [row_of(probe) for probe in probes], _COLUMNS)
    write_csv(s.folder / "screen_map.csv", screen_maps, ("source", "level", "split", "key", "family", "kit", "platform", "x", "y"))
    details = [row for _, findings in results for row in findings.details]
    with replacing(s.folder / "details.parquet") as temporary:
        pq.write_table(pa.Table.from_pylist(details, schema=_details_schema()), temporary, compression="zstd")
    write_json(
        s.folder / "sources.json",
        [
            {"name": source.name, "model": source.model, "levels": list(source.levels), "quality": findings.quality, "cka": findings.cka, "notes": findings.notes}
            for source, findings in results
        ],
    )  # fmt: skip
    write_json(s.folder / "pictures.json", pictures)
    metrics: dict[str, float] = {}
    for probe in best_test_figures(probes):
        metrics[f"{probe.source}_{probe.label}_{probe.protocol}"] = probe.score.value
        if probe.protocol in ("linear", "miou"):
            metrics |= {f"chance_{probe.label}": probe.score.chance, f"samples_{probe.label}": probe.score.samples}
    for source, findings in results:
        for n, quality in enumerate(findings.quality.values()):
            metrics |= {f"{source.name}_{name}_level_{n}": quality[name] for name in ("effective_rank", "variance")}
    s.report(metrics, images={picture["title"]: f"figures/{picture['name']}.png" for picture in pictures})
    return metrics


def tracked(metrics: Mapping[str, float], pictures: Sequence[Mapping[str, str]], folder: Path) -> dict[str, Any]:
    """What W&B shows: the figures and the pictures."""
    import wandb

    return {**metrics, **{p["title"]: wandb.Image(str(folder / f"{p['name']}.png"), caption=p["caption"]) for p in pictures}}


def _details_schema() -> Any:
    import pyarrow as pa

    text = ("source", "level", "label", "protocol", "split", "truth", "predicted")
    return pa.schema([(name, pa.string()) for name in text] + [(name, pa.int64()) for name in ("image_id", "sample")])


def write_csv(path: Path, rows: Sequence[Mapping[str, Any]], columns: Sequence[str]) -> None:
    buffer = io.StringIO()
    writer = csv.DictWriter(buffer, columns, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    write_text(path, buffer.getvalue())


def table(probes: "Sequence[Probe]") -> str:
    """Figures as lines of text, each with its interval, chance and number of samples."""
    head = f"{'label':<14} {'protocol':<12} {'level':<10} {'value':>6}  {'95 % interval':<16} {'chance':>6} {'samples':>8}  {'val':>5}"
    lines = [
        f"{p.label:<14} {p.protocol:<12} {p.level:<10} {p.score.value:>6.3f}  [{p.score.low:.3f}, {p.score.high:.3f}]   {p.score.chance:>6.3f} {p.score.samples:>8,}"
        f"  {'' if p.val is None else f'{p.val:.3f}':>5}"
        for p in probes
    ]  # fmt: skip
    return "\n".join([head, *lines])


# --- classified images

# Of so many images of a split the maps are kept for the attentive probe (of a ViT-Tiny with patches of 4 on CIFAR a quarter of a GB).
_MAPS_OF_IMAGES = 10_000


def probe_images(encoder: Path, data: Path, most: int | None, with_random: bool) -> None:
    """Print what one encoder knows of classified images."""
    import torch

    from evaluation.features import open_source, random_source
    from training.image_sets import read_images

    knobs = load_knobs(EvalProbesKnobs)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    source = open_source(encoder.name, encoder, device)
    images = read_images(data, image_size=tuple(source.module.image_size))
    for each in [source, random_source(source, knobs.seed, device)] if with_random else [source]:
        findings = image_findings(each, images, most, knobs, device)
        print(f"\n{each.name} ({each.model}) on {data.name}\n{table(findings.probes)}")
        for level, quality in findings.quality.items():
            print(f"{level}: " + ", ".join(f"{name} {value:.4g}" for name, value in quality.items()))
        for note in findings.notes:
            print(note, file=sys.stderr)


def image_findings(source: "FeatureSource", images: "ImageSet", most: int | None, knobs: ProbeKnobs, device: str) -> "Findings":
    """The protocols on the classes of images of the encoder's size, with the splits train, val and test."""
    from evaluation.features import extract, first_screens
    from evaluation.probing import Labels, probe_source

    features = {}
    for split in ("train", "val", "test"):
        # In random order, so that those that are drawn, and those whose maps are kept, are of all classes.
        batches = images.batches(split, 250, shuffle_seed=knobs.seed)
        number = batch_count(batches, most)
        features[split] = extract(
            source, first_screens(progress(batches, f"{source.name}: {split}", number), most), device, _MAPS_OF_IMAGES, 0, knobs.seed
        )
    of = {split: images.class_of(f.image_ids) for split, f in features.items()}
    labels = Labels("class", tuple(images.classes), False, of, {split: f.image_ids for split, f in features.items()})
    return probe_source(source.name, source.levels, features, [labels], knobs.model_copy(update={"segmentation": False}), device)


if __name__ == "__main__":
    run_command(main)
