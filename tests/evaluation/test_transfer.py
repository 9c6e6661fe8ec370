"""Transfer: classes of other sets, draws, tuning, what an interrupted stage keeps, and what is told. Hand-made boxes wherever a number is checked."""

import io
import json
import tarfile

import numpy as np
import pyarrow.parquet as pq
import pytest
import timm
import torch
import yaml
from pytest import approx
from safetensors.torch import save_file

from contracts.coco import categories
from contracts.errors import InputError
from contracts.files import write_json
from contracts.knobs import load_execution, load_knobs
from contracts.stage import stage
from contracts.taxonomy import BY_NAME, coarsen
from evaluation import eval_transfer, few_shot
from evaluation.class_mapping import OWN, mapped_predictions, mapped_truth, mapping_of
from evaluation.eval_transfer import goals, weights_file
from evaluation.few_shot import Start, build, load_timm, tune
from evaluation.matching import average_precision, match
from evaluation.transfer_cell import Cell
from evaluation.transfer_report import tables
from evaluation.transfer_targets import open_targets, real_set, split
from tests.evaluation.conftest import draw_screen
from tests.evaluation.test_eval_detection import TINY
from training.config import PackBetonKnobs, PretrainMaeKnobs, TrainDetectorKnobs
from training.models.detector import build_detector
from training.models.encoder import build_encoder

NAMES = {category["id"]: category["name"] for category in categories()}
MOBILE = mapping_of("mobile_screens", ["text", "button", "image"])


def truth(*elements):
    """One image of 100 x 100 pixels; elements are (class, xywh)."""
    annotations = [
        {"id": n, "image_id": 1, "category_id": BY_NAME[name].id, "bbox": list(box), "area": box[2] * box[3], "iscrowd": 0}
        for n, (name, box) in enumerate(elements, start=1)
    ]
    return {"images": [{"id": 1, "width": 100, "height": 100}], "annotations": annotations, "categories": categories()}


def found(*detections):
    return [{"image_id": 1, "category_id": BY_NAME[name].id, "bbox": list(box), "score": score} for name, box, score in detections]


def test_classes_of_a_set_are_those_it_holds_and_ours_that_mean_them():
    assert MOBILE.names == ("Image", "Text", "TextButton")
    assert MOBILE.of["heading"] == "Text" and MOBILE.of["link"] == "TextButton" and MOBILE.of["avatar"] == "Image"
    assert "switch" not in MOBILE.of and "tab" not in MOBILE.of, "one is not held by this set, the other has no counterpart at all"
    own = mapping_of(None, ["button", "text"])
    assert own.names == ("text", "button") and own.of == {"text": "text", "button": "button"}
    assert len(OWN.names) == 50
    assert all(coarsen(ours, "mobile_screens") == theirs for ours, theirs in MOBILE.of.items())


def test_one_element_under_several_of_our_names_is_found_once():
    """A text and a picture. The detector calls the text text and heading, with one box; the better score counts, and there is no false alarm."""
    a, b = (10, 10, 30, 10), (50, 50, 20, 20)
    said = found(("text", a, 0.6), ("heading", a, 0.9), ("tab", a, 0.99), ("avatar", b, 0.5))
    mapped = mapped_predictions(said, NAMES, MOBILE)
    assert [(p["category_id"], p["score"]) for p in mapped] == [(2, 0.9), (1, 0.5)], "the tab is left out, the heading stands for the text"
    coco = mapped_truth(truth(("text", a), ("image", b)), MOBILE)
    ap = average_precision(match(coco, mapped))
    assert np.nanmean(ap) == approx(1.0) and np.isnan(ap[0]).tolist() == [False, False, True], "no TextButton to find"


def test_boxes_that_differ_stay_duplicates():
    a, near = (10, 10, 30, 10), (10, 10, 30, 10.5)
    mapped = mapped_predictions(found(("text", a, 0.4), ("heading", near, 0.9)), NAMES, MOBILE)
    assert len(mapped) == 2
    ap = average_precision(match(mapped_truth(truth(("text", a)), MOBILE), mapped))[:, 1]
    assert ap[0] == approx(1.0) and ap[-1] == approx(1.0), "the nearer box hits at every threshold, and the other comes after it or before it"
    assert len(mapped_predictions(found(("text", a, 0.4), ("image", a, 0.9)), NAMES, MOBILE)) == 2, "two classes of theirs are two claims"


def test_a_false_name_of_another_class_costs():
    coco = mapped_truth(truth(("text", (0, 0, 10, 10)), ("button", (20, 20, 10, 10))), MOBILE)
    mapped = mapped_predictions(found(("text", (0, 0, 10, 10), 0.9), ("image", (20, 20, 10, 10), 0.9)), NAMES, MOBILE)
    assert np.nanmean(average_precision(match(coco, mapped))) == approx(0.5)


