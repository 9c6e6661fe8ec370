"""One figure of transfer, with what is needed to believe it."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Cell:
    """All draws of one start with one number of screens on one target. Figures in 0..1; `ap` is the mean of the draws, `lowest` and `highest` theirs, `low`
    and `high` its 95 % interval over test screens. `ap` is None where nothing was measured, and `remark` says why.
    """

    target: str
    real: bool
    start: str
    shots: int
    draws: int
    ap: float | None
    low: float | None
    high: float | None
    lowest: float | None
    highest: float | None
    ap50: float | None
    ap_agnostic: float | None
    screens: int
    elements: int
    steps: int
    seconds: float
    remark: str
