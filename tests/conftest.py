"""Fixtures that several rooms share."""

import os
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parent.parent


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of real screens named by SCREENRY_REAL_DATA; tests that need it are skipped without it."""
    folder = os.environ.get("SCREENRY_REAL_DATA")
    if not folder:
        pytest.skip("SCREENRY_REAL_DATA names no folder of real screens")
    return Path(folder)
