"""From shards to a dataset version, and what is said of shards that are broken."""

import io
import json
import shutil
import subprocess
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from contracts.annotation import Box, Element, Screen
from contracts.coco import read_coco, screens_from_coco
from contracts.dataset import SPLITS, check_dataset, coco_path, dataset_version, read_shard
from contracts.errors import InputError
from contracts.files import sha256
from datagen.config import DatasetKnobs
from datagen.dataset import group_of, split_of, split_screens
from datagen.render import add_screen

Run = Callable[..., "subprocess.CompletedProcess[str]"]
KNOBS = DatasetKnobs(train_fraction=0.7, val_fraction=0.15, unseen_kits=("bespoke-desktop",))
KITS = ("bootstrap", "bespoke-web", "bespoke-mobile", "bespoke-desktop")
GROUPS = [f"{kit}/family{number}" for kit in KITS for number in range(20)]


def a_screen(key: str, group: str, size: tuple[int, int] = (64, 48)) -> Screen:
    kit, family = group.split("/")
    element = Element(id=0, class_name="button", box=Box(x1=1 / 3, y1=2.5, x2=30, y2=20), text="Save", interactable=True)
    return Screen(key=key, width=size[0], height=size[1], device_scale=1, platform="web", kit=kit, family=family, locale="en", theme="light", seed=1,
                  generator="datagen/1 chromium/1 kits/0", elements=(element,))  # fmt: skip


def a_png(size: tuple[int, int] = (64, 48)) -> bytes:
    data = io.BytesIO()
    Image.effect_noise(size, 40).save(data, "PNG")
    return data.getvalue()


def write_shard(name: str, screens: list[Screen], png: bytes | None = None) -> Path:
    path = Path("data/shards") / name
    path.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(path, "w") as tar:
        for screen in screens:
            add_screen(tar, screen.key, png or a_png(), screen.model_dump_json().encode())
    return path


@pytest.fixture
def shards(workplace: Path) -> list[Path]:
    """Two small shards whose screens fall into every split."""
    screens = [a_screen(f"{i:06d}-00000", group) for i, group in enumerate(GROUPS)]
    return [write_shard("000000.tar", screens[:50]), write_shard("000001.tar", screens[50:])]


def test_a_dataset_version_from_shards(shards: list[Path], run: Run) -> None:
    done = run("datagen.dataset")
    assert done.returncode == 0, done.stderr
    assert "(new): 2 shards" in done.stdout
    manifest = check_dataset()
    assert [shard.name for shard in manifest.shards] == ["000000.tar", "000001.tar"]
    assert manifest.classes == {"button": len(GROUPS)}
    assert manifest.environment.engines == "chromium/1"
    assert len(manifest.environment.fonts) >= 10
    given = {screen.key: screen for path in shards for screen, _ in read_shard(path)}
    found = [screen for split in SPLITS for screen in screens_from_coco(read_coco(coco_path(split)))]
    assert {screen.key: screen for screen in found} == given
    splits = json.loads(Path("data/splits.json").read_text())
    assert sorted(group for groups in splits.values() for group in groups) == sorted(GROUPS)
    for split in SPLITS:
        assert {group_of(screen) for screen in screens_from_coco(read_coco(coco_path(split)))} == set(splits[split])

    # Again: nothing changes. The same shards elsewhere: the same version.
    version, stamp = dataset_version(), Path("data/manifest.json").stat().st_mtime_ns
    again = run("datagen.dataset")
    assert "(unchanged)" in again.stdout
    assert (dataset_version(), Path("data/manifest.json").stat().st_mtime_ns) == (version, stamp)
    for path in (Path("data/coco"), Path("data.dvc"), Path("data/manifest.json"), Path("data/splits.json")):
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink()
    assert run("datagen.dataset").returncode == 0
    assert dataset_version() == version


def test_more_shards_are_a_new_version_and_the_old_one_stays_whole(shards: list[Path], run: Run) -> None:
    assert run("datagen.dataset").returncode == 0
    version, hashes = dataset_version(), [sha256(path) for path in shards]
    before = json.loads(Path("data/splits.json").read_text())
    write_shard("000002.tar", [a_screen("new-00000", GROUPS[0])])
    with pytest.raises(InputError, match=r"000002\.tar: is not in the manifest"):
        check_dataset()
    assert run("datagen.dataset").returncode == 0
    assert dataset_version() != version
    assert [sha256(path) for path in shards] == hashes
    assert json.loads(Path("data/splits.json").read_text()) == before
    # DVC keeps the first version; checking it out gives the old manifest back.
    cached = subprocess.run(["dvc", "status", "--json"], capture_output=True, text=True, check=True)
    assert json.loads(cached.stdout or "{}") == {}


