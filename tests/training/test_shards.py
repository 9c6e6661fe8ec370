"""Packed shards from a folder or from afar give the same tensors as a beton; what is missing, half there or damaged is named and counted."""

import io
import json
import os
import tarfile
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import fsspec
import numpy as np
import pytest
from PIL import Image

from contracts.errors import InputError
from contracts.files import sha256
from tests.training.synthetic_screens import VERSION, tiny_params, write_params
from tests.training.test_batches import assert_same
from training import pack_beton, shard_store
from training.batches import ScreenBatch, open_split
from training.beton import import_ffcv
from training.packed_index import read_index
from training.shard_store import OpenFiles, open_shard_store
from training.shards import decode_png, encode_png, work_ahead


class Ranged(SimpleHTTPRequestHandler):
    """Files of a folder, in whole or in part. The first `failures` requests for a part fail; without `ranges` a whole file is the answer to all."""

    ranges, failures, folder = True, 0, ""

    def do_GET(self) -> None:
        data = (Path(self.folder) / self.path.lstrip("/")).read_bytes()
        wanted = self.headers.get("Range")
        if wanted and type(self).failures > 0:
            type(self).failures -= 1
            self.send_error(503)
            return
        if wanted and self.ranges:
            first, last = (int(v) for v in wanted.removeprefix("bytes=").split("-"))
            self.send_response(206)
            self.send_header("Content-Range", f"bytes {first}-{last}/{len(data)}")
            data = data[first : last + 1]
        else:
            self.send_response(200)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def translate_path(self, path: str) -> str:
        return str(Path(self.folder) / path.lstrip("/"))

    def log_message(self, format: str, *args: object) -> None:
        """Nothing: pytest would show it."""


@pytest.fixture
def server(packed: Path) -> Iterator[tuple[str, type[Ranged]]]:
    """The URL of the packed folder on an HTTP server of this machine, and its handler."""
    handler = type("Handler", (Ranged,), {"folder": str(packed / "artifacts" / "pack_beton")})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as running:
        thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        yield f"http://127.0.0.1:{running.server_port}", handler
        running.shutdown()
        thread.join()


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shard_store, "_PATIENCE", (0.01, 0.01))


def read(shards_at: str | None = None, loader: str = "shards", **options: object) -> list[ScreenBatch]:
    split = open_split("train", **{"batch_size": 3, "shuffle_seed": 5, "loader": loader, "shards_at": shards_at, **options})  # type: ignore[arg-type]
    split.order.set_epoch(1, start=2)
    return list(split)


@pytest.fixture(scope="session")
def from_beton(packed_root: Path) -> list[ScreenBatch]:
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(packed_root)
        return read(loader="beton")


@pytest.mark.parametrize("num_workers", [0, 2])
def test_shards_streamed_over_http_give_the_same_batches(server: tuple[str, type[Ranged]], from_beton: list[ScreenBatch], num_workers: int) -> None:
    assert_same(read(server[0], num_workers=num_workers), from_beton)


@pytest.mark.parametrize("num_workers", [0, 2])
def test_shards_from_memory_or_a_file_url_give_the_same_batches(packed: Path, from_beton: list[ScreenBatch], num_workers: int) -> None:
    memory = fsspec.filesystem("memory")
    folder = packed / "artifacts" / "pack_beton"
    for file in folder.glob("*.tar"):
        memory.pipe_file(f"/elsewhere/{file.name}", file.read_bytes())
    assert_same(read("memory://elsewhere", num_workers=num_workers), from_beton)
    assert_same(read(f"file://{folder}", num_workers=num_workers), from_beton)


@pytest.mark.parametrize("target", ["memory://bucket/packed", "packed elsewhere"])
def test_shards_are_packed_to_a_target_and_read_from_it(project: Path, from_beton: list[ScreenBatch], target: str) -> None:
    params = tiny_params()
    params["pack_beton"]["shards_target"] = target
    params["presets"]["tiny-cpu"]["pack_beton"]["formats"] = ["shards"]
    write_params(project, params)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sys.argv", ["pack_beton"])
        pack_beton.main()
    assert sorted(path.name for path in Path("artifacts/pack_beton").iterdir()) == ["index.json", "metrics.json", "run.json"]
    index = read_index()
    assert index.shards_at == f"{target}/{VERSION[:12]}-64x96-box"
    assert open_shard_store(index.shards_at).size("val-000000.tar") == index.splits["val"].shards[0].bytes
    assert_same(read(), from_beton)


