"""Packing and reading: nothing is lost, both formats give the same batches, and the order depends on seed and epoch alone."""

import io
import json
import os
import subprocess
import sys
import tarfile
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml
from PIL import Image
from webdataset.tariterators import group_by_keys, tar_file_iterator

from contracts.coco import read_coco, screens_from_coco
from contracts.dataset import coco_path, read_shard
from contracts.errors import InputError
from contracts.taxonomy import BY_NAME
from tests.training.synthetic_screens import SPLIT_SIZES, VERSION, tiny_params, write_dataset, write_params
from training import pack_beton
from training.batches import ScreenBatch, open_split
from training.order import EpochOrder
from training.packed_index import read_index
from training.shard_store import open_shard_store
from training.shards import ShardScreens

ROOT = Path(__file__).parents[2]


def read(split: str, **options: object) -> list[ScreenBatch]:
    return list(open_split(split, **{"batch_size": 3, "shuffle_seed": 5, **options}))  # type: ignore[arg-type]


def assert_same(a: list[ScreenBatch], b: list[ScreenBatch]) -> None:
    assert len(a) == len(b) > 0
    for x, y in zip(a, b, strict=True):
        for name in ("images", "image_ids", "content_hw", "original_hw"):
            assert torch.equal(getattr(x, name), getattr(y, name)), name
            assert getattr(x, name).dtype == getattr(y, name).dtype
        for name in ("boxes", "labels"):
            for p, q in zip(getattr(x, name), getattr(y, name), strict=True):
                assert torch.equal(p, q) and p.dtype == q.dtype and p.shape == q.shape


def test_beton_and_shards_give_the_same_batches_in_every_epoch(packed: Path) -> None:
    beton = open_split("train", batch_size=3, loader="beton", shuffle_seed=5)
    shards = open_split("train", batch_size=3, loader="shards", shuffle_seed=5)
    orders = []
    for epoch in range(2):
        beton.order.set_epoch(epoch)
        shards.order.set_epoch(epoch)
        a, b = list(beton), list(shards)
        assert_same(a, b)
        assert len(a) == len(beton) == len(shards) == 3
        orders.append(torch.cat([batch.image_ids for batch in a]).tolist())
    assert sorted(orders[0]) == sorted(orders[1]) == list(range(1, SPLIT_SIZES["train"] + 1))
    assert orders[0] != orders[1]


def test_reading_a_beton_leaves_torchs_threads_alone(packed: Path) -> None:
    torch.set_num_threads(2)
    read("val", loader="beton", num_workers=1)
    assert torch.get_num_threads() == 2


def test_workers_do_not_change_what_is_read(packed: Path) -> None:
    assert_same(read("train", loader="shards"), read("train", loader="shards", num_workers=2))
    assert_same(read("train", loader="beton", num_workers=1), read("train", loader="beton", num_workers=2))


def test_ranks_share_the_epoch_without_overlap(packed: Path) -> None:
    alone = torch.cat([batch.image_ids for batch in read("train", batch_size=4, loader="shards")])
    ranks = [read("train", batch_size=2, loader="shards", rank=rank, world_size=2) for rank in range(2)]
    for step in range(2):
        together = torch.cat([ranks[rank][step].image_ids for rank in range(2)])
        assert sorted(together.tolist()) == sorted(alone[4 * step : 4 * step + 4].tolist())


def test_an_uneven_split_is_read_whole_or_in_whole_batches() -> None:
    whole = [len(EpochOrder(7, 2, None, rank, 2, False)) for rank in range(2)]
    assert whole == [2, 2]
    seen = sorted(i for rank in range(2) for batch in EpochOrder(7, 2, None, rank, 2, False) for i in batch)
    assert seen == list(range(7))
    dropped = [list(EpochOrder(7, 2, None, rank, 2, True)) for rank in range(2)]
    assert dropped == [[[0, 2]], [[1, 3]]]


