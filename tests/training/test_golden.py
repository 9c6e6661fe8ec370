"""Today's first 20 steps are those that were recorded."""

import json
import math
from pathlib import Path

import pytest

from tests.training.golden import FILE, STAGES, STEPS, TOLERANCE, curves, first_difference


def test_the_first_twenty_steps_are_those_recorded(tmp_path: Path) -> None:
    """If a change is meant to move them: `python -m tests.training.golden`."""
    golden = json.loads(FILE.read_text())
    found = curves(tmp_path)
    for name in STAGES:
        recorded = golden["losses"][name]
        assert len(recorded) == STEPS
        assert first_difference(recorded[:-1], recorded[1:])  # that an agreement means something: one step earlier is another curve
        difference = first_difference(recorded, found[name])
        assert not difference, f"{name}, {difference}; recorded with {golden['environment']}; if meant: `python -m tests.training.golden`"


@pytest.mark.parametrize("value", [3.0 * (1 + 2 * TOLERANCE), 3.0 * (1 - 2 * TOLERANCE), math.nan])
def test_the_first_step_that_differs_is_named(value: float) -> None:
    recorded = [1.0, 2.0, 3.0, 4.0]
    assert first_difference(recorded, [1.0, 2.0 * (1 + TOLERANCE / 2), 3.0, 4.0]) == ""
    assert first_difference(recorded, [1.0, 2.0, value, 5.0]).startswith("step 3: the loss is ")
