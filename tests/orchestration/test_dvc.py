"""The project's `dvc`."""

import subprocess

import pytest

from tests.orchestration.small_repository import REPOSITORY, Small

WRAPPER = REPOSITORY / "orchestration/dvc"


def dvc(small: Small, *arguments: str) -> "subprocess.CompletedProcess[str]":
    return small.run(str(WRAPPER), *arguments)


@pytest.mark.parametrize("arguments", [("repro",), ("repro", "report"), ("--wait-for-lock", "repro", "--single-item", "report")])
def test_repro_without_data_says_how_to_get_some(small: Small, arguments: tuple[str, ...]) -> None:
    done = dvc(small, *arguments)
    assert done.returncode == 1
    assert done.stderr.startswith("error: data/manifest.json: there is no dataset here yet.") and done.stderr.count("\n") == 1
    for way in ("make demo", "dvc pull", "python -m datagen.render"):
        assert way in done.stderr
    assert not list(small.folder.glob("artifacts*")) and not (small.folder / "dvc.lock").exists()


def test_everything_else_is_dvc_itself(made: Small) -> None:
    assert dvc(made, "--version").stdout.startswith("3.")
    assert dvc(made, "repro").returncode == 0
    assert "AP50" in dvc(made, "metrics", "show", "artifacts/eval_detection/metrics.json").stdout
    assert dvc(made, "no-such-command").returncode == 254


def test_other_commands_work_without_data(small: Small) -> None:
    assert dvc(small, "stage", "list").stdout.splitlines()[0].split()[0] == "pack_beton"


def test_stages_find_the_project_s_python_without_an_activated_environment(made: Small) -> None:
    (made.folder / "training/pack_beton.py").write_text((made.folder / "training/pack_beton.py").read_text() + "\n")
    done = subprocess.run(
        [str(WRAPPER), "repro", "pack_beton"],
        cwd=made.folder,
        env={"PATH": "/usr/bin:/bin", "HOME": str(made.folder)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert "[pack_beton] screens 8" in done.stderr
