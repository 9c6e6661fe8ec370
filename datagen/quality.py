"""What is in a dataset, and what is wrong with it: figures and checks over `data/`, as plain values.

`python -m datagen.card` shows them as a page, Dagster as asset checks. Limits stand here, beside what they limit.
"""

import io
import random
from collections import Counter
from dataclasses import asdict, dataclass
from typing import Any

from contracts.annotation import Element, Screen
from contracts.coco import read_coco, screens_from_coco
from contracts.dataset import SHARDS, SPLITS, Manifest, coco_path, read_manifest, read_shard
from contracts.taxonomy import NAMES

# No class below this share of all elements, in a dataset large enough to tell.
CLASS_FLOOR = 0.002
_LARGE = 5000
# A page with fewer elements is as good as blank; so is a picture in which fewer pixels than this differ from the commonest colour.
_FEW_ELEMENTS = 3
_BLANK_SHARE = 0.002
BLANK_LIMIT = 0.002
# CSS pixels: nothing that people see or click is thinner.
_THIN_CSS = 2.0
BOX_LIMIT = 0.001
DUPLICATE_LIMIT = 0.02
_PICTURES = 600


@dataclass(frozen=True)
class Check:
    """One check: what was found against its limit. `blocking` ones must hold before anything is learned from the data."""

    name: str
    passed: bool
    found: str
    limit: str
    blocking: bool = False
    examples: tuple[str, ...] = ()


