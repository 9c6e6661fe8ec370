"""Real screens against the dataset: distances of hand-made features, labels of every wrong kind, and the command on a small dataset."""

import io
import json
import shutil
from pathlib import Path

import dagster as dg
import numpy as np
import pytest
import torch
from PIL import Image
from pytest import approx

from contracts.coco import coco_from_screens
from contracts.dataset import SHARDS, coco_path, read_shard
from contracts.errors import InputError
from contracts.files import sha256, write_json
from evaluation import drift
from evaluation.drift_distance import distance, nearest
from evaluation.drift_labels import read_labels
from orchestration.drift import DriftLimits, drift_metadata, finds_elements, near_the_dataset
from tests.evaluation.conftest import write_dataset
from tests.evaluation.test_eval_detection import TINY
from training.models.detector import build_detector


def drawn(seed, samples, shift=0.0, spread=1.0):
    """[samples, 5] features, normal around `shift`."""
    return np.random.default_rng(seed).normal(shift, spread, (samples, 5))


def test_the_distance_is_gretton_s_unbiased_estimator():
    one, other = drawn(1, 4), drawn(2, 6, shift=0.4)
    pooled = np.concatenate([one, other])
    apart = [np.linalg.norm(a - b) for n, a in enumerate(pooled) for b in pooled[n + 1 :]]
    scale = 2 * np.median(np.square(apart))

    def mean_kernel(first, second, same):
        return np.mean([np.exp(-((a - b) ** 2).sum() / scale) for n, a in enumerate(first) for m, b in enumerate(second) if not (same and n == m)])

    by_hand = mean_kernel(one, one, True) + mean_kernel(other, other, True) - 2 * mean_kernel(one, other, False)
    assert distance(one, other).mmd2 == approx(by_hand, abs=1e-12)


def test_sets_of_one_distribution_are_not_apart_and_false_alarms_are_as_rare_as_said():
    found = [distance(drawn(2 * n, 12), drawn(2 * n + 1, 30), shuffles=200) for n in range(200)]
    values = np.array([one.mmd2 for one in found])
    assert abs(values.mean()) < 3 * values.std() / np.sqrt(len(values)), "an estimator with a bias would lie above nought"
    assert 0.02 < np.mean([one.p_value <= 0.05 for one in found]) < 0.09
    assert 0.02 < np.mean([one.mmd2 > one.noise for one in found]) < 0.09


@pytest.mark.parametrize("other", [{"shift": 1.0}, {"spread": 3.0}], ids=["elsewhere", "wider, around the same mean"])
def test_what_is_elsewhere_is_apart(other):
    near, far = distance(drawn(1, 15), drawn(2, 40)), distance(drawn(1, 15, **other), drawn(2, 40))
    assert near.p_value > 0.05 and far.p_value < 0.005 and far.mmd2 > far.noise > 0 and far.mmd2 > 5 * abs(near.mmd2)
    assert far.p_value > 0, "what never happened in so many shuffles may happen in more"


def test_the_order_of_screens_does_not_count():
    one, other = drawn(1, 9, shift=0.3), drawn(2, 14)
    assert distance(one[::-1], np.roll(other, 5, axis=0)) == distance(one, other)


def test_features_that_say_nothing():
    assert distance(np.ones((5, 3)), np.ones((6, 3))).p_value == 1.0
    for broken in (np.full((5, 3), np.nan), np.ones((1, 3))):
        with pytest.raises(ValueError, match="at least two finite rows"):
            distance(broken, np.ones((6, 3)))


def test_each_screen_beside_its_nearest():
    other = np.array([[0.0, 0.0], [1.0, 0.0], [3.0, 0.0], [13.0, 0.0]])  # their own nearest are 1, 1, 2 and 10 away
    apart, beyond = nearest(np.array([[0.0, 1.5], [0.5, 0.0], [13.0, 20.0]]), other)
    assert apart.tolist() == approx([1.5, 0.5, 20.0]) and beyond.tolist() == [0.5, 0.0, 1.0]


def sized(*sizes):
    return [drift.Picture(str(n), width, height, "", bytes) for n, (width, height) in enumerate(sizes)]