def test_splits_are_groups_and_new_groups_move_nothing() -> None:
    few = [a_screen(f"a{i}", group) for i, group in enumerate(GROUPS[10:60])]
    many = few + [a_screen(f"b{i}", group) for i, group in enumerate(GROUPS)]
    small, large = split_screens(few, KNOBS), split_screens(many, KNOBS)
    for split in SPLITS:
        assert {screen.key for screen in small[split]} <= {screen.key for screen in large[split]}
        for other in SPLITS:
            if other != split:
                assert not {group_of(s) for s in large[split]} & {group_of(s) for s in large[other]}
    share = len(large["train"]) / len(many)
    assert 0.4 < share < 0.75  # a quarter of the kits is held out
    assert {screen.kit for screen in large["test_unseen"]} == {"bespoke-desktop"}


def test_a_group_is_in_the_same_split_for_ever() -> None:
    """Golden values: a change here would move screens between splits of every dataset that exists."""
    assert {group: split_of(group, KNOBS) for group in ("form/light", "table/dark", "dashboard/cosmo", "settings/vapor", "bespoke-desktop/form")} == {
        "form/light": "train",
        "table/dark": "train",
        "dashboard/cosmo": "val",
        "settings/vapor": "test",
        "bespoke-desktop/form": "test_unseen",
    }


def test_an_empty_split_is_refused(workplace: Path, run: Run) -> None:
    group = next(group for group in GROUPS if split_of(group, KNOBS) == "train")
    write_shard("000000.tar", [a_screen("k", group)])
    refused(run, "the val split would be empty", "--shards")
    assert not Path("data/manifest.json").exists() and not Path("data/coco").exists()


def refused(run: Run, *words: str) -> None:
    done = run("datagen.dataset")
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    message = done.stderr.strip().splitlines()[-1]
    for word in words:
        assert word in message, message
    assert not Path("data.dvc").exists()


def test_no_shards(workplace: Path, run: Run) -> None:
    refused(run, "data/shards", "python -m datagen.render")


def test_a_corrupt_tar(shards: list[Path], run: Run) -> None:
    data = shards[1].read_bytes()
    shards[1].write_bytes(data[:512] + b"\xff" * 4096 + data[4608:])
    refused(run, "data/shards/000001.tar", "render it again")


def test_a_tar_cut_short(shards: list[Path], run: Run) -> None:
    shards[1].write_bytes(shards[1].read_bytes()[:3000])
    refused(run, "data/shards/000001.tar", "render it again")


def test_a_truncated_png_names_shard_and_key(shards: list[Path], run: Run) -> None:
    write_shard("000002.tar", [a_screen("new-00000", GROUPS[0])], a_png()[:-900])
    refused(run, "data/shards/000002.tar: new-00000.png", "PNG")


def test_a_png_of_another_size(shards: list[Path], run: Run) -> None:
    write_shard("000002.tar", [a_screen("new-00000", GROUPS[0])], a_png((32, 48)))
    refused(run, "new-00000.png", "64x48", "32x48")


def test_a_key_that_comes_twice(shards: list[Path], run: Run) -> None:
    write_shard("000002.tar", [a_screen("000000-00000", "form/light")])
    refused(run, "000002.tar", "000000-00000")


def test_a_stranger_in_data(shards: list[Path], run: Run) -> None:
    Path("data/notes.txt").write_text("mine")
    refused(run, "data/notes.txt", "Move it out")


def test_fractions_that_leave_nothing(shards: list[Path], run: Run, knob: Callable[[str, str, object], None]) -> None:
    knob("dataset", "val_fraction", 0.4)
    refused(run, "train_fraction + dataset.val_fraction", "less than 1")


def test_missing_dvc(shards: list[Path], run: Run, tmp_path: Path) -> None:
    refused_without = run("datagen.dataset", PATH=str(tmp_path / "empty"))
    assert refused_without.returncode == 1
    assert "DVC is not on PATH" in refused_without.stderr and "make setup" in refused_without.stderr


def test_the_contact_sheet(shards: list[Path], run: Run) -> None:
    assert run("datagen.dataset").returncode == 0
    done = run("datagen.preview --screens 5 --split test --width 64 --out sheet.png")
    assert done.returncode == 0, done.stderr
    with Image.open("sheet.png") as sheet:
        assert sheet.size == (2 * 70 + 6, 3 * 54 + 6)
        # The box of the button runs through (5, 2) of each tile; a tile starts 6 pixels in.
        assert len({sheet.getpixel((6 + 29, 6 + y)) for y in range(8, 18)}) == 1
    missing = run("datagen.preview --screens 0")
    assert missing.returncode == 1 and "at least 1" in missing.stderr


def test_nothing_to_draw(workplace: Path, run: Run) -> None:
    done = run("datagen.preview")
    assert done.returncode == 1 and "no screens to draw" in done.stderr
    assert run("datagen.preview --split test").returncode == 1
