"""Near-duplicates, checks and the data card, on screens drawn by hand: what is wrong is found, what is sound passes."""

import io
import json
import random
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image, ImageDraw

from contracts.annotation import Element, Screen
from contracts.dataset import Environment, Manifest, SplitCount
from datagen.duplicates import MAX_DISTANCE, near_duplicates, picture_hash
from datagen.quality import CLASS_FLOOR, checks_of
from datagen.render import add_screen

Run = Callable[..., "object"]


def picture(seed: int, word: str = "Save", size: tuple[int, int] = (320, 240)) -> Image.Image:
    """Cards of random places, sizes and colours, and a word."""
    rng = random.Random(seed)
    image = Image.new("RGB", size, (250, 250, 250))
    draw = ImageDraw.Draw(image)
    for _ in range(14):
        x, y = rng.randrange(size[0] - 30), rng.randrange(size[1] - 30)
        draw.rectangle((x, y, x + rng.randrange(20, 120), y + rng.randrange(10, 80)), fill=tuple(rng.randrange(256) for _ in range(3)))
    draw.text((10, 10), word, fill=(0, 0, 0))
    return image


def element(id: int, class_name: str = "button", box: tuple[float, float, float, float] = (10, 10, 60, 30), **more: object) -> Element:
    return Element.model_validate({"id": id, "class_name": class_name, "box": dict(zip(("x1", "y1", "x2", "y2"), box, strict=True)), **more})


def screen(key: str, *elements: Element, kit: str = "bootstrap", family: str = "form") -> Screen:
    return Screen(
        key=key,
        width=320,
        height=240,
        device_scale=1,
        platform="web",
        kit=kit,
        family=family,
        locale="en",
        theme="light",
        seed=1,
        generator="datagen/2 chromium/1 kits/0",
        elements=elements,
    )


def sound(key: str, **where: str) -> Screen:
    return screen(key, element(0), element(1, "text", (70, 10, 100, 20)), element(2, "link", (70, 40, 100, 50)), **where)


def manifest(duplicates: dict[str, str] | None = None) -> Manifest:
    environment = Environment(engines="chromium/1", kits={}, fonts={}, kit_lock_sha256="0", generator="datagen/2", system="test")
    counts = {split: SplitCount(screens=1, elements=3, groups=()) for split in ("train", "val", "test", "test_unseen")}
    return Manifest(shards=(), splits=counts, classes={}, duplicates=duplicates or {}, environment=environment)


def outcome(**by_split: list[Screen]) -> dict[str, bool]:
    splits = {"train": [], "val": [], "test": [], "test_unseen": [], **by_split}
    return {check.name: check.passed for check in checks_of(manifest(), splits, [], 0)}


# ---- near-duplicates -------------------------------------------------------------------------------------------------------------------------


def test_another_word_is_a_duplicate_and_another_page_is_not() -> None:
    pictures = {"a": picture(1), "b": picture(2), "c": picture(1, word="Send"), "d": picture(3), "e": picture(1).resize((640, 480))}
    assert near_duplicates({key: picture_hash(image) for key, image in pictures.items()}) == {"c": "a", "e": "a"}


def test_bands_find_what_comparing_every_pair_finds() -> None:
    rng = random.Random(5)
    hashes: dict[str, int] = {}
    for i in range(300):
        base = rng.choice(list(hashes.values())) if hashes and i % 3 else rng.getrandbits(256)
        for bit in rng.sample(range(256), rng.randrange(0, 2 * MAX_DISTANCE)):
            base ^= 1 << bit
        hashes[f"{i:03d}"] = base
    kept: list[str] = []
    expected = set()
    for key, own in hashes.items():
        if any((own ^ hashes[other]).bit_count() <= MAX_DISTANCE for other in kept):
            expected.add(key)
        else:
            kept.append(key)
    found = near_duplicates(hashes)
    assert set(found) == expected and 20 < len(expected) < 280
    assert all(other in kept for other in found.values())


# ---- checks ----------------------------------------------------------------------------------------------------------------------------------


def test_sound_screens_pass_what_does_not_need_many() -> None:
    found = outcome(
        train=[sound("a"), sound("b")], val=[sound("c", family="table")], test=[sound("d", family="mail")], test_unseen=[sound("e", kit="nes")]
    )
    assert {name for name, passed in found.items() if not passed} == {"class_balance"}