def figures_of(screens: list[Screen]) -> dict[str, Any]:
    """Counts and shares of a set of screens."""
    classes = Counter(element.class_name for screen in screens for element in screen.elements)
    total = max(1, sum(classes.values()))
    counts = sorted(len(screen.elements) for screen in screens)
    return {
        "screens": len(screens), "elements": sum(classes.values()),
        "elements_per_screen": {"median": counts[len(counts) // 2], "p10": counts[len(counts) // 10], "p90": counts[len(counts) * 9 // 10], "max": counts[-1]},
        "classes": {name: {"count": classes[name], "share": round(classes[name] / total, 6)} for name in sorted(NAMES, key=lambda name: -classes[name])},
        **{field: dict(Counter(getattr(screen, field) for screen in screens).most_common()) for field in ("platform", "kit", "family", "locale", "state")},
        "device_scales": {f"{scale:g}": n for scale, n in sorted(Counter(screen.device_scale for screen in screens).items())},
        "themes": len({(screen.kit, screen.theme) for screen in screens}), "icons": len({element.icon for screen in screens for element in screen.elements if element.icon}),
        "expressions": dict(Counter(expression.kind for screen in screens for expression in screen.expressions).most_common()),
        "with_text": sum(bool(element.text) for screen in screens for element in screen.elements),
        "interactable": sum(element.interactable for screen in screens for element in screen.elements),
    }  # fmt: skip


def is_suspect(element: Element, screen: Screen) -> str | None:
    """Why a box cannot be right; None for a sound one."""
    box, thin = element.box, _THIN_CSS * screen.device_scale
    if element.class_name not in ("text", "link", "heading") and min(box.x2 - box.x1, box.y2 - box.y1) < thin:
        return "thinner than two CSS pixels"
    if element.interactable and box.area > 0.9 * screen.width * screen.height:
        return "a control over the whole screen"
    return None


def checks_of(manifest: Manifest, screens: dict[str, list[Screen]], blank: list[str], looked_at: int) -> list[Check]:
    """All checks of a dataset. `screens` by split; `blank` are keys of blank pictures among `looked_at`."""
    every = [screen for own in screens.values() for screen in own]
    elements = sum(len(screen.elements) for screen in every)
    checks = []
    empty = [screen.key for screen in every if len(screen.elements) < _FEW_ELEMENTS]
    bare = sorted({*empty, *blank})
    checks.append(
        Check(
            "blank_screens",
            len(bare) <= BLANK_LIMIT * len(every),
            f"{len(bare)} of {len(every)} screens ({looked_at} pictures looked at)",
            f"{BLANK_LIMIT:.1%}",
            examples=tuple(bare[:10]),
        )
    )
    suspect = [
        f"{screen.key}#{element.id} {element.class_name}: {why}"
        for screen in every
        for element in screen.elements
        if (why := is_suspect(element, screen))
    ]
    checks.append(
        Check(
            "sane_boxes",
            len(suspect) <= BOX_LIMIT * elements,
            f"{len(suspect)} of {elements} boxes",
            f"{BOX_LIMIT:.1%}",
            examples=tuple(suspect[:10]),
        )
    )
    twice = [
        f"{screen.key} {key[0]}" for screen in every
        for key, count in Counter((element.class_name, element.box.xyxy) for element in screen.elements).items() if count > 1
    ]  # fmt: skip
    checks.append(
        Check(
            "no_label_twice",
            len(twice) <= BOX_LIMIT * elements,
            f"{len(twice)} of {elements} boxes bear the same label twice",
            f"{BOX_LIMIT:.1%}",
            examples=tuple(twice[:10]),
        )
    )
    counts = Counter(element.class_name for screen in every for element in screen.elements)
    rare = [f"{name} {counts[name] / max(1, elements):.3%}" for name in NAMES if counts[name] < CLASS_FLOOR * elements]
    large = len(every) >= _LARGE
    absent = [name for name in NAMES if not counts[name]]
    checks.append(Check("class_balance", not (rare if large else absent), f"{len(rare)} classes under {CLASS_FLOOR:.1%}: {', '.join(rare) or 'none'}",
                        f"none under {CLASS_FLOOR:.1%}" if large else f"all {len(NAMES)} present (under {_LARGE:,} screens shares say little)", examples=tuple(absent)))  # fmt: skip
    duplicates = len(manifest.duplicates)
    checks.append(Check("near_duplicates", duplicates <= DUPLICATE_LIMIT * (len(every) + duplicates), f"{duplicates} of {len(every) + duplicates} screens were left out", f"{DUPLICATE_LIMIT:.0%}",
                        examples=tuple(f"{key} = {other}" for key, other in list(manifest.duplicates.items())[:10])))  # fmt: skip
    seen = {screen.kit for split in ("train", "val") for screen in screens[split]}
    leaked = sorted({screen.kit for screen in screens["test_unseen"]} & seen)
    groups = {split: {f"{screen.kit}/{screen.family}" for screen in own} for split, own in screens.items()}
    shared = sorted(group for a in SPLITS for b in SPLITS if a < b for group in groups[a] & groups[b])
    checks.append(
        Check(
            "no_leakage",
            not leaked and not shared,
            f"kits of test_unseen that train or val knows: {', '.join(leaked) or 'none'}; groups in two splits: {', '.join(shared) or 'none'}",
            "none",
            blocking=True,
        )
    )
    return checks


def look_at_pictures(count: int) -> tuple[list[str], int]:
    """Keys of blank pictures among `count` drawn by lot, and how many were looked at."""
    from PIL import Image

    blank, looked = [], 0
    paths = sorted(SHARDS.glob("*.tar"))
    rng = random.Random(0)
    per_shard = max(1, -(-count // max(1, len(paths))))
    for path in paths:
        screens = list(read_shard(path))
        for screen, png in rng.sample(screens, min(per_shard, len(screens))):
            picture = Image.open(io.BytesIO(png)).convert("RGB").resize((128, 128), Image.Resampling.NEAREST)
            commonest = max(n for n, _ in picture.getcolors(128 * 128) or [(0, 0)])
            looked += 1
            if 128 * 128 - commonest < _BLANK_SHARE * 128 * 128:
                blank.append(screen.key)
    return blank, looked


def quality() -> dict[str, Any]:
    """Figures and checks of the dataset in `data/`. InputError if there is none."""
    manifest = read_manifest()
    screens: dict[str, list[Screen]] = {split: screens_from_coco(read_coco(coco_path(split)), coco_path(split)) for split in SPLITS}
    blank, looked_at = look_at_pictures(_PICTURES)
    every = [screen for own in screens.values() for screen in own]
    return {
        "figures": figures_of(every), "splits": {split: {"screens": len(own), "elements": sum(len(screen.elements) for screen in own)} for split, own in screens.items()},
        "checks": [asdict(check) for check in checks_of(manifest, screens, blank, looked_at)],
    }  # fmt: skip