def test_upright_screens_are_compared_with_upright_ones():
    dataset = sized(*[(3, 4)] * 10, *[(4, 3)] * 30)

    def shapes(like, most=300):
        chosen = drift.alike(dataset, sized(*like), most)
        assert len({p.name for p in chosen}) == len(chosen)
        return sum(p.portrait for p in chosen), sum(not p.portrait for p in chosen)

    assert shapes([(9, 16)] * 3) == (10, 0)
    assert shapes([(9, 16), (16, 9)]) == (10, 10)
    assert shapes([(9, 16), (16, 9), (16, 9)], most=12) == (4, 8)
    dataset = dataset[7:]
    assert shapes([(9, 16)] * 3) == (3, 30), "with hardly an upright screen in the dataset, all count"
    with pytest.raises(InputError, match="too few screens to compare with. Found: 4"):
        drift.alike(dataset[:4], dataset, 300)


SIZES = {"a.png": (100, 60), "b.png": (60, 100), "c.png": (60, 100)}
COCO = {
    "images": [{"id": 7, "file_name": "b.png", "width": 60, "height": 100}, {"id": 3, "file_name": "a.png", "width": 100, "height": 60}],
    "annotations": [
        {"id": 1, "image_id": 3, "category_id": 5, "bbox": [10, 10, 30, 20]},
        {"id": 2, "image_id": 7, "category_id": 0, "bbox": [0, 0, 60, 12]},
        {"id": 3, "image_id": 7, "category_id": 9, "bbox": [5, 50, 20, 20]},
    ],
    "categories": [{"id": 5, "name": "Text"}, {"id": 0, "name": "Toolbar"}, {"id": 9, "name": "TextImageButton"}],
}


def test_labels_in_the_classes_of_others(tmp_path):
    write_json(tmp_path / "annotations.json", COCO)
    labels = read_labels(tmp_path / "annotations.json", SIZES, "mobile_screens")
    assert labels.file_names == {7: "b.png", 3: "a.png"}
    assert labels.mapping.names == ("Text", "TextButton", "Toolbar"), "what has no counterpart of its own counts as the one that it comes nearest to"
    names = {category["id"]: category["name"] for category in labels.truth["categories"]}
    assert [names[annotation["category_id"]] for annotation in labels.truth["annotations"]] == ["Text", "Toolbar", "TextButton"]


@pytest.mark.parametrize(
    ("path", "value", "told"),
    [
        (("images", 0, "file_name"), "z.png", r"images\[id=7\]\.file_name: is no PNG of this folder. Found: z.png. Add the picture"),
        (("images", 1, "file_name"), "b.png", r"images\[id=3\]: is there twice. Found: b.png"),
        (("images", 1, "id"), 7, r"images\[id=7\]: is there twice. Found: a.png"),
        (("images", 0, "width"), 600, r"images\[id=7\]\.width, height: is not the picture's size. Found: 600x100. b.png measures 60x100"),
        (("images", 0, "id"), "7", r"images\[0\]\.id: is no whole number. Found: '7'"),
        (("images", 0), {}, r"images\[0\]\.id: is missing"),
        (("categories", 0, "name"), "Txet", r"categories\[id=5\]\.name: is no class of the mapping `mobile_screens`.* Found: 'Txet'. Rename it"),
        (
            ("categories", 0, "name"),
            "heading",
            r"Found: 'heading'. Rename it, or choose another mapping \(drift.mapping in params.yaml\): names has it",
        ),
        (("annotations", 0, "category_id"), 44, r"annotations\[id=1\]\.category_id: is no category of this file. Found: 44"),
        (("annotations", 0, "image_id"), 44, r"annotations\[id=1\]\.image_id: belongs to no image. Found: 44"),
        (
            ("annotations", 0, "bbox"),
            [80, 10, 30, 20],
            r"annotations\[id=1\]: cannot be read as an element: the box .* lies outside its 100x60 image",
        ),
        (("annotations", 0, "bbox"), [80, 10, -30, 20], r"annotations\[id=1\]: cannot be read as an element"),
        (("annotations", 0, "bbox"), "wide", r"annotations\[id=1\]: cannot be read as an element"),
        (("annotations",), [], "annotations: labels no element"),
        (("annotations",), None, "annotations: is no COCO file: this list is missing"),
    ],
)
def test_labels_that_are_wrong_are_named(tmp_path, path, value, told):
    coco = json.loads(json.dumps(COCO))
    place = coco
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    write_json(tmp_path / "annotations.json", coco)
    with pytest.raises(InputError, match=rf"annotations\.json: .*{told}|annotations\.json: {told}"):
        read_labels(tmp_path / "annotations.json", SIZES, "mobile_screens")


