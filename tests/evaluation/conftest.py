"""A small dataset of hand-drawn screens, and finished artifacts of a line run on it, in a temporary repository."""

import io
import json
import random
import shutil
import tarfile
from dataclasses import asdict, replace
from pathlib import Path

import pytest
from PIL import Image, ImageDraw
from torch import nn

from contracts.annotation import Box, Element, Screen
from contracts.coco import coco_from_screens, read_coco, screens_from_coco
from contracts.dataset import MANIFEST, POINTER, SHARDS, Environment, Manifest, Shard, SplitCount, coco_path
from contracts.files import sha256, write_json, write_text
from contracts.knobs import load_knobs, stage_name
from contracts.registry import MODELS
from contracts.stage import stage
from contracts.taxonomy import BY_NAME, NAMES
from evaluation import report as report_stage
from evaluation.asking import read_protocol
from evaluation.config import EvalDetectionKnobs, EvalGroundingKnobs, EvalLatencyKnobs, EvalProbesKnobs, EvalTransferKnobs
from evaluation.detection import score_detections
from evaluation.eval_detection import write_results
from evaluation.eval_grounding import Result, ambiguous_part, baselines, draw_answers, full_size_screens
from evaluation.eval_grounding import write_results as write_grounding_results
from evaluation.eval_probes import write_results as write_probe_results
from evaluation.eval_transfer import goals
from evaluation.eval_transfer import metrics as transfer_metrics
from evaluation.eval_transfer import write_results as write_transfer_results
from evaluation.features import FeatureSource
from evaluation.grounding import USERS, Case, score
from evaluation.grounding_sets import Benchmark
from evaluation.latency import Call, Measured, summary, write_measured
from evaluation.latency import metrics as latency_metrics
from evaluation.probing import Findings, Probe
from evaluation.scores import Score
from evaluation.transfer_cell import Cell
from evaluation.transfer_report import write_figures as write_transfer_figures
from training.config import (
    PackBetonKnobs,
    PackGroundingKnobs,
    PersonalizeGrounderKnobs,
    PretrainHjepaKnobs,
    PretrainMaeKnobs,
    TrainDetectorKnobs,
    TuneGrounderKnobs,
)
from training.grounding.answers import parse_answer
from training.grounding.coordinates import RelativeFrame

REPOSITORY = Path(__file__).parents[2]
GROUPS = {
    "train": [("drawn-a", "form"), ("drawn-b", "table")],
    "val": [("drawn-a", "dashboard")],
    "test": [("drawn-b", "settings"), ("drawn-b", "form")],
    "test_unseen": [("drawn-c", "form")],
}
SIZE = (640, 400)


def draw_screen(key, kit, family, seed):
    """A plain form: a bar with a heading, then rows of a text, a field and a button. Returns the screen and its PNG."""
    draw_random = random.Random(seed)
    image = Image.new("RGB", SIZE, (250, 250, 252))
    draw = ImageDraw.Draw(image)
    elements = []

    def add(name, box, fill):
        draw.rectangle((box[0], box[1], box[2] - 1, box[3] - 1), fill=fill)
        elements.append(Element(id=len(elements), class_name=name, box=Box(x1=box[0], y1=box[1], x2=box[2], y2=box[3])))

    add("navigation_bar", (0, 0, SIZE[0], 44), (36, 60, 96))
    add("heading", (16, 12, 16 + draw_random.randrange(90, 200), 32), (255, 255, 255))
    for row in range(draw_random.randrange(4, 7)):
        y = 64 + row * 52
        add("text", (20, y + 8, 20 + draw_random.randrange(50, 120), y + 22), (70, 76, 88))
        add(draw_random.choice(["text_field", "combo_box", "search_field"]), (160, y, 420, y + 32), (222, 226, 232))
        add("button", (440, y, 440 + draw_random.randrange(70, 130), y + 32), (36, 99, 180))
        add("icon", (600, y + 8, 616, y + 24), (200, 120, 40))
    screen = Screen(
        key=key, width=SIZE[0], height=SIZE[1], device_scale=1, platform="web", kit=kit, family=family, locale="en", theme="light", seed=seed,
        generator="drawn-1", elements=tuple(elements),
    )  # fmt: skip
    png = io.BytesIO()
    image.save(png, "PNG")
    return screen, png.getvalue()