def test_a_read_that_fails_once_is_tried_again(server: tuple[str, type[Ranged]], from_beton: list[ScreenBatch], impatient: None) -> None:
    server[1].failures = 2
    assert_same(read(server[0]), from_beton)
    assert server[1].failures == 0


def test_a_store_that_keeps_failing_is_named(server: tuple[str, type[Ranged]], impatient: None) -> None:
    server[1].failures = 10**6
    with pytest.raises(InputError, match=r"http://127.*/train-000000.tar: cannot be read or written: .*503"):
        read(server[0])


def test_a_server_that_sends_whole_files_is_named(server: tuple[str, type[Ranged]]) -> None:
    server[1].ranges = False
    with pytest.raises(InputError, match=r"train-000000.tar: cannot be read in parts: the server sends whole files"):
        read(server[0])


def test_a_store_without_the_shards_is_named(server: tuple[str, type[Ranged]], packed: Path) -> None:
    for place in (f"{server[0]}/nowhere", "memory://nowhere", str(packed)):
        with pytest.raises(InputError, match="train-000000.tar: is missing.*pack"):
            read(place)
    with pytest.raises(InputError, match="gopher://x: cannot be reached"):
        read("gopher://x")


def test_half_a_shard_and_half_a_beton_are_named(project: Path) -> None:
    for name, loader in (("train-000000.tar", "shards"), ("train.beton", "beton")):
        file = Path("artifacts/pack_beton") / name
        whole = file.read_bytes()
        file.write_bytes(whole[: len(whole) // 2])
        with pytest.raises(InputError, match=rf"{name}: is not whole: it should have {len(whole)} bytes. Found: {len(whole) // 2} bytes.*--force"):
            read(loader=loader)
        file.unlink()
        with pytest.raises(InputError, match=rf"{name}: is missing.*--force"):
            read(loader=loader)


def test_a_beton_that_cannot_be_read_ends_in_an_error_instead_of_waiting(packed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    split = open_split("train", batch_size=3, loader="beton")
    iterator = import_ffcv().loader.loader.EpochIterator
    run_pipeline = iterator.run_pipeline

    def failing(self: object, number: int, *rest: object) -> object:
        if number == 1:
            raise MemoryError("no page left")
        return run_pipeline(self, number, *rest)

    monkeypatch.setattr(iterator, "run_pipeline", failing)
    read = []
    with pytest.raises(InputError, match=r"train.beton: cannot be read: MemoryError\('no page left'\)"):
        read.extend(split)
    monkeypatch.undo()
    monkeypatch.chdir(packed)
    assert len(list(split)) == 3


def damage(name: str, member: str, change: bytes, at: int) -> None:
    """Overwrite bytes of a member of a packed shard."""
    file = Path("artifacts/pack_beton") / name
    with tarfile.open(file) as tar:
        offset = tar.getmember(member).offset_data + at
    data = bytearray(file.read_bytes())
    data[offset : offset + len(change)] = change
    file.write_bytes(data)


@pytest.mark.parametrize("num_workers", [0, 2])
def test_damaged_screens_are_named_and_counted(project: Path, num_workers: int) -> None:
    damage("train-000000.tar", "000000003.png", b"\xff" * 40, at=120)
    damage("train-000000.tar", "000000005.json", b"{{{{", at=0)
    damage("train-000000.tar", "000000008.png", b"\x00" * 512, at=-512)  # its header in the tar file
    message = r"train-000000.tar: image ids 3, 5, 8: 3 of its 8 screens are not what was packed.*dvc repro --force pack_beton"
    with pytest.raises(InputError, match=message) as caught:
        read(num_workers=num_workers)
    assert caught.value.field == "image ids 3, 5, 8"


def test_damage_in_one_byte_of_an_image_does_not_go_unnoticed(project: Path) -> None:
    with tarfile.open("artifacts/pack_beton/val-000000.tar") as tar:
        size = tar.getmember("000000002.png").size
        before = tar.extractfile("000000002.png").read()  # type: ignore[union-attr]
    unnoticed = []
    for at in range(50, size - 16, max(1, size // 20)):
        damage("val-000000.tar", "000000002.png", bytes([before[at] ^ 0x10]), at)
        try:
            list(open_split("val", batch_size=3, loader="shards"))
            unnoticed.append(at)
        except InputError as error:
            assert error.field == "image ids 2"
        damage("val-000000.tar", "000000002.png", before[at : at + 1], at)
    assert unnoticed == []
    assert len(list(open_split("val", batch_size=3, loader="shards"))) == 1


def test_screens_of_the_dataset_that_cannot_be_packed_are_named_and_counted(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shard = Path("data/shards/000000.tar")
    with tarfile.open(shard) as tar:
        members = [(m, tar.extractfile(m).read()) for m in tar]  # type: ignore[union-attr]
    with tarfile.open(shard, "w") as tar:
        for member, data in members:
            if member.name in ("000000-00001.png", "000000-00004.png"):
                data = data[: len(data) // 2]
                member.size = len(data)
            if member.name != "000000-00006.png":
                tar.addfile(member, io.BytesIO(data))
    manifest = json.loads(Path("data/manifest.json").read_text())
    manifest["shards"][0] |= {"sha256": sha256(shard), "bytes": shard.stat().st_size}
    Path("data/manifest.json").write_text(json.dumps(manifest))
    monkeypatch.setattr("sys.argv", ["pack_beton"])
    with pytest.raises(
        InputError,
        match=r"000000.tar: 000000-00001.png: is not a readable PNG.* 3 screens of this split cannot be packed: 000000-00001, 000000-00004, 000000-00006",
    ):
        pack_beton.main()


def test_an_index_that_contradicts_itself_is_refused(project: Path) -> None:
    path = Path("artifacts/pack_beton/index.json")
    index = json.loads(path.read_text())
    index["splits"]["train"]["shards"][0]["crc32"].pop()
    path.write_text(json.dumps(index))
    with pytest.raises(InputError, match="index.json: splits.train: cannot be read: .*are not those of 8 screens"):
        read()


@pytest.mark.parametrize("size", [(1, 1), (3, 1), (37, 61), (288, 384)])
def test_a_packed_png_is_a_png_and_any_png_can_be_read(size: tuple[int, int]) -> None:
    noise = np.random.default_rng(size).integers(0, 256, (*size, 3), dtype=np.uint8)
    for image in (noise, noise // 200 * 200):
        ours = encode_png(image)
        with Image.open(io.BytesIO(ours)) as read_by_pil:
            assert read_by_pil.mode == "RGB" and np.array_equal(np.asarray(read_by_pil), image)
        assert np.array_equal(decode_png(ours), image)
        for mode in ("RGB", "L", "P", "RGBA"):  # PIL filters rows, and has other kinds of pixels
            file = io.BytesIO()
            Image.fromarray(image).convert(mode).save(file, "PNG")
            assert np.array_equal(decode_png(file.getvalue()), np.asarray(Image.open(file).convert("RGB"))), mode


@pytest.mark.parametrize("threads", [0, 1, 3])
def test_what_is_worked_ahead_comes_in_order_up_to_the_item_that_fails(threads: int) -> None:
    begun, came = [], []

    def work(n: int) -> int:
        begun.append(n)
        if n == 9:
            raise InputError("is nine.", field="n", found=n, fix="Take another.")
        return n

    with pytest.raises(InputError, match=r"n: is nine. Found: 9"):
        for n in work_ahead(work, range(100), threads):
            came.append(n)
            assert len(begun) <= len(came) + 2 * threads
    assert came == list(range(9))
    assert max(begun) <= 9 + 2 * threads


def test_a_file_that_two_threads_open_at_once_stays_open_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "train-000000.tar"
    file.write_bytes(b"0123456789")
    both, opened, really = threading.Barrier(2, timeout=60), [], os.open

    def open_together(path: Path, flags: int) -> int:
        if path != file:
            return really(path, flags)
        both.wait()
        opened.append(really(path, flags))
        return opened[-1]

    monkeypatch.setattr(os, "open", open_together)
    files = OpenFiles()
    with ThreadPoolExecutor(2) as pool:
        assert list(pool.map(files.read, [file, file], [0, 8], [4, 4])) == [b"0123", b"89"]
    monkeypatch.undo()

    def still_open() -> int:
        return sum(Path(f"/proc/self/fd/{one}").exists() and Path(f"/proc/self/fd/{one}").resolve() == file for one in opened)

    assert len(opened) == 2 and still_open() == 1
    del files
    assert still_open() == 0
