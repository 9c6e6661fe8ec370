"""Screens survive COCO and JSON without loss; other people's files are checked."""

import copy
import json
import random
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from contracts.annotation import Box, Element, Expression, Screen
from contracts.coco import coco_from_screens, read_coco, screens_from_coco
from contracts.errors import InputError
from contracts.taxonomy import NAMES


def random_screen(seed: int) -> Screen:
    rng = random.Random(seed)
    width, height = rng.randint(200, 2000), rng.randint(200, 2000)
    elements = []
    for i in range(rng.randint(0, 30)):
        x1, y1 = rng.uniform(0, width - 2), rng.uniform(0, height - 2)
        elements.append(
            Element(
                id=i * 3, class_name=rng.choice(NAMES), box=Box(x1=x1, y1=y1, x2=rng.uniform(x1 + 0.1, width), y2=rng.uniform(y1 + 0.1, height)),
                text=rng.choice(["", "Überschrift", "עברית", "a\nb"]), name=rng.choice(["", "Close"]), role=rng.choice([None, "button"]),
                states=tuple(rng.sample(["disabled", "focused", "checked"], rng.randint(0, 3))), parent=rng.choice([None, *range(0, i * 3, 3)]),
                z=rng.randint(0, 9), visible_fraction=rng.random(), interactable=rng.random() < 0.5,
            )
        )  # fmt: skip
    expressions = [
        Expression(element=rng.choice(elements).id, text=rng.choice(["Click “Save”", "לחץ על „שמור”"]), kind=rng.choice(["text", "relation"]), language=rng.choice(["en", "he"]))
        for _ in range(rng.randint(0, 4) if elements else 0)
    ]  # fmt: skip
    return Screen(
        key=f"k{seed}", width=width, height=height, device_scale=rng.choice([1, 1.5, 3]), platform=rng.choice(["web", "mobile", "desktop"]), kit="bootstrap",
        family="form", locale="en", theme="flatly", seed=rng.getrandbits(63), generator="1", elements=tuple(elements),
        expressions=tuple(expressions),
    )  # fmt: skip


def test_coco_and_json_round_trips_are_exact() -> None:
    screens = [random_screen(seed) for seed in range(60)]
    coco = json.loads(json.dumps(coco_from_screens(screens)))
    assert screens_from_coco(coco) == screens and any(s.expressions for s in screens)
    assert [Screen.model_validate_json(json.dumps(s.to_json())) for s in screens] == screens


def test_coco_fields_are_what_coco_tools_expect() -> None:
    element = Element(id=0, class_name="button", box=Box(x1=10, y1=20, x2=40, y2=30.5))
    screen = random_screen(1).model_copy(update={"width": 100, "height": 90, "elements": (element,)})
    coco = coco_from_screens([screen])
    (annotation,) = coco["annotations"]
    assert annotation["bbox"] == [10, 20, 30, 10.5] and annotation["area"] == 315 and annotation["iscrowd"] == 0
    assert next(c["name"] for c in coco["categories"] if c["id"] == annotation["category_id"]) == "button"
    assert len(coco["categories"]) == 50


def plain_coco(bbox: list[float], category: int = 4) -> dict[str, Any]:
    return {
        "images": [{"id": 7, "file_name": "a b.png", "width": 100, "height": 50}],
        "categories": [{"id": 4, "name": "button"}],
        "annotations": [{"id": 9, "image_id": 7, "category_id": category, "bbox": bbox}],
    }


def test_a_plain_coco_file_is_read_and_rounding_is_clipped() -> None:
    (screen,) = screens_from_coco(plain_coco([-0.4, 10, 100.9, 20]))
    assert screen.key == "a_b" and screen.elements[0].box.xyxy == (0, 10, 100, 30)


@pytest.mark.parametrize(
    ("change", "field", "words"),
    [
        ({"bbox": [90, 10, 20, 10]}, "annotations[id=9]", "outside its 100x50 image"),
        ({"bbox": [10, 10, 0, 10]}, "annotations[id=9]", "x1 < x2"),
        ({"bbox": [10, 10, 5]}, "annotations[id=9]", "not enough values"),
        ({"category_id": 5}, "annotations[id=9].category_id", "no category"),
        ({"image_id": 8}, "annotations[id=9].image_id", "no image"),
    ],
)
def test_a_bad_annotation_is_named(change: dict[str, Any], field: str, words: str) -> None:
    coco = plain_coco([10, 10, 5, 5])
    coco["annotations"][0] |= change
    with pytest.raises(InputError, match=words) as caught:
        screens_from_coco(coco, "val.json")
    assert caught.value.field == field and caught.value.file == "val.json" and caught.value.fix


def test_an_unknown_class_is_named() -> None:
    coco = plain_coco([10, 10, 5, 5])
    coco["categories"][0]["name"] = "buton"
    with pytest.raises(InputError, match=r"val.json: categories\[id=4\].name.*not a class.*'buton'"):
        screens_from_coco(coco, "val.json")


def test_a_file_that_is_no_coco_is_named(tmp_path: Path) -> None:
    path = tmp_path / "x.json"
    with pytest.raises(InputError, match="does not exist"):
        read_coco(path)
    path.write_text('{"images": [')
    with pytest.raises(InputError, match=r"x\.json: is not valid JSON"):
        read_coco(path)
    with pytest.raises(InputError, match="this list is missing"):
        screens_from_coco({"images": []})


def test_a_screen_refuses_what_cannot_be() -> None:
    screen = json.loads(json.dumps(random_screen(3).to_json()))
    element = {"id": 0, "class_name": "button", "box": {"x1": 1, "y1": 1, "x2": 9, "y2": 9}}
    for change, words in [
        ({"box": {"x1": 1, "y1": 1, "x2": 9000, "y2": 9}}, "outside"),
        ({"class_name": "knob"}, "unknown class 'knob'"),
        ({"parent": 5}, "no other element"),
        ({"colour": "red"}, "Extra inputs"),
        ({"visible_fraction": 1.2}, "less than or equal to 1"),
    ]:
        bad = copy.deepcopy(screen) | {"elements": [element | change]}
        with pytest.raises(ValidationError, match=words):
            Screen.model_validate(bad)
    with pytest.raises(ValidationError, match="ids repeat"):
        Screen.model_validate(screen | {"elements": [element, element]})


def test_expressions_ride_along_with_their_image_and_mean_an_element_of_it() -> None:
    element = Element(id=4, class_name="button", box=Box(x1=1, y1=1, x2=9, y2=9))
    bare = random_screen(3).model_copy(update={"elements": (element,), "expressions": ()})
    assert "expressions" not in bare.to_json() and "expressions" not in coco_from_screens([bare])["images"][0]["screen"]
    expression = Expression(element=4, text="Click “Save”", kind="text", language="en")
    (image,) = coco_from_screens([bare.model_copy(update={"expressions": (expression,)})])["images"]
    assert image["screen"]["expressions"] == [{"element": 4, "text": "Click “Save”", "kind": "text", "language": "en"}]
    image["screen"]["expressions"][0]["element"] = 5
    with pytest.raises(InputError, match="means element 5, which this screen does not have"):
        screens_from_coco(coco_from_screens([bare]) | {"images": [image]})
    with pytest.raises(ValidationError, match="at least 1 character"):
        Expression(element=4, text="", kind="text", language="en")