def write_dataset(screens_per_group):
    """data/ and data.dvc in the working directory: one shard per split."""
    shards, splits, classes = [], {}, dict.fromkeys(NAMES, 0)
    SHARDS.mkdir(parents=True)
    for number, (split, groups) in enumerate(GROUPS.items()):
        drawn = [
            draw_screen(f"{number:06d}-{position:05d}", *groups[position % len(groups)], seed=100 * number + position)
            for position in range(screens_per_group * len(groups))
        ]
        path = SHARDS / f"{number:06d}.tar"
        with tarfile.open(path, "w") as tar:
            for screen, png in drawn:
                for suffix, content in ((".png", png), (".json", json.dumps(screen.to_json()).encode())):
                    member = tarfile.TarInfo(screen.key + suffix)
                    member.size = len(content)
                    tar.addfile(member, io.BytesIO(content))
        elements = [element for screen, _ in drawn for element in screen.elements]
        for element in elements:
            classes[element.class_name] += 1
        shards.append(Shard(name=path.name, sha256=sha256(path), bytes=path.stat().st_size, screens=len(drawn), elements=len(elements)))
        splits[split] = SplitCount(screens=len(drawn), elements=len(elements), groups=tuple(f"{kit}/{family}" for kit, family in groups))
        write_json(coco_path(split), coco_from_screens(screen for screen, _ in drawn))
    environment = Environment(engines="none", kits={}, fonts={}, kit_lock_sha256="0" * 64, generator="drawn-1", system="test")
    write_json(MANIFEST, Manifest(shards=tuple(shards), splits=splits, classes=classes, environment=environment).model_dump(mode="json"))
    write_text(POINTER, "outs:\n- md5: 0123456789abcdef0123456789abcdef.dir\n  path: data\n")


def wobbled_predictions(coco, seed=3):
    """Most truth boxes moved a little, some with the wrong class, some missing, and false alarms of low score."""
    draw = random.Random(seed)
    names = {category["name"]: category["id"] for category in coco["categories"]}
    predictions = []
    for annotation in coco["annotations"]:
        x, y, w, h = annotation["bbox"]
        if draw.random() < 0.8:
            category = annotation["category_id"] if draw.random() < 0.85 else names["link"]
            box = [x + draw.uniform(-3, 3), y + draw.uniform(-2, 2), w + draw.uniform(-3, 3), max(2.0, h + draw.uniform(-2, 2))]
            predictions.append({"image_id": annotation["image_id"], "category_id": category, "bbox": box, "score": draw.uniform(0.3, 0.95)})
        predictions.append(
            {"image_id": annotation["image_id"], "category_id": BY_NAME["text"].id, "bbox": [x, y + 60, 30, 20], "score": draw.uniform(0, 0.35)}
        )
    return predictions


def write_training_artifacts():
    """What the report reads of the three stages before the evaluation: logs and a picture, no models."""
    draw = random.Random(5)
    with stage("pack_beton", load_knobs(PackBetonKnobs)):
        pass
    with stage("pretrain_hjepa", load_knobs(PretrainHjepaKnobs)) as s:
        rows = [f"{step},{0.4 * 0.99**step:.6g},{0.4 * 0.98**step:.6g},{40 + step / 4 if step % 10 == 0 else ''}" for step in range(1, 61)]
        write_text(s.folder / "curves.csv", "step,loss_level_0,loss_level_1,watch_effective_rank_level_0\n" + "\n".join(rows) + "\n")
    for name, settings, start, end in (("pretrain_mae", PretrainMaeKnobs, 1.02, 0.31), ("train_detector", TrainDetectorKnobs, 41.0, 12.5)):
        with stage(name, load_knobs(settings)) as s:
            rows = [f"{step},{end + (start - end) * 0.97**step * draw.uniform(0.9, 1.1):.6g}," for step in range(1, 121)]
            rows[59::60] = [f"{row}{end * 1.1:.6g}" for row in rows[59::60]]
            write_text(s.folder / "curves.csv", "step,loss,val_loss\n" + "\n".join(rows) + "\n")
            if name == "pretrain_mae":
                Image.linear_gradient("L").resize((576, 288)).save(s.folder / "reconstructions.png")
            s.report({"loss": 1.0})