def test_truth_outside_the_sets_classes_is_refused():
    with pytest.raises(InputError, match=r"none of those.*slider"):
        mapped_truth(truth(("slider", (0, 0, 10, 10))), MOBILE)


def test_no_screen_is_learned_from_and_scored():
    keys = [f"k{n:03d}" for n in range(41)]
    pool, test = split(keys, 3, 0.5, None)
    assert sorted((*pool, *test)) == keys and len(test) == 20
    assert split(keys, 3, 0.5, 7) == (pool, test[:7]), "what is not scored is not learned from either"
    assert split(keys, 4, 0.5, None) != (pool, test)
    assert [len(part) for part in split(keys[:2], 0, 0.99, None)] == [1, 1]


def imported(folder, screens=6):
    """A set of drawn screens as the importers write it, labelled in mobile_screens' classes."""
    classes = ["navigation_bar", "text", "text_field", "button", "icon"]
    (folder / "shards").mkdir(parents=True)
    known = {}
    with tarfile.open(folder / "shards/000000.tar", "w") as tar:
        for n in range(screens):
            screen, png = draw_screen(f"drawn-{n:06d}", "real:drawn", "unknown", seed=900 + n)
            rename = {"heading": "text", "combo_box": "text_field", "search_field": "text_field"}
            screen = screen.model_copy(
                update={"elements": tuple(e.model_copy(update={"class_name": rename.get(e.class_name, e.class_name)}) for e in screen.elements)}
            )
            for suffix, content in ((".png", png), (".json", json.dumps(screen.to_json()).encode())):
                member = tarfile.TarInfo(screen.key + suffix)
                member.size = len(content)
                tar.addfile(member, io.BytesIO(content))
            known[screen.key] = {"source": f"{n}.png", "split": "unknown"}
    settings = {"set": "drawn", "coarse": "mobile_screens", "classes": classes, "files_sha256": "0" * 64}
    write_json(folder / "import.json", {"settings": settings, "screens": known})
    return folder


def test_draws_are_fixed_and_nested(tmp_path):
    target = real_set("drawn", imported(tmp_path / "drawn"), 0, 0.5, None)
    assert target.draw(3, 5)[:2] == target.draw(2, 5) and target.draw(4, 5) is None
    assert set(target.draw(3, 6)) == set(target.pool) and not set(target.pool) & set(target.test)
    assert target.title == "drawn" and target.mapping.names == ("EditText", "Icon", "Text", "TextButton", "Toolbar")
    assert [image["id"] for image in target.truth["images"]] == [1, 2, 3]


@pytest.mark.parametrize(("file", "content", "told"), [(None, "", "holds no imported set"), ("import.json", "{}", "does not say what was imported")])
def test_a_folder_without_an_import_is_named(tmp_path, file, content, told):
    if file:
        (tmp_path / file).write_text(content)
    with pytest.raises(InputError, match=rf"{told}[\s\S]*datagen\.importers"):
        real_set("shop", tmp_path, 0, 0.5, None)


def test_tuning_lowers_the_loss_and_repeats(line):
    unseen, _ = open_targets({}, 0, 0.5, None)
    screens = [unseen.packed(key, n, TINY.image_size, "box") for n, key in enumerate(unseen.every, start=1)]
    trained, done = [], []
    for _ in range(2):
        model = build(Start("scratch", "scratch"), build_detector(TINY), seed=3)
        done.append(
            tune(model, load_knobs(TrainDetectorKnobs), screens, steps=8, batch=2, rate=1e-3, seed=3, device="cpu", execution=load_execution())
        )
        trained.append(model.state_dict())
    assert done[0].last_loss < done[0].first_loss and done[0].steps == 8
    assert all(torch.equal(a, b) for a, b in zip(trained[0].values(), trained[1].values(), strict=True)), "a function of its seed"


def test_timm_weights_fill_the_encoder(tmp_path):
    network = timm.models.swin_transformer.SwinTransformer(
        img_size=(96, 128), num_classes=7, embed_dim=32, depths=(2, 2, 2, 2), num_heads=(1, 2, 4, 8), window_size=6
    )
    weights = {name: value.contiguous() for name, value in network.state_dict().items()}
    save_file(weights, tmp_path / "swin.safetensors")
    encoder = build_encoder("swin_nano", (96, 128))
    load_timm(encoder, tmp_path / "swin.safetensors")
    assert torch.equal(encoder.swin.patch_embed.proj.weight, network.patch_embed.proj.weight)
    save_file({name: value for name, value in weights.items() if "patch_embed" not in name}, tmp_path / "less.safetensors")
    with pytest.raises(InputError, match=r"a weight is missing[\s\S]*eval_transfer\.imagenet"):
        load_timm(build_encoder("swin_nano", (96, 128)), tmp_path / "less.safetensors")