def test_labels_that_are_no_json(tmp_path):
    (tmp_path / "annotations.json").write_text('{"images": [')
    with pytest.raises(InputError, match=r"annotations\.json: is not valid JSON"):
        read_labels(tmp_path / "annotations.json", SIZES, "names")


def test_precision_of_labelled_screens_alone(tmp_path):
    write_json(tmp_path / "annotations.json", COCO)
    labels = read_labels(tmp_path / "annotations.json", SIZES, "mobile_screens")
    pictures = [drift.Picture(name, *size, "", bytes) for name, size in SIZES.items()]
    right = [(0, 1, [10, 10, 30, 20]), (1, 24, [0, 0, 60, 12]), (1, 4, [5, 50, 20, 20])]  # text, navigation_bar, button in the inbox's order

    def figures(found):
        predictions = [{"image_id": n, "category_id": c, "bbox": box, "score": 0.9} for n, c, box in found]
        return drift.precision(labels, pictures, drift.Looked(np.empty((3, 1)), predictions))

    perfect = figures([*right, (2, 1, [0, 0, 9, 9])])  # c.png is not labelled: what is found there is neither right nor wrong
    assert [perfect[name] for name in ("AP", "AP50", "AP_agnostic", "AP_low", "AP_high")] == approx([1.0] * 5)
    assert (perfect["screens"], perfect["elements"], perfect["classes"]) == (2, 3, 3)
    third = figures([(0, 1, [10, 10, 30, 20]), (1, 4, [0, 0, 60, 12])])  # the bar was taken for a button
    assert third["AP"] == approx(1 / 3) and third["AP_agnostic"] > third["AP"] and third["AP_low"] < third["AP"] < third["AP_high"]


@pytest.fixture(scope="module")
def with_detector(tmp_path_factory):
    """A dataset of drawn screens, and a detector that has learned nothing."""
    torch.set_num_threads(1)
    torch.manual_seed(0)
    folder = tmp_path_factory.mktemp("line")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        write_dataset(2)
        build_detector(TINY).save_pretrained(Path("artifacts/train_detector"))
        write_json(Path("artifacts/train_detector/run.json"), {})
        write_json(Path("artifacts/eval_detection/metrics.json"), {"AP": 0.5, "AP_low": 0.4, "AP_high": 0.6, "ms_per_screen": 9})
    return folder