@pytest.mark.parametrize(
    ("bad", "check"),
    [
        (screen("bad", element(0)), "blank_screens"),
        (screen("bad", element(0), element(1, "icon", (5, 5, 6, 20)), element(2)), "sane_boxes"),
        (screen("bad", element(0, "slider", (0, 0, 320, 240), interactable=True), element(1), element(2, "text")), "sane_boxes"),
        (screen("bad", element(0), element(1), element(2, "text")), "no_label_twice"),
    ],
)
def test_what_is_wrong_is_found(bad: Screen, check: str) -> None:
    assert outcome(train=[sound("a")])[check]
    assert not outcome(train=[sound("a"), bad])[check]


def test_leaks_are_found() -> None:
    assert not outcome(train=[sound("a", kit="nes")], test_unseen=[sound("b", kit="nes", family="mail")])["no_leakage"]
    assert not outcome(train=[sound("a")], test=[sound("b")])["no_leakage"]
    assert outcome(train=[sound("a")], test=[sound("b", family="mail")], test_unseen=[sound("c", kit="nes")])["no_leakage"]


def test_rare_classes_count_only_in_a_large_dataset() -> None:
    from contracts.taxonomy import NAMES

    one_of_each = screen("all", *(element(i, name, (i, i, i + 30, i + 30)) for i, name in enumerate(NAMES)))
    assert outcome(train=[one_of_each])["class_balance"]
    many = [screen(f"k{i}", *(element(j, "text", (j, 0, j + 9, 9)) for j in range(4))) for i in range(5000)]
    assert 1 / (4 * len(many)) < CLASS_FLOOR
    assert not outcome(train=[one_of_each, *many])["class_balance"]


# ---- the card --------------------------------------------------------------------------------------------------------------------------------


@pytest.fixture
def dataset(workplace: Path, run: Run) -> Path:
    """Sixty screens in twenty groups, two of them near-duplicates of others."""
    shards = workplace / "data/shards"
    shards.mkdir(parents=True)
    with tarfile.open(shards / "000000.tar", "w") as tar:
        for i in range(60):
            kit = "bespoke-desktop" if i % 20 == 0 else f"kit{i % 4}"
            data = io.BytesIO()
            picture(i if i not in (40, 41) else i - 40).save(data, "PNG")
            add_screen(
                tar, f"000000-{i:05d}", data.getvalue(), sound(f"000000-{i:05d}", kit=kit, family=f"family{i % 20}").model_dump_json().encode()
            )
    done = run("datagen.dataset")
    assert done.returncode == 0, done.stderr
    assert "2 near-duplicates left out" in done.stdout
    return workplace


def test_the_card_shows_the_dataset(dataset: Path, run: Run) -> None:
    assert json.loads((dataset / "data/manifest.json").read_text())["duplicates"] == {"000000-00040": "000000-00000", "000000-00041": "000000-00001"}
    audit = {"summary": {"all": {"all": figures(0.99)}, "class": {}, "kit": {"kit1": figures(0.98)}}, "elements": []}
    (dataset / "audit").mkdir()
    (dataset / "audit/audit.json").write_text(json.dumps(audit))
    done = run("datagen.card --audit audit --out card")
    assert done.returncode == 0, done.stderr
    page = (dataset / "card/data-card.html").read_text()
    assert "58</b>screens" in page and "98.00 %" in page and "2 near-duplicate screens" in page
    assert 'src="http' not in page and 'href="http' not in page
    quality = json.loads((dataset / "card/quality.json").read_text())
    assert quality["figures"]["elements"] == 3 * 58
    assert {check["name"] for check in quality["checks"]} >= {"blank_screens", "sane_boxes", "class_balance", "near_duplicates", "no_leakage"}
    missing = run("datagen.card --audit nowhere")
    assert missing.returncode == 1 and "nowhere/audit.json" in missing.stderr and "python -m datagen.audit --out nowhere" in missing.stderr


def test_a_contact_sheet_of_one_kit(dataset: Path, run: Run) -> None:
    assert run("datagen.preview --kit kit1 --screens 4 --out one.png").returncode == 0
    none = run("datagen.preview --kit no-such-kit")
    assert none.returncode == 1 and "kit no-such-kit" in none.stderr


def figures(inside: float) -> dict[str, object]:
    kinds = {kind: {"count": 5, "iou": 0.97} for kind in ("painted", "same colour", "unpainted", "covered")}
    return {"audited": 20, "inside": inside, "failed": 1, **kinds}
