"""A packed synthetic dataset, as the working folder of a test."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.training.synthetic_screens import SPLIT_SIZES, tiny_params, write_dataset, write_params


@pytest.fixture(scope="session")
def packed_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project folder with data, params.yaml and a finished artifacts/pack_beton (betons and shards). Do not change it."""
    from training import pack_beton

    root = tmp_path_factory.mktemp("project")
    write_dataset(root, SPLIT_SIZES)
    write_params(root, tiny_params())
    before = Path.cwd()
    os.chdir(root)
    try:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("sys.argv", ["pack_beton"])
            pack_beton.main()
    finally:
        os.chdir(before)
    return root


@pytest.fixture
def packed(packed_root: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """`packed_root` as the working folder, for reading."""
    monkeypatch.chdir(packed_root)
    return packed_root


@pytest.fixture
def project(packed_root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of `packed_root` as the working folder, free to change."""
    shutil.copytree(packed_root, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)