@pytest.fixture
def run(with_detector, tmp_path, monkeypatch, capsys):
    """The command in a copy of it; gives drift.json and what was printed."""
    shutil.copytree(with_detector, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    Path("inbox").mkdir()

    def command(*arguments):
        monkeypatch.setattr("sys.argv", ["drift", "--device", "cpu", "--threshold", "0.01", *arguments])
        drift.main()
        return json.loads(Path("artifacts/.drift/drift.json").read_text()), capsys.readouterr().out

    return command


def drop(shard, change=lambda image: image):
    """A shard's screens in the inbox, with their labels; returns them."""
    screens = []
    for screen, png in read_shard(SHARDS / shard):
        change(Image.open(io.BytesIO(png))).save(f"inbox/{screen.key}.png")
        screens.append(screen)
    return screens


LIMITS = DriftLimits(limit=0.25, mmd2=0.05, ap_at_least=0.3, mapping="names")


def test_the_command_and_what_dagster_shows_of_it(run):
    screens = [*drop("000000.tar"), *drop("000001.tar")]
    write_json(Path("inbox/annotations.json"), coco_from_screens(screens[:3]))
    found, told = run()
    assert (found["screens"], found["labelled"], found["model"], found["notes"]) == (6, 3, "artifacts/train_detector", [])
    assert found["distance"]["p_value"] > 0.05 and found["dataset_screens"] == 12
    assert all(own["distance"] == approx(0, abs=1e-5) and own["beyond"] == 0 for own in found["nearest"].values()), (
        "they are the dataset's own screens"
    )
    assert 0 <= found["AP"]["AP_low"] <= found["AP"]["AP"] <= found["AP"]["AP_high"] < 0.3 and found["test"] == {
        "AP": 0.5,
        "AP_low": 0.4,
        "AP_high": 0.6,
    }
    assert found["finds"]["test"]["screens"] == 4 and found["finds"]["inbox"]["per_screen"] > 0
    assert "6 screens, 3 of them labelled" in told and "AP 0.0" in told and "squared MMD" in told
    with Image.open("artifacts/.drift/drift.jpg") as sheet:
        assert sheet.width > 1000 and sheet.height > 400

    near, finds = near_the_dataset({"luminance": 0.1}, found, LIMITS), finds_elements(found, LIMITS)
    assert near.passed and "within the limit of 0.05 and no more than chance" in near.description
    assert not finds.passed and finds.severity == dg.AssetCheckSeverity.WARN
    assert "on 3 labelled screens is below 0.3; on the dataset's test split 0.500" in finds.description
    metadata = drift_metadata({"luminance": 0.1}, found)
    assert "data:image/jpeg;base64," in metadata["screens_far_and_near"].value and metadata["AP"] == found["AP"]["AP"] and metadata["AP_test"] == 0.5
    assert (metadata["mmd2"], metadata["mmd2_p_value"]) == (found["distance"]["mmd2"], found["distance"]["p_value"])

    drop("000000.tar", lambda image: Image.effect_noise(image.size, 200).convert("RGB"))
    drop("000001.tar", lambda image: Image.effect_noise(image.size, 200).convert("RGB"))
    Path("inbox/annotations.json").unlink()
    found, told = run()
    assert found["distance"]["p_value"] < 0.01 and found["distance"]["mmd2"] > 0.3 and all(own["beyond"] == 1 for own in found["nearest"].values())
    assert found["AP"] is None and "AP is not measured: inbox/annotations.json is not there" in told
    near, finds = near_the_dataset({"luminance": 0.3}, found, LIMITS), finds_elements(found, LIMITS)
    assert not near.passed and "luminance 0.300" in near.description and "above the limit of 0.05 and more than chance" in near.description
    assert finds.passed and finds.description.startswith("AP is not measured")


def test_few_screens_have_no_distance_and_the_promoted_detector_goes_first(run):
    folder = Path("models/detector/v3")
    folder.mkdir(parents=True)
    Path("artifacts/train_detector").rename(folder / "model")
    lineage = {"test_split": sha256(coco_path("test")), "runs": {"pack_beton": {"knobs": {"resampling": "lanczos"}}}}
    write_json(folder / "version.json", {"version": "v3", "metrics": {"eval_detection": {"AP": 0.7}}, "lineage": lineage})
    write_json(folder.parent / "promoted.json", {"version": "v3", "before": [], "history": []})
    drop("000001.tar")
    found, told = run()
    assert found["model"] == "detector v3 (promoted)" and found["test"] == {"AP": 0.7} and drift.model_in_use().resampling == "lanczos"
    assert found["distance"] is None and "the distance of features is not measured: it takes 5 screens, there are 2" in told
    assert len(found["nearest"]) == 2 and found["finds"]["inbox"]["screens"] == 2
    write_json(folder / "version.json", json.loads((folder / "version.json").read_text()) | {"lineage": lineage | {"test_split": "0"}})
    assert drift.model_in_use().name == "detector v3 (promoted, measured on another test split)"
    near = near_the_dataset({"luminance": 0.1}, found, LIMITS)
    assert near.passed and "features: not compared; the distance of features is not measured: it takes 5 screens, there are 2" in near.description
    Path("inbox/broken.png").write_bytes(Path("inbox/000001-00000.png").read_bytes()[:200])
    with pytest.raises(InputError, match=r"inbox/broken\.png: is a damaged picture"):
        run()


def test_an_encoder_alone_finds_nothing_and_without_one_nothing_is_compared(run):
    drop("000000.tar")
    drop("000001.tar")
    shutil.rmtree("artifacts/train_detector")
    found, told = run()
    assert "model" not in found and "there is no promoted model, and no encoder in artifacts/" in told
    assert near_the_dataset({"luminance": 0.1}, found, LIMITS).passed and drift_metadata({"luminance": 0.1}, found)["model"] == "none"
    build_detector(TINY).backbone.save_pretrained(Path("artifacts/pretrain_mae"))
    write_json(Path("artifacts/pretrain_mae/run.json"), {})
    found, told = run()
    assert found["distance"] and found["finds"] is None and "there is no detector, only an encoder" in told and found["test"] == {}
