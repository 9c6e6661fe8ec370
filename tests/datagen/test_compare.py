"""Divergences by hand, marginals on screens drawn by hand, and the command on real files."""

import io
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from contracts.annotation import Box, Element, Screen
from contracts.coco import coco_from_screens
from contracts.errors import InputError
from contracts.files import write_json
from contracts.taxonomy import NAMES
from datagen.compare import Classes, classes_of, compare, divergence, noise_floor, open_screens
from datagen.marginals import Marginal, Sample, Seen, count, element_marginals, look_at
from tests.datagen.conftest import Run
from tests.datagen.screen_sets import picture, screens, write_dataset

OURS = Classes(names=NAMES, renamed=lambda name: name)


def screen(*boxes: tuple[str, float, float, float, float], width: int = 100, height: int = 200, text: str = "") -> Screen:
    elements = tuple(Element(id=i, class_name=name, box=Box(x1=x1, y1=y1, x2=x2, y2=y2), text=text) for i, (name, x1, y1, x2, y2) in enumerate(boxes))
    return Screen(
        key="s",
        width=width,
        height=height,
        device_scale=1,
        platform="web",
        kit="k",
        family="f",
        locale="en",
        theme="t",
        seed=0,
        generator="g",
        elements=elements,
    )


def marginal(name: str, names: tuple[str, ...] = NAMES) -> Marginal:
    return next(own for own in element_marginals(names) if own.name == name)


@pytest.mark.parametrize(
    ("a", "b", "expected"),
    [
        ([1, 0], [0, 5], 1.0),
        ([2, 6], [1, 3], 0.0),
        ([1, 0], [1, 1], 0.3112781),  # h(3/4) - h(1/2)/2, with h the binary entropy
        ([1, 1, 0, 0], [0, 1, 1, 0], 0.5),
    ],
)
def test_divergence_in_bits(a: list[int], b: list[int], expected: float) -> None:
    assert divergence(np.array(a), np.array(b)) == pytest.approx(expected, abs=1e-6)
    assert divergence(np.array(b), np.array(a)) == pytest.approx(expected, abs=1e-6)


def test_noise_floor_is_nought_for_like_screens_and_falls_with_their_number() -> None:
    assert noise_floor(np.tile([3.0, 1.0], (40, 1))) == 0
    draws = np.random.default_rng(1).integers(0, 2, 2000)
    rows = np.stack([draws, 1 - draws], axis=1).astype(float)
    small, large = noise_floor(rows[:40]), noise_floor(rows)
    assert 0 < large < small / 5
    assert noise_floor(np.array([[1.0, 0], [0, 1]])) == 1, "two screens that share nothing"


def test_marginals_of_one_screen() -> None:
    seen = Seen(
        screen(("card", 0, 0, 50, 100), ("button", 10, 10, 30, 20), ("text", 12, 12, 20, 18), ("text", 90, 190, 100, 200), text="abcde"),
        lambda n: n,
        NAMES,
    )
    assert seen.depths.tolist() == [0, 1, 2, 0]
    assert seen.shares.tolist() == [[0.5, 0.5], [0.2, 0.05], [0.08, 0.03], [0.1, 0.05]]
    assert seen.cells.tolist() == [2 * 8 + 2, 0 * 8 + 1, 0 * 8 + 1, 7 * 8 + 7]
    assert marginal("elements_per_screen").histogram(seen).tolist().index(1) == 4  # the bin [4, 6)
    assert dict(zip(NAMES, marginal("class").histogram(seen), strict=True)) | {"text": 2, "card": 1, "button": 1} == dict.fromkeys(NAMES, 0) | {
        "text": 2,
        "card": 1,
        "button": 1,
    }
    lengths = marginal("text_length")
    assert lengths.histogram(seen).tolist() == [0, 0, 4] + [0] * (lengths.bins - 3)
    aspect = marginal("aspect_ratio").histogram(seen)
    assert aspect.sum() == 4 and aspect[list(marginal("aspect_ratio").edges).index(2)] == 1, "the button is twice as wide as high"


def test_values_beyond_the_ends_count_in_the_end_bins() -> None:
    thin = Seen(screen(("text", 0, 0, 100, 0.001), ("text", 0, 0, 0.001, 200)), lambda n: n, NAMES)
    for name in ("width", "height", "area", "aspect_ratio"):
        found = marginal(name).histogram(thin)
        assert found.sum() == 2 and found[0] + found[-1] == 2, name


def test_nothing_on_a_screen_is_no_value_but_one_empty_screen() -> None:
    empty = Seen(screen(), lambda n: n, NAMES)
    for own in element_marginals(NAMES):
        assert own.histogram(empty).sum() == (1 if own.per == "screen" else 0), own.name


def encoded(pixels: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, format="PNG")
    return buffer.getvalue()