def test_the_mean_number_of_elements_is_that_of_the_optimizer_step(packed: Path) -> None:
    batches = open_split("train", batch_size=2, loader="shards", shuffle_seed=1, drop_last=True)
    counts = [sum(map(len, batch.labels)) for batch in batches]
    assert batches.mean_elements(0, 2) == batches.mean_elements(1, 2) == (counts[0] + counts[1]) / 2
    assert batches.mean_elements(3, 2) == (counts[2] + counts[3]) / 2
    half = open_split("train", batch_size=1, loader="shards", shuffle_seed=1, drop_last=True, rank=1, world_size=2)
    assert half.mean_elements(3, 2) == (counts[2] + counts[3]) / 4


def test_a_screen_of_training_size_goes_through_unchanged(packed: Path) -> None:
    """Screens of 96 x 64 are packed at 64 x 96: pixels and (float32) boxes must be those of the shard, bit for bit."""
    screens = screens_from_coco(read_coco(coco_path("train")))
    pngs = {screen.key: png for screen, png in read_shard(Path("data/shards/000000.tar"))}
    found = {int(i): (batch, n) for batch in read("train", loader="beton") for n, i in enumerate(batch.image_ids)}
    wide = 0
    for image_id, screen in enumerate(screens, start=1):
        batch, n = found[image_id]
        assert batch.original_hw[n].tolist() == [screen.height, screen.width]
        assert batch.labels[n].tolist() == [BY_NAME[e.class_name].id - 1 for e in screen.elements]
        if (screen.width, screen.height) != (96, 64):
            continue
        wide += 1
        pixels = np.asarray(Image.open(io.BytesIO(pngs[screen.key])).convert("RGB"))
        assert np.array_equal(batch.images[n].permute(1, 2, 0).numpy(), pixels)
        assert np.array_equal(batch.boxes[n].numpy(), np.array([e.box.xyxy for e in screen.elements], np.float32).reshape(-1, 4))
        assert batch.content_hw[n].tolist() == [64, 96]
    assert wide == 4


def test_an_upright_screen_is_scaled_placed_top_left_and_padded_with_zeros(packed: Path) -> None:
    screens = screens_from_coco(read_coco(coco_path("train")))
    for batch in read("train", loader="shards"):
        for n, image_id in enumerate(batch.image_ids.tolist()):
            screen = screens[image_id - 1]
            if screen.width > screen.height:
                continue
            height, width = batch.content_hw[n].tolist()
            assert (height, width) == (64, 43)  # 96 x 64 scaled by 2/3: 42.67 rounds to 43
            assert batch.images[n, :, :, width:].count_nonzero() == 0
            assert batch.images[n, :, :, width - 1].count_nonzero() > 0
            expected = np.array([e.box.xyxy for e in screen.elements]).reshape(-1, 4) * np.array([43 / 64, 64 / 96] * 2)
            np.testing.assert_allclose(batch.boxes[n].numpy(), expected, rtol=1e-6)


def test_packed_shards_are_plain_webdataset(packed: Path) -> None:
    with Path("artifacts/pack_beton/val-000000.tar").open("rb") as file:
        samples = list(group_by_keys({**member, "__url__": ""} for member in tar_file_iterator(file)))
    assert [json.loads(sample["json"])["image_id"] for sample in samples] == [1, 2, 3]
    ours = ShardScreens(open_shard_store("artifacts/pack_beton"), read_index().splits["val"])
    for sample, image in zip(samples, [screen.image for screen in ours.read([0, 1, 2])], strict=True):
        assert np.array_equal(np.asarray(Image.open(io.BytesIO(sample["png"]))), image)