def write_eval_artifact(predictions=None):
    """artifacts/eval_detection of hand-made predictions, scored and written by the stage's own parts."""
    knobs, coco = load_knobs(EvalDetectionKnobs), read_coco(coco_path("test"))
    predictions = wobbled_predictions(coco) if predictions is None else predictions
    with stage("eval_detection", knobs) as s:
        scores = score_detections(coco, predictions, knobs.max_detections)
        write_results(s, coco, predictions, scores, knobs.overlays, seconds=0.5)
    return scores


def drawn_cases(split="test"):
    """Commands for every button of a drawn split, a third of them of users 1 to 3."""
    frame = RelativeFrame(*SIZE)
    return [
        Case(
            id=f"{screen.key}-{element.id}", screen=screen.key, instruction=f"Click button {element.id}", bbox_norm1000=frame.box_to_relative(element.box.xyxy),
            width=screen.width, height=screen.height, platform=screen.platform, element_class=element.class_name, kit=screen.kit, family=screen.family,
            kind="ambiguous" if element.id % 2 else "role", user=1 + element.id % 3, guessable=0.25 + 0.25 * (element.id % 8 == 1) if element.id % 2 else None,
        )
        for screen in screens_from_coco(read_coco(coco_path(split)), coco_path(split))
        for element in screen.elements
        if element.class_name in ("button", "icon")
    ]  # fmt: skip


def made_up_answers(cases, right, seed):
    """So large a share of hits, the others lie anywhere; every seventh answer cannot be read."""
    draw = random.Random(seed)
    texts = []
    for number, case in enumerate(cases):
        x, y = case.center if draw.random() < right else (draw.randrange(1000), draw.randrange(1000))
        texts.append("I see no such button." if number % 7 == 6 else f"<|box_start|>({x:.0f},{y:.0f})<|box_end|>")
    return texts


def write_grounding_artifacts():
    """artifacts/eval_grounding of made-up answers, scored, drawn and written by the stage's own parts; of the stages before it only that they have run."""
    for settings in (PackGroundingKnobs, TuneGrounderKnobs, PersonalizeGrounderKnobs):
        with stage(stage_name(settings), load_knobs(settings)):
            pass
    knobs, protocol = load_knobs(EvalGroundingKnobs), read_protocol("grounding-v1")
    cases = drawn_cases()
    shared = [replace(case, user=None) for case in cases]
    sets = [Benchmark("test", shared, full_size_screens(), {}), Benchmark(USERS, cases, full_size_screens(), {})]
    results = list(baselines(sets))
    rights = {("test", "vanilla"): 0.05, ("test", "global"): 0.4, ("test", "global_zoom"): 0.5, (USERS, "global"): 0.3, (USERS, "personal"): 0.6}
    for number, ((name, model), right) in enumerate(rights.items()):
        own = shared if name == "test" else cases
        texts = made_up_answers(own, right, number)
        answers = [parse_answer(text) for text in texts]
        results.append(Result(name, model, own, score(own, answers), answers, texts))
    results += [part for result in results if (part := ambiguous_part(result)) is not None]
    with stage("eval_grounding", knobs) as s:
        write_grounding_results(s, results, protocol)
        draw_answers(s, results, sets, knobs.overlays)
    return results


