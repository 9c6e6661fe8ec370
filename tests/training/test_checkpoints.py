"""Checkpoints on disk: what is written is read, what is damaged is named, what is not needed goes; nothing that is loaded can run code."""

import json
import os
import pickle
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from contracts.errors import InputError
from training import checkpoints
from training.checkpoints import CheckpointFolder, RunState, json_sha256, read

KNOBS = {"learning_rate": 0.1, "betas": [0.9, 0.95]}


def state(step: int, score: float | None = None) -> RunState:
    return RunState(
        step=step, epoch=step // 4, samples=2 * (step % 4), validated=False, dataset_version="a.dir", knobs=KNOBS, knobs_sha256=json_sha256(KNOBS),
        code_revision="c", launcher="python", world_size=1, scheduler={"last_epoch": step, "_last_lr": [0.1 / 3]}, scaler=None,
        validation=[0.1 + 0.2], scores=[], score=score, rows=[{"seconds": 1.5, "step": step, "loss": 1 / 3}], tracking_id=None,
    )  # fmt: skip


def tensors(step: int) -> dict[str, dict[str, torch.Tensor]]:
    made = torch.Generator().manual_seed(step)
    weight = torch.randn(3, 5, generator=made)
    return {
        "model.safetensors": {"layer.weight": weight, "table": torch.tensor([-0.0, 1e-40, 3.0])},
        "optimizer.safetensors": {"layer.weight/step": torch.tensor(float(step)), "layer.weight/exp_avg": weight / 7},
        "ranks.safetensors": {"0/random/torch": torch.get_rng_state()},
    }


@pytest.fixture
def said() -> list[str]:
    return []


@pytest.fixture
def folder(tmp_path: Path, said: list[str]) -> CheckpointFolder:
    return CheckpointFolder(tmp_path / "checkpoints", keep_last=2, log=said.append)


def test_what_is_written_is_read_to_the_last_bit(folder: CheckpointFolder, said: list[str]) -> None:
    place = folder.save(state(7), tensors(7))
    found = folder.newest()
    assert place is not None and found is not None and found.folder == place
    assert found.state.model_copy(update={"files": {}}) == state(7)
    for name, expected in tensors(7).items():
        assert found.tensors[name].keys() == expected.keys()
        for key, value in expected.items():
            read_bytes, written_bytes = (t.numpy().tobytes() for t in (found.tensors[name][key], value))
            assert read_bytes == written_bytes and found.tensors[name][key].dtype == value.dtype
    assert said == [] and [path.name for path in folder.folder.iterdir()] == ["step-00000007"]


def test_the_last_ones_and_the_best_are_kept(folder: CheckpointFolder) -> None:
    for step, score in [(4, 3.0), (8, 1.0), (9, None), (12, 2.0), (16, 1.5), (17, None)]:
        folder.save(state(step, score), tensors(step))
    assert sorted(path.name for path in folder.folder.iterdir()) == ["step-00000008", "step-00000016", "step-00000017"]
    best, newest = folder.best(), folder.newest()
    assert best is not None and best.state.step == 8
    assert newest is not None and newest.state.step == 17


def test_no_checkpoints_are_none(folder: CheckpointFolder) -> None:
    assert folder.newest() is None and folder.best() is None


def flip(file: Path) -> None:
    data = bytearray(file.read_bytes())
    data[-1] ^= 1
    file.write_bytes(data)


