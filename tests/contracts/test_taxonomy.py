"""Class ids never change; the mappings to other sets cover every name of those sets."""

import json
from pathlib import Path

import pytest

from contracts import taxonomy

FOREIGN = ("mobile_screens", "vins", "clay")
CLAY = set(
    "ROOT BACKGROUND IMAGE PICTOGRAM BUTTON TEXT LABEL TEXT_INPUT MAP CHECK_BOX SWITCH PAGER_INDICATOR SLIDER RADIO_BUTTON SPINNER PROGRESS_BAR "
    "ADVERTISEMENT DRAWER NAVIGATION_BAR TOOLBAR LIST_ITEM CARD_VIEW CONTAINER DATE_PICKER NUMBER_STEPPER".split()
)


def test_ids_are_the_ones_given_once_and_for_all() -> None:
    """`class_ids.json` is the record: classes may be added at its end, never renamed, moved or removed."""
    recorded = json.loads(Path(__file__).with_name("class_ids.json").read_text())
    assert {c.name: c.id for c in taxonomy.CLASSES} == recorded
    assert len(recorded) == 50
    assert [c.id for c in taxonomy.CLASSES] == list(range(1, 51))


def test_every_class_has_a_definition_of_one_line() -> None:
    for c in taxonomy.CLASSES:
        assert c.definition.endswith(".") and "\n" not in c.definition and len(c.definition) > 20, c.name
    assert len({c.definition for c in taxonomy.CLASSES}) == 50


@pytest.mark.parametrize("foreign", FOREIGN)
def test_refine_then_coarsen_comes_back_where_ours_has_a_counterpart(foreign: taxonomy.ForeignSet) -> None:
    direct = {taxonomy.coarsen(c.name, foreign) for c in taxonomy.CLASSES} - {None}
    for name in taxonomy.foreign_names(foreign):
        ours = taxonomy.refine(name, foreign)
        if ours is not None and name in direct:
            assert taxonomy.coarsen(ours, foreign) == name


def test_foreign_names_are_complete() -> None:
    assert len(taxonomy.foreign_names("mobile_screens")) == 19
    assert len(taxonomy.foreign_names("vins")) == 20
    assert set(taxonomy.foreign_names("clay")) == CLAY


def test_a_few_mappings_by_hand() -> None:
    assert [taxonomy.coarsen(n, "mobile_screens") for n in ("heading", "radio", "status_bar", "slider")] == [
        "Text",
        "CheckedTextView",
        "UpperTaskBar",
        None,
    ]
    assert taxonomy.refine("TextImageButton", "mobile_screens") == "button"
    assert taxonomy.refine("CONTAINER", "clay") is None
    assert (taxonomy.from_aria("spinbutton"), taxonomy.from_aria("option"), taxonomy.from_aria("presentation")) == ("stepper", "list_item", None)
    with pytest.raises(KeyError, match="no class 'Knob'"):
        taxonomy.refine("Knob", "vins")


def test_aria_roles_are_given_once_and_come_back() -> None:
    roles = [c.aria for c in taxonomy.CLASSES if c.aria]
    assert len(roles) == len(set(roles))
    for c in taxonomy.CLASSES:
        if c.aria:
            assert taxonomy.from_aria(c.aria) == c.name
            assert taxonomy.to_aria(c.name) == c.aria


@pytest.mark.needs_data
def test_mobile_screens_has_exactly_the_names_we_map(real_data: Path) -> None:
    coco = json.loads((real_data / "mobile_screens.coco.json").read_text())
    assert {c["name"] for c in coco["categories"]} == set(taxonomy.foreign_names("mobile_screens"))