def write_probe_artifact():
    """artifacts/eval_probes of made-up figures and plain pictures, written by the stage's own parts."""
    draw, words = random.Random(9), {"pca": "Principal components", "screens": "Nearest screens", "elements": "Nearest elements"}
    keys = [(split, image["screen"]) for split in GROUPS for image in read_coco(coco_path(split))["images"]]
    results, places, pictures = [], [], []
    with stage("eval_probes", load_knobs(EvalProbesKnobs)) as s:
        (s.folder / "figures").mkdir()
        for name, level in (
            ("pretrain_mae", "stride 8"),
            ("pretrain_hjepa", "stride 16"),
            ("random_pretrain_mae", "stride 8"),
            ("random_pretrain_hjepa", "stride 16"),
        ):
            source = FeatureSource(name, "a made-up encoder", (level,), nn.Identity(), lambda images: [images])
            findings = Findings(
                quality={level: dict.fromkeys(("variance", "effective_rank", "isotropy", "mean_cosine", "dimensions", "samples"), 0.5)}, cka=[[1.0]]
            )
            findings.notes.append("kit: fewer than 5 classes have 25 test samples, so there are no such few-shot episodes")
            for label, protocol in (
                ("element_class", "linear"),
                ("element_class", "few_shot_5"),
                ("platform", "knn"),
                ("platform", "linear"),
                ("segmentation", "miou"),
            ):
                value = draw.uniform(0.3, 0.8)
                findings.probes.append(Probe(name, level, label, protocol, "test", Score(value, value - 0.1, value + 0.1, 0.35, 240), None, 12))
            results.append((source, findings))
            for split, screen in keys:
                places.append(
                    {"source": name, "level": level, "split": split, "x": draw.random(), "y": draw.random()}
                    | {k: screen[k] for k in ("key", "family", "kit", "platform")}
                )
            for kind, title in words.items():
                Image.linear_gradient("L").resize((420, 160)).save(s.folder / "figures" / f"{kind}_{name}.png")
                pictures.append({"name": f"{kind}_{name}", "kind": kind, "source": name, "title": f"{title}: {name}", "caption": "A gradient."})
        write_probe_results(s, results, pictures, places)


def write_registry():
    """A registry whose promoted version is this line's detector, trained for another number of epochs, and a little better."""
    runs = {stage: json.loads(Path(f"artifacts/{stage}/run.json").read_text()) for stage in ("train_detector", "eval_detection")}
    runs["train_detector"]["knobs"]["epochs"] = 7
    metrics = json.loads(Path("artifacts/eval_detection/metrics.json").read_text())
    lineage = {"dataset_version": runs["eval_detection"]["dataset_version"], "test_split": sha256(coco_path("test")), "runs": runs}
    version = {"version": "v2", "metrics": {"eval_detection": metrics | {"AP": metrics["AP"] + 0.05, "ms_per_screen": 999.0}}, "lineage": lineage}
    write_json(MODELS / "detector/v2/version.json", version)
    changes = [{"version": name, "at": at, "why": "test"} for name, at in (("v1", "2026-01-01"), ("v2", "2026-02-02"))]
    write_json(MODELS / "detector/promoted.json", {"version": "v2", "before": ["v1"], "history": changes})


def write_latency_artifact():
    """artifacts/eval_latency of made-up calls, summed up and written by the stage's own parts."""
    draw = random.Random(11)
    calls = [
        Call("cpu", mode, batch, number, 4.0, 2.0, draw.uniform(30, 50) * batch, 0.5, 0)
        for mode in ("eager", "exported")
        for batch in (1, 4)
        for number in range(10)
    ]
    machine = {"processor": "A made-up processor", "cores": 2, "threads": 2, "gpus": [], "torch": "2", "system": "test", "load_average_after": 0.4}
    kinds = dict.fromkeys((call.device, call.mode, call.batch) for call in calls)
    rows = [summary([call for call in calls if (call.device, call.mode, call.batch) == kind], 1.0, 0.5) for kind in kinds]
    measured = Measured(tuple(calls), tuple(rows), {"parameters": 2_756_832, "gflops": 2.34}, machine)
    with stage("eval_latency", load_knobs(EvalLatencyKnobs)) as s:
        write_measured(measured, s.folder)
        s.report(latency_metrics(measured))