@pytest.mark.parametrize("name", ["model.safetensors", "optimizer.safetensors", "ranks.safetensors", "state.json"])
@pytest.mark.parametrize(
    "damage",
    [flip, lambda file: os.truncate(file, file.stat().st_size // 2), lambda file: os.truncate(file, 0), Path.unlink],
    ids=["one bit", "half", "empty", "gone"],
)
def test_a_damaged_one_is_named_and_the_one_before_is_used(
    folder: CheckpointFolder, said: list[str], name: str, damage: Callable[[Path], None]
) -> None:
    for step in (1, 2):
        folder.save(state(step), tensors(step))
    damage(folder.folder / "step-00000002" / name)
    found = folder.newest()
    assert found is not None and found.state.step == 1
    assert len(said) == 2
    assert said[0].startswith(f"DAMAGED CHECKPOINT: {folder.folder}/step-00000002/{name}: ")
    assert said[1] == f"using the one before: {folder.folder}/step-00000001"


def test_a_number_changed_in_the_state_is_noticed(folder: CheckpointFolder) -> None:
    """What an editor or a merge might do to a file that is still good JSON."""
    place = folder.save(state(5), tensors(5))
    assert place is not None
    file = place / "state.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | {"samples": 0}))
    with pytest.raises(InputError, match=r"state.json: has other contents than were written"):
        read(place)


def test_if_all_are_damaged_nothing_begins_anew(folder: CheckpointFolder) -> None:
    for step in (1, 2):
        place = folder.save(state(step), tensors(step))
        assert place is not None
        flip(place / "model.safetensors")
    with pytest.raises(InputError, match=r"holds checkpoints, and none of them can be read.*step-00000002.*step-00000001.*remove the folder"):
        folder.newest()


def test_half_a_checkpoint_is_told_of_and_removed(folder: CheckpointFolder, said: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """A process that is killed while it writes leaves a folder under a temporary name, whatever it had written."""
    folder.save(state(1), tensors(1))

    def killed(path: Path, written: RunState) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(checkpoints, "_write_state", killed)
        with pytest.raises(KeyboardInterrupt):
            folder.save(state(2), tensors(2))
    assert (folder.folder / ".step-00000002.partial/model.safetensors").is_file()
    found = folder.newest()
    assert found is not None and found.state.step == 1
    assert len(said) == 1 and ".step-00000002.partial is half a checkpoint" in said[0]
    assert [path.name for path in folder.folder.iterdir()] == ["step-00000001"]


def test_everything_is_on_the_disk_before_the_checkpoint_has_its_name(folder: CheckpointFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    done: list[str] = []
    sync, rename = os.fsync, Path.rename

    def noted_sync(descriptor: int) -> None:
        done.append(Path(f"/proc/self/fd/{descriptor}").readlink().name)
        sync(descriptor)

    def noted_rename(self: Path, target: Path) -> Path:
        done.append("rename")
        return rename(self, target)

    monkeypatch.setattr(os, "fsync", noted_sync)
    monkeypatch.setattr(Path, "rename", noted_rename)
    folder.save(state(3), tensors(3))
    files = ["model.safetensors", "optimizer.safetensors", "ranks.safetensors", "state.json", ".step-00000003.partial"]
    assert done == [*files, "rename", "checkpoints"]


def test_a_full_disk_keeps_what_is_there(folder: CheckpointFolder, said: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    folder.save(state(1), tensors(1))
    usage = shutil.disk_usage(folder.folder)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage._replace(free=1000))
    assert folder.save(state(2), tensors(2)) is None
    assert len(said) == 1 and said[0].startswith("NO CHECKPOINT at step 2: the disk has 0 MB free")
    assert [path.name for path in folder.folder.iterdir()] == ["step-00000001"]
    with pytest.raises(InputError, match=r"the disk has no room for this run's checkpoints: 4000 MB are needed.*lower runs.keep_last \(now 2\)"):
        folder.require_room(1000 << 20)


def test_a_pickle_is_never_loaded(folder: CheckpointFolder, tmp_path: Path) -> None:
    """A file of another kind under a tensor file's name, with sums that fit: safetensors cannot run it."""
    place = folder.save(state(1), tensors(1))
    assert place is not None
    ran = tmp_path / "ran"

    class Bomb:
        def __reduce__(self) -> tuple[Callable[..., object], tuple[object, ...]]:
            return os.mkdir, (str(ran),)

    (place / "model.safetensors").write_bytes(pickle.dumps(Bomb()))
    written = json.loads((place / "state.json").read_text())
    written.pop("sha256")
    bomb = place / "model.safetensors"
    written["files"]["model.safetensors"] = {"bytes": bomb.stat().st_size, "sha256": checkpoints.sha256(bomb)}
    (place / "state.json").unlink()
    checkpoints._write_state(place / "state.json", RunState.model_validate(written))
    with pytest.raises(InputError, match=r"model.safetensors: cannot be read"):
        read(place)
    assert not ran.exists()
