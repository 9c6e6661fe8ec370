"""Every command in the README is run here, in a clone in which the line has run."""

import re
from pathlib import Path

import pytest

from tests.conftest import Clone, copy_of

README = (Path(__file__).parent.parent / "README.md").read_text()
BLOCKS = re.findall(r"^```(?:bash|sh|console)\n(.*?)^```", README, re.MULTILINE | re.DOTALL)
COMMANDS = [line.split("  #")[0].strip() for block in BLOCKS for line in block.splitlines() if line.strip() and not line.startswith("#")]
# Run elsewhere, because they need a life of their own: where, and how.
ELSEWHERE = {
    "git clone": "CI itself runs in a fresh clone",
    "cd screenry": "see above",
    "make demo": "the fixture `demo`",
    "make test": "this very run; here it only collects",
    "make check": "CI's first step; here its help",
    "make ui": "tests/orchestration: the browser test starts it",
}


def test_the_readme_has_commands() -> None:
    assert {"make demo", "make test"} <= set(COMMANDS)
    assert len(README.splitlines()) < 140, "one page"


@pytest.mark.slow
@pytest.mark.browser
def test_every_command_works_in_the_order_of_the_page(demo: Clone, tmp_path: Path) -> None:
    own = copy_of(demo, tmp_path)
    for command in COMMANDS:
        if not any(command.startswith(known) for known in ELSEWHERE):
            own.check(command)
    assert "tests collected" in own.check('make test ARGS="tests/contracts --collect-only -q -p no:cacheprovider"')
    assert (own.folder / "contact-sheet.png").is_file()
    assert "up to date" in own.check("dvc status")


@pytest.mark.parametrize("path", sorted(set(re.findall(r"`([\w./-]+/[\w./-]*)`", README))))
def test_paths_exist_or_are_made(path: str) -> None:
    made = ("artifacts/", "data/", ".venv", ".tools", ".dagster")
    assert path.startswith(made) or (Path(__file__).parent.parent / path).exists(), path