def write_transfer_artifact():
    """artifacts/eval_transfer of made-up figures on unseen kits, written by the stage's own parts."""
    knobs, test = (
        load_knobs(EvalTransferKnobs),
        {"AP": 0.6, "AP_low": 0.5, "AP_high": 0.7, "AP50": 0.8, "AP_agnostic": 0.55, "screens": 4, "elements": 80},
    )
    cells = [
        Cell(
            "test_unseen",
            False,
            start,
            shots,
            2 if shots else 1,
            ap,
            ap - 0.05,
            ap + 0.06,
            ap - 0.02,
            ap + 0.02,
            ap + 0.1,
            ap + 0.2,
            12,
            300,
            8,
            4.5,
            "",
        )
        for start, shots, ap in (("detector", 0, 0.3), ("detector", 5, 0.35), ("detector", 10, 0.4), ("scratch", 5, 0.06), ("scratch", 10, 0.1))
    ]
    cells.append(Cell("test_unseen", False, "imagenet", 10, 0, *(None,) * 7, 12, 300, 0, 0.0, "not at hand: eval_transfer.imagenet names no file"))
    with stage("eval_transfer", knobs) as s:
        host = json.loads((s.folder / "run.json").read_text())["host"]
        compute = {
            "trained_steps": 120, "trained_seconds": 30.0, "encoder": "swin_nano", "parameters": 2_756_832, "image_size": [288, 384], "tunings": 8,
            "steps_each": 8, "tuning_seconds": 18.0, "device": "cpu", "host": host,
        }  # fmt: skip
        told = {"test": test, "goals": goals(test, cells), "cells": [asdict(cell) for cell in cells], "compute": compute, "knobs": {}}
        write_transfer_results(s.folder, told, cells, [])
        s.report(transfer_metrics(test, cells), images=write_transfer_figures(told, s.folder))


def make_line(folder, monkeypatch, screens_per_group=2):
    """Dataset and artifacts of a whole line in `folder`, which becomes the working directory."""
    params = (REPOSITORY / "params.yaml").read_text()
    assert "wandb: offline" in params
    (folder / "params.yaml").write_text(params.replace("wandb: offline", "wandb: disabled"))  # starting it for every report would take long
    monkeypatch.chdir(folder)
    write_dataset(screens_per_group)
    write_training_artifacts()
    write_eval_artifact()
    write_probe_artifact()
    write_grounding_artifacts()
    write_latency_artifact()
    write_transfer_artifact()
    run = folder / "artifacts/train_detector/run.json"
    write_json(run, json.loads(run.read_text()) | {"code_revision": "0123456789abcdef" * 2 + "01234567+changes"})  # the longest there is
    write_registry()


@pytest.fixture(scope="session")
def finished_line(tmp_path_factory):
    """A repository in which every stage before the report has run. Do not change it; `line` is a copy."""
    folder = tmp_path_factory.mktemp("finished")
    with pytest.MonkeyPatch.context() as patch:
        make_line(folder, patch)
    return folder


@pytest.fixture
def line(finished_line, tmp_path, monkeypatch):
    """A repository of one's own in which every stage before the report has run; it is the working directory."""
    shutil.copytree(finished_line, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture(scope="session")
def report(finished_line, tmp_path_factory):
    """artifacts/report of such a repository, for tests that only look at it."""
    folder = tmp_path_factory.mktemp("reported")
    shutil.copytree(finished_line, folder, dirs_exist_ok=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setattr("sys.argv", ["report"])
        report_stage.main()
    return folder / "artifacts/report"
