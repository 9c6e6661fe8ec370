"""Features of encoders, and the stage eval_probes on a small dataset of drawn screens: with pixels for features, and with real encoders that know nothing."""

import csv
import json

import numpy as np
import pyarrow.parquet as pq
import pytest
import torch
import torch.nn.functional as F
import yaml
from PIL import Image
from pytest import approx
from torch import nn

from contracts.coco import read_coco
from contracts.dataset import SPLITS, coco_path
from contracts.errors import InputError
from contracts.knobs import load_knobs, load_tracking
from contracts.stage import stage
from contracts.taxonomy import BY_NAME, NAMES
from evaluation import eval_probes
from evaluation.config import EvalProbesKnobs
from evaluation.feature_pictures import attention_rollout, nearest, pca_rgb, screen_map
from evaluation.features import (
    MASK_STRIDE,
    FeatureSource,
    cells_of_content,
    element_mask,
    extract,
    first_screens,
    open_source,
    pool_boxes,
    random_source,
    source_of,
    trainable_source,
)
from evaluation.probing import probe_source, screen_labels
from evaluation.tracking import track
from training import pack_beton
from training.batches import open_split
from training.image_sets import read_images
from training.models.encoder import build_encoder
from training.models.hjepa import HierarchicalJepa, HjepaConfig
from training.screen_batch import ScreenBatch

SIZE = (64, 128)
TINY_HJEPA = HjepaConfig(
    encoder="vit_nano", image_size=SIZE, position="sine", levels=2, learned_weights=False, pooling="average", fusion=False, cross_level_attention=False,
    predictor_depth=1, predictor_dim=32, predictor_heads=2, predictor_mlp_ratio=2.0, averaged=True, projector_dim=None,
)  # fmt: skip


def batch_of(images, boxes=(), labels=(), content=None):
    hw = torch.tensor(content or [list(images.shape[-2:])] * len(images))
    boxes = [torch.tensor(b, dtype=torch.float32).reshape(-1, 4) for b in boxes] or [torch.zeros(0, 4)] * len(images)
    labels = [torch.tensor(label, dtype=torch.int64) for label in labels] or [torch.zeros(0, dtype=torch.int64)] * len(images)
    return ScreenBatch(images, boxes, labels, torch.arange(len(images)), hw, hw)


def pixels(side=4):
    """A source that knows nothing but colours: the mean of each `side` x `side` pixels."""
    return FeatureSource("pixels", "pixels", (f"stride {side}",), nn.Identity(), lambda images: [F.avg_pool2d(images, side)])


# --- features


def test_cells_whose_centre_is_content():
    inside = cells_of_content(torch.tensor([[20, 64], [64, 5], [1, 1]]), 64, 64, 4, 4)
    assert inside[0].any(1).tolist() == [True, False, False, False]  # the second row's centre is at 24
    assert inside[1].any(0).tolist() == [True, False, False, False]
    assert inside[2].sum() == 1  # never none


def test_a_screen_is_the_mean_of_its_content_alone():
    images = torch.zeros(1, 3, 32, 32, dtype=torch.uint8)
    source = FeatureSource("x", "x", ("a",), nn.Identity(), lambda images: [torch.arange(4.0).view(1, 1, 2, 2).expand(len(images), -1, -1, -1)])
    found = extract(source, [batch_of(images, content=[[16, 32]])], "cpu", 1, 10, 0)
    assert found.screens[0].tolist() == [[0.5]]  # cells 0 and 1
    assert found.valid[0].tolist() == [[[True, True], [False, False]]]


def test_an_element_is_what_lies_under_its_box():
    level = torch.zeros(2, 1, 8, 16)
    level[0, 0, 2:4, 4:8], level[1, 0, 6:8, 0:2] = 3.0, 5.0
    found = pool_boxes(level, [torch.tensor([[32.0, 16, 64, 32], [64, 0, 128, 16]]), torch.tensor([[0.0, 48, 16, 64]])], 64, 128)
    assert found[:, 0].tolist() == [approx(3.0, abs=0.6), approx(0.0, abs=1e-6), approx(5.0, abs=0.6)]
    fine = torch.zeros(1, 1, 64, 128)
    fine[0, 0, 16:32, 32:64] = 3.0
    assert pool_boxes(fine, [torch.tensor([[34.0, 18, 60, 30]])], 64, 128).item() == approx(3.0)


