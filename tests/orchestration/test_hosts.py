"""`hosts.yaml`: what is read, and what is refused with a word on how to mend it."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from contracts.errors import InputError
from orchestration.hosts import find_target, load_targets
from tests.orchestration.small_repository import REPOSITORY, Small

BOX: dict[str, Any] = {"launcher": "ssh", "hosts": ["gpu-box"], "folder": "/scratch/screenry", "python": "/opt/screenry/bin/python"}


POD: dict[str, Any] = {
    "launcher": "kubernetes", "folder": "/mnt/me", "python": "python", "data": "shared", "kubernetes": {"image": "screenry:1", "claim": "store"}
}  # fmt: skip


def write(folder: Path, content: object) -> Path:
    file = folder / "hosts.yaml"
    file.write_text(content if isinstance(content, str) else yaml.safe_dump(content))
    return file


def test_the_documented_examples_are_read(tmp_path: Path) -> None:
    blocks = (REPOSITORY / "docs/launchers.md").read_text().split("```yaml\n")[1:]
    targets = {}
    for block in blocks:
        targets |= load_targets(write(tmp_path, block.split("```")[0]))
    assert {target.launcher for target in targets.values()} == {"ssh", "slurm", "kubernetes", "skypilot"}
    assert {target.node_count for target in targets.values()} == {1, 2}


def test_without_a_file_there_are_no_targets(tmp_path: Path) -> None:
    assert load_targets(tmp_path / "hosts.yaml") == {}


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("targets: [", "is not valid YAML"),
        ("- box", "targets: names no targets"),
        ({"targets": {"box": BOX}, "hosts": {}}, "hosts: is an unknown key. Known here: targets."),
        ({"targets": {"box": BOX | {"pyhton": "x"}}}, r"targets\.box\.pyhton: is an unknown key\. Did you mean `python`\?"),
        ({"targets": {"box": {k: v for k, v in BOX.items() if k != "python"}}}, r"targets\.box\.python: Field required"),
        ({"targets": {"box": BOX | {"launcher": "shh"}}}, r"targets\.box\.launcher: .*'ssh', 'slurm', 'kubernetes' or 'skypilot'.*Found: 'shh'"),
        ({"targets": {"box": BOX | {"hosts": []}}}, r"targets\.box: `launcher: ssh` needs `hosts`"),
        ({"targets": {"box": BOX | {"folder": "scratch"}}}, r"targets\.box: `folder` must start with"),
        ({"targets": {"box": BOX | {"nodes": 2}}}, r"targets\.box: `sbatch` and `nodes` belong to"),
        ({"targets": {"box": BOX | {"launcher": "slurm", "hosts": ["a", "b"]}}}, r"targets\.box: .*one login node"),
        ({"targets": {"box": BOX | {"max_resumes": "3"}}}, r"targets\.box\.max_resumes: .*integer.*Found: '3'"),
        ({"targets": {"box": BOX | {"fallback": "bix"}}}, r"targets\.box\.fallback: is no target\. Found: bix\. Did you mean `box`\?"),
        ({"targets": {"box": POD | {"kubernetes": {"claim": "store"}}}}, r"targets\.box\.kubernetes\.image: Field required"),
        ({"targets": {"box": POD | {"kubernetes": POD["kubernetes"] | {"que": "a"}}}}, r"targets\.box\.kubernetes\.que: .* mean `queue`\?"),
        ({"targets": {"box": BOX | {"launcher": "kubernetes"}}}, r"targets\.box: `launcher: kubernetes` and a block `kubernetes:` belong together"),
        ({"targets": {"box": POD | {"hosts": ["a"]}}}, r"targets\.box: `hosts` does not belong to"),
        ({"targets": {"box": POD | {"data": "copy"}}}, r"targets\.box: .*needs `data: dvc` or `data: shared`"),
        ({"targets": {"box": POD | {"data": "dvc"}}}, r"targets\.box: pods with `data: dvc` need `git`"),
        ({"targets": {"box": POD | {"kubernetes": POD["kubernetes"] | {"mount": "/data"}}}}, r"targets\.box: `folder` must lie on the claim"),
        ({"targets": {"local": BOX}}, r"targets\.local: is this machine"),
    ],
)
def test_a_file_that_does_not_fit_is_named(tmp_path: Path, content: object, words: str) -> None:
    with pytest.raises(InputError, match=rf"hosts\.yaml: {words}|hosts\.yaml: .*{words}"):
        load_targets(write(tmp_path, content))


def test_a_preset_that_names_an_unknown_target_is_told_before_anything_starts(small: Small) -> None:
    small.edit("params.yaml", "loader: auto}", "loader: auto, target: box}")
    done = small.run("python", "-m", "orchestration.launch", "training.pretrain_mae")
    assert done.returncode == 1
    at = "error: params.yaml: presets.tiny-cpu.hardware.pretrain_mae.target: is no target of hosts.yaml. Found: box. "
    assert done.stderr == at + "Describe it in hosts.yaml (docs/launchers.md), or choose `local`.\n"
    write(small.folder, {"targets": {"bax": BOX}})
    done = small.run("python", "-m", "orchestration.launch", "training.pretrain_mae")
    assert done.stderr == at + "Did you mean `bax`?\n"
    small.edit("params.yaml", "target: box", "target: bax")
    assert (
        small.check("python", "-m", "orchestration.launch", "training.pretrain_mae", "--dry-run") == "at bax (ssh gpu-box): training.pretrain_mae\n"
    )


def test_a_target_that_is_named_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write(tmp_path, {"targets": {"box": BOX}})
    assert find_target("box", "target", Path("params.yaml")).hosts == ("gpu-box",)
