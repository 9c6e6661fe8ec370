"""The dataset folder: what is checked, and what each fault is told."""

import io
import json
import tarfile
from pathlib import Path

import pytest

from contracts.annotation import Screen
from contracts.dataset import SPLITS, Environment, Manifest, Shard, SplitCount, check_dataset, dataset_version, read_manifest, read_shard
from contracts.errors import InputError
from contracts.files import replacing, sha256, write_json

SCREEN = Screen(
    key="000000-00000", width=10, height=10, device_scale=1, platform="web", kit="k", family="form", locale="en", theme="t", seed=0, generator="1", elements=()
)  # fmt: skip


def write_tar(path: Path, members: dict[str, bytes]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(path, "w") as tar:
        for name, data in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    return path


def screen_members(screen: Screen = SCREEN) -> dict[str, bytes]:
    return {f"{screen.key}.json": json.dumps(screen.to_json()).encode(), f"{screen.key}.png": b"png bytes"}


@pytest.fixture
def dataset(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    shard = write_tar(tmp_path / "data/shards/000000.tar", screen_members())
    environment = Environment(engines="b", kits={}, fonts={}, kit_lock_sha256="0", generator="1", system="s")
    counts = {split: SplitCount(screens=1, elements=0, groups=("form/t",)) for split in SPLITS}
    listed = Shard(name=shard.name, sha256=sha256(shard), bytes=shard.stat().st_size, screens=1, elements=0)
    write_json(
        tmp_path / "data/manifest.json", Manifest(shards=(listed,), splits=counts, classes={}, environment=environment).model_dump(mode="json")
    )
    (tmp_path / "data.dvc").write_text("outs:\n- md5: abc.dir\n  path: data\n")
    return tmp_path


def test_a_sound_dataset(dataset: Path) -> None:
    assert check_dataset().shards[0].screens == 1
    assert dataset_version() == "abc.dir"
    assert list(read_shard(dataset / "data/shards/000000.tar")) == [(SCREEN, b"png bytes")]


def test_a_clone_without_data_is_told_how_to_get_some(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for ask in (check_dataset, dataset_version):
        with pytest.raises(InputError, match=r"no dataset.*make demo.*dvc pull.*python -m datagen\.render"):
            ask()


def test_a_manifest_that_does_not_match_its_shards(dataset: Path) -> None:
    shard = dataset / "data/shards/000000.tar"
    write_tar(shard, screen_members() | {"x.png": b"", "x.json": b""})
    with pytest.raises(InputError, match=r"000000\.tar: sha256: does not match .*manifest\.json.*dvc checkout"):
        check_dataset()
    shard.unlink()
    with pytest.raises(InputError, match="in the manifest but not on disk"):
        check_dataset()


def test_a_shard_that_the_manifest_does_not_know(dataset: Path) -> None:
    write_tar(dataset / "data/shards/000001.tar", screen_members())
    with pytest.raises(InputError, match=r"000001\.tar: is not in the manifest.*python -m datagen\.dataset"):
        check_dataset()


def test_a_manifest_that_cannot_be_read(dataset: Path) -> None:
    path = dataset / "data/manifest.json"
    manifest = json.loads(path.read_text())
    manifest["shards"][0]["sha256"] = "short"
    write_json(path, manifest)
    with pytest.raises(InputError, match=r"manifest\.json: shards\.0\.sha256"):
        read_manifest()


@pytest.mark.parametrize("damage", ["cut", "noise"])
def test_a_corrupt_tar(tmp_path: Path, damage: str) -> None:
    path = write_tar(tmp_path / "s.tar", screen_members() | {"b.png": bytes(5000), "b.json": b"{}"})
    path.write_bytes(path.read_bytes()[:3000] if damage == "cut" else b"\x07" * 4096)
    with pytest.raises(InputError, match=r"s\.tar: .*render it again"):
        list(read_shard(path))


@pytest.mark.parametrize(
    ("members", "words"),
    [
        ({"a.png": b""}, "only one half is there. Found: .png"),
        ({"a.png": b"", "a.json": b"{"}, r"a\.json: is no valid screen"),
        ({"b.png": b"", "b.json": json.dumps(SCREEN.to_json()).encode()}, "another key than its file name"),
        ({"a.txt": b""}, r"a\.txt: holds something that is no screen"),
    ],
)
def test_a_bad_member_is_named(tmp_path: Path, members: dict[str, bytes], words: str) -> None:
    with pytest.raises(InputError, match=words):
        list(read_shard(write_tar(tmp_path / "s.tar", members)))


def test_a_pointer_without_hash(dataset: Path) -> None:
    (dataset / "data.dvc").write_text("outs: []\n")
    with pytest.raises(InputError, match=r"data\.dvc: outs\[0\]\.md5: holds no hash"):
        dataset_version()


def test_replacing_leaves_the_old_file_on_failure(tmp_path: Path) -> None:
    target = tmp_path / "x"
    target.write_text("old")
    with pytest.raises(RuntimeError), replacing(target) as temporary:
        temporary.write_text("half")
        raise RuntimeError
    assert target.read_text() == "old" and list(tmp_path.iterdir()) == [target]