def test_pictures() -> None:
    white = look_at(encoded(np.full((40, 60, 3), 255, np.uint8)))
    assert (white.luminance, white.saturation, white.colours, white.edges) == (pytest.approx(1), 0, 1, 0)
    halves = np.zeros((41, 61, 3), np.uint8)
    halves[:, 30:] = (255, 0, 0)
    seen = look_at(encoded(halves))
    assert seen.luminance == pytest.approx(0.2126 * 31 / 61) and seen.saturation == pytest.approx(31 / 61)
    assert seen.colours == 2 and seen.edges == pytest.approx(1 / 60)
    assert look_at(encoded(np.zeros((2000, 1000, 3), np.uint8))).colours == 1


def test_only_what_the_foreign_classes_know_is_counted() -> None:
    mobile = classes_of("mobile_screens", "mobile_screens", ("text", "button", "navigation_bar"))
    assert mobile.names == ("Text", "TextButton", "Toolbar")
    ours = [Sample(screen(("link", 0, 0, 9, 9), ("chip", 0, 0, 9, 9), ("tab", 0, 0, 9, 9), ("slider", 0, 0, 9, 9), ("image", 0, 0, 9, 9)), None)]
    counted = count(ours, mobile.renamed, mobile.names, 0)
    assert counted.elements == 2 and counted.counts["class"].tolist() == [[0, 2, 0]]
    web = classes_of("web_pages", None, ("text", "link", "button", "avatar", "image"))
    assert web.names == ("text", "link", "button", "image") and web.renamed("chip") == "button" and web.renamed("scroll_bar") is None
    assert classes_of("coco", None, ("text",)).renamed("link") is None


def samples() -> list[Sample]:
    return [Sample(own, picture(own)) for own in screens()]


def test_a_set_is_like_itself_and_unlike_others() -> None:
    same = compare(samples(), samples(), OURS)
    assert {own.jsd for own in same.differences} == {0.0} and same.mean() == 0 and same.unknown == ()
    other = [Sample(screen(*[("cell", x, y, x + 3, y + 90) for x in range(0, 95, 5) for y in (0, 100)], width=1000, height=200), None)] * 4
    apart = compare(samples(), other, OURS)
    by_name = {own.marginal.name: own for own in apart.differences}
    assert by_name["class"].jsd == pytest.approx(1) and by_name["elements_per_screen"].jsd == pytest.approx(1)
    assert set(apart.unknown) == {"text_length", "luminance", "saturation", "colours", "edge_density"}
    for own in apart.differences:
        assert sum(own.real) == pytest.approx(1) and sum(own.ours) == pytest.approx(1) and 0 <= own.jsd <= 1
    assert "elements_per_screen" in apart.table().splitlines()[1] or "class" in apart.table().splitlines()[1], "furthest first"


def test_an_empty_side_is_an_error() -> None:
    with pytest.raises(InputError, match="ours holds no screens"):
        compare(samples(), [], OURS)


def test_a_coco_file_without_pictures_is_compared_by_its_labels(tmp_path: Path) -> None:
    coco = coco_from_screens(screens())
    for image in coco["images"]:
        del image["screen"]
    write_json(tmp_path / "labels.json", coco)
    found = list(open_screens(tmp_path / "labels.json").samples())
    assert [len(own.screen.elements) for own in found] == [0, 3, 3, 3, 3, 3] and all(own.picture is None for own in found)
    assert [own.screen.width for own in found] == [own.width for own in screens()]


def test_the_command_writes_figures_and_a_picture(run: Run, tmp_path: Path) -> None:
    write_dataset(tmp_path / "set")
    done = run("datagen.compare set --ours set --platform mobile --out found --note before")
    assert done.returncode == 0, done.stderr
    content = json.loads((tmp_path / "found/compare.json").read_text())
    assert content["real"]["screens"] == 6 and content["ours"]["screens"] == 2 and content["ours"]["note"] == "before"
    assert content["ours"]["made_by"] == {"mobile ionic, datagen/test": 2}
    assert all(len(own["real"]) == len(own["ours"]) for own in content["marginals"].values())
    with Image.open(tmp_path / "found/compare.png") as drawn:
        assert drawn.size[0] > 1000
    refused = run("datagen.compare set")
    assert refused.returncode == 1 and "data/shards: holds no shards" in refused.stderr


@pytest.mark.needs_data
def test_real_screens_are_like_themselves_and_unlike_ours(real_data: Path) -> None:
    real = open_screens(real_data / "mobile_screens.coco.json")
    found = list(real.samples())
    halves = compare(found[::2], found[1::2], real.classes, pictures=100)
    assert len(found) == 1600 and halves.unknown == ("text_length",) and halves.mean() < 0.05
    assert compare(found[::8], samples(), real.classes, pictures=50).mean() > 5 * halves.mean()