def test_packing_twice_gives_the_same_bytes(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = {p.name: p.read_bytes() for p in Path("artifacts/pack_beton").glob("*.*") if p.suffix in (".tar", ".beton")}
    monkeypatch.setattr("sys.argv", ["pack_beton"])
    pack_beton.main()
    after = {p.name: p.read_bytes() for p in Path("artifacts/pack_beton").glob("*.*") if p.suffix in (".tar", ".beton")}
    assert before.keys() == after.keys() and len(before) == 6
    assert all(before[name] == after[name] for name in before)


def test_a_split_without_screens_can_be_packed_and_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write_dataset(tmp_path, {"train": 1, "val": 0, "test": 0})
    write_params(tmp_path, tiny_params())
    monkeypatch.setattr("sys.argv", ["pack_beton"])
    pack_beton.main()
    assert list(open_split("val", batch_size=2, loader="shards")) == []


def test_a_pack_of_another_dataset_version_is_refused(project: Path) -> None:
    Path("data.dvc").write_text(yaml.safe_dump({"outs": [{"md5": "f" * 32 + ".dir", "path": "data"}]}))
    with pytest.raises(InputError, match=f"index.json: dataset_version: .* Found: {VERSION}.*dvc repro pack_beton"):
        open_split("train", batch_size=1)


def test_a_missing_pack_says_how_to_make_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match="pack_beton: is not there yet.*dvc repro pack_beton"):
        open_split("train", batch_size=1)


def test_a_truncated_png_stops_the_packing_and_leaves_nothing(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A shard whose hash the manifest confirms, but with half an image in it."""
    from contracts.files import sha256

    shard = Path("data/shards/000000.tar")
    with tarfile.open(shard) as tar:
        members = [(m, tar.extractfile(m).read()) for m in tar]  # type: ignore[union-attr]
    with tarfile.open(shard, "w") as tar:
        for n, (member, data) in enumerate(members):
            if n == 2:
                data = data[: len(data) // 2]
                member.size = len(data)
            tar.addfile(member, io.BytesIO(data))
    manifest = json.loads(Path("data/manifest.json").read_text())
    manifest["shards"][0] |= {"sha256": sha256(shard), "bytes": shard.stat().st_size}
    Path("data/manifest.json").write_text(json.dumps(manifest))
    monkeypatch.setattr("sys.argv", ["pack_beton"])
    with pytest.raises(InputError, match=r"000000.tar: 000000-00001.png: is not a readable PNG"):
        pack_beton.main()
    assert [p.name for p in Path("artifacts").iterdir()] == ["pack_beton"]  # the old one; no half of a new one


def test_a_changed_shard_is_refused(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with Path("data/shards/000000.tar").open("ab") as file:
        file.write(b"x")
    monkeypatch.setattr("sys.argv", ["pack_beton"])
    with pytest.raises(InputError, match="does not match .*manifest.json"):
        pack_beton.main()


def test_without_ffcv_the_line_runs_from_shards_and_says_so(project: Path) -> None:
    """In fresh processes in which importing ffcv fails, as on a host where it cannot be built."""
    blocker = project / "blocked" / "ffcv"
    blocker.mkdir(parents=True)
    (blocker / "__init__.py").write_text("raise ImportError('libopencv_core.so: cannot open shared object file')\n")
    env = {**os.environ, "PYTHONPATH": f"{blocker.parent}{os.pathsep}{ROOT}"}
    pack = subprocess.run([sys.executable, "-m", "training.pack_beton"], env=env, capture_output=True, text=True)
    assert pack.returncode == 0, pack.stderr
    assert "FFCV cannot be imported here (libopencv_core.so: cannot open shared object file): no betons" in pack.stderr
    folder = Path("artifacts/pack_beton")
    assert sorted(p.suffix for p in folder.iterdir() if p.suffix in (".tar", ".beton")) == [".tar"] * 3
    assert json.loads((folder / "metrics.json").read_text())["beton_written"] == 0
    batches = open_split("train", batch_size=2, loader="auto")
    assert batches.format == "shards"
    assert batches.note == "reading packed shards because there are no betons"
    with pytest.raises(InputError, match="hardware.loader: is set, but there are no betons. Found: beton"):
        open_split("train", batch_size=2, loader="beton")


def test_betons_on_a_host_without_ffcv_are_passed_over_for_shards(packed: Path, tmp_path: Path) -> None:
    (tmp_path / "ffcv.py").write_text("raise ImportError('not here')\n")
    code = "from training.batches import open_split; b = open_split('val', batch_size=2); print(b.note, len(list(b)))"
    env = {**os.environ, "PYTHONPATH": f"{tmp_path}{os.pathsep}{ROOT}"}
    done = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True)
    assert done.stdout.strip() == "reading packed shards because FFCV cannot be imported here (not here) 2", done.stderr