def test_masks_show_what_lies_inside():
    boxes, labels = torch.tensor([[8.0, 8, 24, 24], [0.0, 0, 32, 32]]), torch.tensor([4, 1])
    mask = element_mask(boxes, labels, torch.tensor([32, 48]), (40, 64))
    assert mask.shape == (40 // MASK_STRIDE, 64 // MASK_STRIDE)
    assert mask.tolist() == [
        [2, 2, 2, 2, 0, 0, -1, -1],
        [2, 5, 5, 2, 0, 0, -1, -1],
        [2, 5, 5, 2, 0, 0, -1, -1],
        [2, 2, 2, 2, 0, 0, -1, -1],
        [-1] * 8,
    ]


def test_a_limit_cuts_the_last_batch():
    batches = [batch_of(torch.zeros(3, 3, 8, 8, dtype=torch.uint8)) for _ in range(3)]
    assert [len(batch) for batch in first_screens(batches, 4)] == [3, 1]
    assert [len(batch) for batch in first_screens(batches, 3)] == [3]
    assert [len(batch) for batch in first_screens(batches, None)] == [3, 3, 3]


def test_no_screen_is_an_error():
    with pytest.raises(InputError, match="holds no screen"):
        extract(pixels(), [], "cpu", 1, 1, 0)


@pytest.mark.parametrize(
    ("module", "levels"),
    [
        (lambda: build_encoder("swin_nano", SIZE), {"stride 8": (8, 16), "stride 16": (4, 8), "stride 32": (2, 4)}),
        (lambda: build_encoder("vit_nano", SIZE), {"stride 16": (4, 8)}),
        (lambda: HierarchicalJepa(TINY_HJEPA), {"stride 16": (4, 8), "stride 32": (2, 4)}),
    ],
    ids=["swin", "vit", "hjepa"],
)
def test_sources_saved_and_with_random_weights(tmp_path, module, levels):
    torch.manual_seed(1)
    module().save_pretrained(tmp_path)
    source = open_source("it", tmp_path)
    images, hw = torch.randint(0, 256, (2, 3, *SIZE), dtype=torch.uint8), torch.tensor([SIZE] * 2)
    maps = source.maps(images, hw)
    assert {name: tuple(m.shape[2:]) for name, m in zip(source.levels, maps, strict=True)} == levels
    assert all(torch.equal(a, b) for a, b in zip(maps, open_source("it", tmp_path).maps(images, hw), strict=True))
    random = random_source(source, 7)
    assert random.levels == source.levels and random.model == source.model and random.name == "random_it"
    again = random_source(source, 7).maps(images, hw)
    assert all(torch.equal(a, b) and not torch.allclose(a, c) for a, b, c in zip(random.maps(images, hw), again, maps, strict=True))
    assert sum(p.requires_grad for p in trainable_source(source, tmp_path, 0).module.parameters()) > 10
    # Each cell has been normalised, so no channel drowns the others.
    assert maps[0].var(1, correction=0).mean() == approx(1.0, abs=0.05)


def test_a_folder_without_a_model_is_named(tmp_path):
    with pytest.raises(InputError, match=r"config.json: does not exist"):
        open_source("it", tmp_path)


# --- pictures


def test_principal_components_are_colours_of_what_is_alike():
    maps, valid = torch.zeros(2, 3, 4, 8), torch.ones(2, 3, 4, dtype=torch.bool)
    maps[:, 0, :, 0], maps[:, 1, :, 1], valid[1, 2] = 4.0, 2.0, False
    colours = pca_rgb(maps + 0.01 * torch.randn(maps.shape), valid)
    assert colours.shape == (2, 3, 4, 3) and (colours[1, 2] == 255).all()
    top, middle = colours[:, 0].reshape(-1, 3).astype(int), colours[:, 1].reshape(-1, 3).astype(int)
    assert abs(top.mean(0) - middle.mean(0)).max() > 100 and top[:, 0].std() < 10


def test_nearest_by_cosine_leaves_the_query_out():
    gallery = torch.tensor([[1.0, 0], [10, 1], [0, 1], [-1, 0]])
    found, cosine = nearest(gallery[:1], gallery, 2, own=torch.tensor([0]))
    assert found.tolist() == [[1, 2]] and cosine[0].tolist() == [approx(10 / 101**0.5), approx(0.0)]


def test_attention_rollout_is_a_distribution_that_follows_attention():
    """With blocks that attend to nothing in particular each patch counts alike; with a block that looks at one patch, that one counts most."""
    torch.manual_seed(0)
    encoder = build_encoder("vit_nano", SIZE).eval()
    images = torch.randn(2, 3, *SIZE)
    with torch.no_grad():
        for block in encoder.vit.blocks:
            block.attn.qkv.weight.zero_()
        even = attention_rollout(encoder, images)
        assert even.shape == (2, 4, 8) and even.flatten(1) == approx(torch.full((2, 32), float(even[0, 0, 0])), abs=1e-5)
        assert 0.9 < float(even[0].sum()) <= 1.0
        size = encoder.vit.embed_dim
        tokens = encoder.vit.blocks[0].norm1(encoder.vit._pos_embed(encoder.vit.patch_embed(images[:1])))
        # Keys are the tokens, every query asks for the tenth patch's.
        encoder.vit.blocks[0].attn.qkv.weight[size : 2 * size] = torch.eye(size)
        encoder.vit.blocks[0].attn.qkv.bias[:size] = 3 * tokens[0, 10]
        assert int(attention_rollout(encoder, images[:1]).argmax()) == 9  # the class token comes first


def test_a_map_of_two_clusters_keeps_them_apart():
    generator = torch.Generator().manual_seed(0)
    points = torch.eye(6)[torch.arange(2).repeat(12)] + 0.05 * torch.randn(24, 6, generator=generator)
    places = screen_map(points, 0)
    own, other = places[0::2], places[1::2]
    gap = np.linalg.norm(own.mean(0) - other.mean(0))
    assert gap > 2 * max(np.linalg.norm(own - own.mean(0), axis=1).mean(), np.linalg.norm(other - other.mean(0), axis=1).mean())


# --- the stage


@pytest.fixture
def packed(line, monkeypatch):
    """The line's dataset, really packed: shards only, at a size at which everything is quick."""
    torch.set_num_threads(1)
    params = yaml.safe_load((line / "params.yaml").read_text())
    tiny = params["presets"]["tiny-cpu"]
    tiny["pack_beton"] = {"image_size": list(SIZE), "formats": ["shards"]}
    tiny["eval_probes"] |= {"epochs": 3, "segmentation_epochs": 2, "fine_tune_epochs": 1, "map_screens": 3, "screens": None}
    params["eval_probes"] |= {
        "few_shot_queries": 2,
        "few_shot_shots": [1, 2],
        "few_shot_ways": 3,
        "few_shot_episodes": 20,
        "pictures": 2,
        "neighbours": 3,
    }
    params["tracking"]["wandb"] = "disabled"
    for hardware in tiny["hardware"].values():
        hardware |= {"num_workers": 0, "micro_batch": 3}
    (line / "params.yaml").write_text(yaml.safe_dump(params))
    monkeypatch.setattr("sys.argv", ["stage"])
    pack_beton.main()
    return line


def test_colours_tell_what_is_drawn_in_colours(packed):
    """Elements of a drawn screen have the colour of their class, but for the three kinds of field, which share one."""
    features = {split: extract(pixels(2), open_split(split, batch_size=3), "cpu", 2, 1000, 0) for split in SPLITS}
    labels = screen_labels(features, {split: read_coco(coco_path(split)) for split in SPLITS})
    assert [label.name for label in labels] == ["element_class", "kit", "family", "platform"]
    knobs = load_knobs(EvalProbesKnobs).model_copy(update={"epochs": 60, "rates": (0.01, 0.1), "attentive": False})
    found = probe_source("pixels", ("stride 2",), features, labels, knobs, "cpu")
    (linear,) = [p for p in found.probes if (p.label, p.protocol, p.split) == ("element_class", "linear", "test")]
    assert linear.score.value > 0.75 > linear.score.chance and linear.score.low > linear.score.chance
    fields = {"text_field", "combo_box", "search_field"}
    answers = [row for row in found.details if (row["protocol"], row["split"]) == ("linear", "test") and row["label"] == "element_class"]
    assert len(answers) == linear.score.samples
    wrong = [row for row in answers if row["truth"] != row["predicted"] and not {row["truth"], row["predicted"]} <= fields]
    assert len(wrong) < 0.12 * len(answers)
    # One kit is in no training screen and all platforms are the same, so neither can be asked of the kits that training has not seen.
    assert not [p for p in found.probes if p.label == "kit" and p.split == "test_unseen"]
    assert any("platform: the training split holds 1 of them" in note for note in found.notes)


def test_the_stage_writes_what_it_measured(packed):
    torch.manual_seed(0)
    for name, module in (("pretrain_mae", build_encoder("swin_nano", SIZE)), ("pretrain_hjepa", HierarchicalJepa(TINY_HJEPA))):
        with stage(name, load_knobs(EvalProbesKnobs)) as s:
            module.save_pretrained(s.folder)
    eval_probes.main()
    folder = packed / "artifacts/eval_probes"
    metrics = json.loads((folder / "metrics.json").read_text())
    with (folder / "probes.csv").open() as file:
        rows = list(csv.DictReader(file))
    sources = [source["name"] for source in json.loads((folder / "sources.json").read_text())]
    assert sources == ["pretrain_mae", "pretrain_hjepa", "random_pretrain_mae", "random_pretrain_hjepa"]
    assert {row["protocol"] for row in rows} == {"knn", "linear", "attentive", "few_shot_1", "few_shot_2", "miou", "fine_tuned"}
    for row in rows:
        assert float(row["low"]) <= float(row["value"]) <= float(row["high"]) and int(row["samples"]) > 0 and 0 <= float(row["chance"]) <= 1
    chosen = {f"{r['source']}_{r['label']}_{r['protocol']}": float(r["value"]) for r in rows if r["split"] == "test" and r["best_level"] == "True"}
    assert chosen and {name: metrics[name] for name in chosen} == approx(chosen)
    details = pq.read_table(folder / "details.parquet").to_pylist()
    for source in sources:
        mine = [d for d in details if (d["source"], d["label"], d["protocol"], d["split"]) == (source, "element_class", "linear", "test")]
        assert sum(d["truth"] == d["predicted"] for d in mine) / len(mine) == approx(metrics[f"{source}_element_class_linear"])
        assert {d["truth"] for d in mine} <= set(NAMES)
    pictures = json.loads((folder / "pictures.json").read_text())
    assert {picture["kind"] for picture in pictures} == {"pca", "screens", "elements", "map"} and len(pictures) == 4 * len(sources)
    for picture in pictures:
        with Image.open(folder / "figures" / f"{picture['name']}.png") as image:
            assert image.width > 300
    with (folder / "screen_map.csv").open() as file:
        assert len(list(csv.DictReader(file))) == len(sources) * sum(len(read_coco(coco_path(split))["images"]) for split in SPLITS)


def test_figures_and_pictures_go_to_wandb(packed):
    """Offline, so that nothing leaves the host: the run's own file is there, and the pictures beside it."""
    with stage("measured", load_knobs(EvalProbesKnobs)) as s:
        (s.folder / "figures").mkdir()
        pictures = []
        for n, kind in enumerate(("pca", "map")):
            Image.new("RGB", (40 + n, 30), (10, 20, 30)).save(s.folder / "figures" / f"{kind}_x.png")
            pictures.append({"name": f"{kind}_x", "kind": kind, "source": "x", "title": f"{kind}: x", "caption": "what it shows"})
        for mode in ("disabled", "offline"):
            assert not (s.folder / "wandb").exists()
            tracking = load_tracking().model_copy(update={"wandb": mode})
            track(s, tracking, load_knobs(EvalProbesKnobs), lambda: eval_probes.tracked({"x_kit_linear": 0.5}, pictures, s.folder / "figures"))
    (run,) = (packed / "artifacts/measured/wandb").glob("offline-run-*")
    assert list(run.glob("*.wandb"))
    widths = []
    for file in run.rglob("*.png"):
        with Image.open(file) as image:
            widths.append(image.width)
    assert sorted(widths) == [40, 41]


def test_pretraining_of_another_dataset_version_is_refused(packed):
    with stage("pretrain_mae", load_knobs(EvalProbesKnobs)) as s:
        build_encoder("vit_nano", SIZE).save_pretrained(s.folder)
    run = packed / "artifacts/pretrain_mae/run.json"
    run.write_text(json.dumps(json.loads(run.read_text()) | {"dataset_version": "other.dir"}))
    before = (packed / "artifacts/eval_probes/run.json").read_text()
    with pytest.raises(InputError, match=r"pretrain_mae/run.json: dataset_version: was made from another"):
        eval_probes.main()
    assert (packed / "artifacts/eval_probes/run.json").read_text() == before


# --- classified images


@pytest.fixture
def image_folder(tmp_path):
    """Three classes of plain colours with noise, in ImageNet's layout."""
    generator = np.random.default_rng(0)
    for split, number in (("train", 12), ("val", 8)):
        for label, colour in (("red", (200, 60, 60)), ("green", (60, 200, 60)), ("blue", (60, 60, 200))):
            (tmp_path / split / label).mkdir(parents=True)
            for n in range(number):
                noisy = (np.array(colour) + generator.normal(0, 15, (*SIZE, 3))).clip(0, 255).astype(np.uint8)
                Image.fromarray(noisy).save(tmp_path / split / label / f"{n}.png")
    return tmp_path


def test_classified_images_are_probed_by_the_same_protocols(image_folder):
    source = FeatureSource("pixels", "pixels", ("stride 8",), nn.Module(), lambda images: [F.avg_pool2d(images, 8)])
    source.module.image_size = SIZE
    knobs = load_knobs(EvalProbesKnobs, eval_params()).model_copy(update={"neighbours": 5, "epochs": 30, "rates": (0.01, 0.1)})
    found = eval_probes.image_findings(source, read_images(image_folder, image_size=SIZE), None, knobs, "cpu")
    figures = {p.protocol: p.score for p in found.probes if p.split == "test"}
    assert figures["knn"].value == figures["linear"].value == 1.0
    assert (figures["linear"].samples, figures["linear"].chance) == (24, approx(1 / 3))
    assert "class" in eval_probes.table(found.probes) and "linear" in eval_probes.table(found.probes)


def eval_params():
    from tests.evaluation.conftest import REPOSITORY

    return REPOSITORY / "params.yaml"


def test_the_command_prints_a_table(image_folder, tmp_path_factory, monkeypatch, capsys):
    encoder = tmp_path_factory.mktemp("models") / "tiny"
    torch.manual_seed(0)
    source_of("tiny", build_encoder("vit_nano", SIZE)).module.save_pretrained(encoder)
    monkeypatch.chdir(eval_params().parent)
    monkeypatch.setattr("sys.argv", ["eval_probes", "--encoder", str(encoder), "--data", str(image_folder), "--images", "9", "--random"])
    eval_probes.main()
    said = capsys.readouterr().out
    assert "tiny (vit_nano at 64 x 128)" in said and "random_tiny" in said and "effective_rank" in said
    assert said.count("linear") == 2 and BY_NAME["button"].name not in said