@pytest.fixture
def ready(line, monkeypatch):
    """The drawn line with a tiny detector, MAE's encoder and a real set; everything at its smallest."""
    torch.set_num_threads(1)
    params = yaml.safe_load((line / "params.yaml").read_text())
    params["presets"]["tiny-cpu"]["eval_transfer"] |= {"shots": [1, 99], "draws": 1, "steps": 1, "screens": 3, "resamples": 5}
    params["eval_transfer"] |= {"starts": ["mae", "imagenet"], "real_sets": {"drawn": str(imported(line / "drawn"))}}
    (line / "params.yaml").write_text(yaml.safe_dump(params))
    torch.manual_seed(0)
    with stage("pack_beton", load_knobs(PackBetonKnobs)):
        pass
    with stage("pretrain_mae", load_knobs(PretrainMaeKnobs)) as s:
        build_encoder("swin_nano", TINY.image_size).save_pretrained(s.folder)
    with stage("train_detector", load_knobs(TrainDetectorKnobs)) as s:
        build_detector(TINY).save_pretrained(s.folder)
        s.report({"steps": 3})
    monkeypatch.setattr("sys.argv", ["eval_transfer"])
    return line


def test_the_stage_goes_on_where_it_was_killed(ready, monkeypatch):
    calls = []

    def counted(*args, **kwargs):
        calls.append(kwargs["seed"])
        if len(calls) == 2:
            raise KeyboardInterrupt
        return tune(*args, **kwargs)

    monkeypatch.setattr(few_shot, "tune", counted)
    with pytest.raises(KeyboardInterrupt):
        eval_transfer.main()
    eval_transfer.main()
    assert len(calls) == 3, "the detector's tuning was kept, MAE's was made again"
    folder = ready / "artifacts/eval_transfer"
    told = json.loads((folder / "transfer.json").read_text())
    cells = {(cell["target"], cell["start"], cell["shots"]): cell for cell in told["cells"]}
    assert {key for key, cell in cells.items() if cell["ap"] is not None} == {
        ("test_unseen", "detector", 0), ("drawn", "detector", 0), ("drawn", "detector", 1), ("drawn", "mae", 1)
    }  # fmt: skip
    assert "not at hand" in cells["drawn", "imagenet", 1]["remark"] and "only 3 screens" in cells["drawn", "mae", 99]["remark"]
    rows = pq.read_table(folder / "details.parquet").to_pylist()
    assert len(rows) == 1 + 3 * 3 and all(row["found"] <= row["elements"] for row in rows)
    assert {"AP_test", "AP_test_unseen_zero_shot", "AP_drawn_zero_shot", "AP_drawn_mae_1", "AP_drawn_mae_1_low"} <= json.loads(
        (folder / "metrics.json").read_text()
    ).keys()
    assert (folder / "figures/transfer_drawn.svg").is_file() and not (ready / "artifacts/.eval_transfer.checkpoints").exists()


@pytest.mark.parametrize("path", ["nowhere", "nowhere.safetensors"])
def test_weights_that_are_not_there_are_named(tmp_path, path):
    with pytest.raises(InputError, match=r"nowhere[\s\S]*safetensors[\s\S]*does not exist"):
        weights_file(tmp_path / path)


def cell(target, real, shots, ap):
    return Cell(target, real, "detector", shots, 1, ap, ap - 0.1, ap + 0.1, ap, ap, ap, ap, 20, 400, 4, 1.0, "")


def test_targets_stand_beside_what_was_measured_and_a_stand_in_is_called_one():
    test = {"AP": 0.5}
    rendered = goals(test, [cell("test_unseen", False, 0, 0.3), cell("test_unseen", False, 10, 0.4)])
    assert [(row["target"], row["measured"]) for row in rendered] == [(0.95, 0.5), (0.7, 0.3), (0.7, None), (0.85, 0.4), (0.85, None)]
    assert all("real" not in row["on"] or row["measured"] is None for row in rendered)
    real = goals(test, [cell("test_unseen", False, 0, 0.3), cell("shop", True, 0, 0.2), cell("shop", True, 10, 0.25)])
    assert [(row["measured"], row["on"]) for row in real[2:]] == [(0.2, "shop, 20 real screens"), (0.25, "shop, 20 real screens")]


def test_tables_say_all_of_it(finished_line):
    told = json.loads((finished_line / "artifacts/eval_transfer/transfer.json").read_text())
    text = tables(told)
    assert "| AP after 10 screens | above 0.85 | 0.400 | unseen kits, 12 rendered screens |" in text
    assert "not at hand" in text and "8 runs of 8 steps" in text and "0.350 – 0.460" in text
