"""Settings: where a value may stand, and what a mistake is told."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from contracts.errors import InputError
from contracts.knobs import Hardware, Knobs, accumulation, load_hardware, load_knobs, load_tracking, stage_name


class BakeBreadKnobs(Knobs):
    seed: int
    size: tuple[int, int]
    rate: float


@pytest.fixture
def params() -> dict[str, Any]:
    hardware = {"accelerator": "cpu", "launcher": "python", "devices": 1, "micro_batch": 4, "num_workers": 0, "loader": "auto"}
    return {
        "preset": "small",
        "bake_bread": {"seed": 3},
        "presets": {"small": {"bake_bread": {"size": [2, 3], "rate": 1}, "hardware": {"bake_bread": hardware}}, "big": {}},
    }


def write(folder: Path, params: dict[str, Any]) -> Path:
    path = folder / "params.yaml"
    path.write_text(yaml.safe_dump(params))
    return path


def test_science_and_scale_keys_make_one_object(tmp_path: Path, params: dict[str, Any]) -> None:
    assert stage_name(BakeBreadKnobs) == "bake_bread"
    assert load_knobs(BakeBreadKnobs, write(tmp_path, params)) == BakeBreadKnobs(seed=3, size=(2, 3), rate=1.0)
    assert load_hardware("bake_bread", write(tmp_path, params)).micro_batch == 4


@pytest.mark.parametrize(
    ("path", "value", "words"),
    [
        ("bake_bread.sead", 3, r"bake_bread\.sead: is an unknown knob. Did you mean|Known here"),
        ("bake_bread.rate", 3.0, r"bake_bread.rate and presets.small.bake_bread.rate: stands in two places"),
        ("bake_bread.seed", "3", r"bake_bread.seed: .*valid integer.*Found: '3'"),
        ("bake_bread.seed", None, r"bake_bread.seed: .*valid integer"),
        ("presets.small.bake_bread.size", [2], r"presets.small.bake_bread.size"),
        ("presets.small.bake_bread", 4, r"presets.small.bake_bread: must be a mapping"),
        ("preset", "smal", r"preset: is no preset. Found: 'smal'. Did you mean `small`\?"),
        ("presets", None, "has no presets"),
    ],
)
def test_a_mistake_is_named(tmp_path: Path, params: dict[str, Any], path: str, value: object, words: str) -> None:
    *parents, key = path.split(".")
    place = params
    for parent in parents:
        place = place[parent]
    place[key] = value
    with pytest.raises(InputError, match=words) as caught:
        load_knobs(BakeBreadKnobs, write(tmp_path, params))
    assert caught.value.file == tmp_path / "params.yaml" and caught.value.fix and "\n" not in str(caught.value)


def test_a_misspelt_knob_gets_the_right_name(tmp_path: Path, params: dict[str, Any]) -> None:
    params["bake_bread"] = {"sed": 3}
    with pytest.raises(InputError, match=r"bake_bread\.sed: is an unknown knob\. Did you mean `seed`\?"):
        load_knobs(BakeBreadKnobs, write(tmp_path, params))


def test_a_missing_knob_is_named_with_its_place(tmp_path: Path, params: dict[str, Any]) -> None:
    del params["bake_bread"]["seed"]
    with pytest.raises(InputError, match=r"seed: is missing\. Set `seed` in bake_bread or presets\.small\.bake_bread"):
        load_knobs(BakeBreadKnobs, write(tmp_path, params))


def test_files_that_cannot_be_read(tmp_path: Path, params: dict[str, Any]) -> None:
    with pytest.raises(InputError, match="does not exist.*top folder"):
        load_knobs(BakeBreadKnobs, tmp_path / "params.yaml")
    path = tmp_path / "params.yaml"
    path.write_text("a: [1,")
    with pytest.raises(InputError, match="is not valid YAML"):
        load_knobs(BakeBreadKnobs, path)
    with pytest.raises(InputError, match="tracking: is missing"):
        load_tracking(write(tmp_path, params))
    with pytest.raises(InputError, match=r"presets\.small\.hardware\.fry_fish: is missing"):
        load_hardware("fry_fish", write(tmp_path, params))


def test_world_size_never_changes_the_global_batch(tmp_path: Path) -> None:
    def hardware(devices: int, micro_batch: int) -> Hardware:
        return Hardware(accelerator="cpu", launcher="torchrun", devices=devices, micro_batch=micro_batch, num_workers=0, loader="auto")

    assert [accumulation(64, hardware(d, m), "x") for d, m in [(1, 64), (2, 8), (8, 8), (1, 1)]] == [1, 4, 1, 64]
    with pytest.raises(InputError, match=r"x\.global_batch: 64 is not a multiple of devices x micro_batch = 3 x 8 = 24"):
        accumulation(64, hardware(3, 8), "x")
