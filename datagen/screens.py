"""From numbers to a screen: which page stands at which place of a shard, and the page's picture with its labels."""

import hashlib
from dataclasses import dataclass
from random import Random
from typing import Any

from contracts.annotation import Box, Element, Screen
from contracts.errors import InputError
from contracts.taxonomy import BY_NAME
from datagen.browser import Browser
from datagen.config import RenderKnobs
from datagen.kits import THEMES, lock_sha256
from datagen.pages import FAMILIES, make_page

# Goes up with every change of pages, widgets, words or annotator that changes a pixel or a label for the same seed.
GENERATOR_VERSION = "1"
# Elements of which less can be seen are not labelled.
MIN_VISIBLE = 0.3
_DECIMALS = 3


@dataclass(frozen=True, kw_only=True)
class Plan:
    """All that a screen follows from; sizes in CSS pixels."""

    key: str
    seed: int
    family: str
    theme: str
    width: int
    height: int
    device_scale: float

    def made(self, screen: Screen) -> bool:
        """Whether `screen` was made from this plan by this version of the generator, whatever the browser and kits were."""
        size = (round(self.width * self.device_scale), round(self.height * self.device_scale))
        mine = (self.key, self.seed, self.family, self.theme, self.device_scale, *size, f"datagen/{GENERATOR_VERSION}")
        return mine == (
            screen.key, screen.seed, screen.family, screen.theme, screen.device_scale, screen.width, screen.height, screen.generator.split()[0]
        )  # fmt: skip


def generator(browser_version: str) -> str:
    """`datagen/1 chromium/156.0.8078.79 kits/1f0c...`: everything besides the plan that pixels and labels depend on."""
    return f"datagen/{GENERATOR_VERSION} {browser_version} kits/{lock_sha256()[:12]}"


def check_choices(knobs: RenderKnobs) -> None:
    """InputError for a family or theme that does not exist."""
    for field, chosen, known in (("families", knobs.families, FAMILIES), ("themes", knobs.themes, THEMES)):
        for name in chosen:
            if name not in known:
                raise InputError("is not known.", file="params.yaml", field=f"render.{field}", found=name, fix=f"Choose from {', '.join(known)}.")


def plan_screen(knobs: RenderKnobs, shard: int, index: int) -> Plan:
    """The plan of screen `index` of shard `shard`. Families and themes take turns, so that every pair comes up equally often."""
    seed = int.from_bytes(hashlib.sha256(f"{knobs.seed}/{shard}/{index}".encode()).digest()[:6])
    pairs = [(family, theme) for family in knobs.families for theme in knobs.themes]
    Random(f"{knobs.seed}/turns").shuffle(pairs)
    family, theme = pairs[(shard * knobs.shard_size + index) % len(pairs)]
    rng = Random(f"{seed}/window")
    width, height = rng.choice(knobs.viewports)
    return Plan(
        key=f"{shard:06d}-{index:05d}",
        seed=seed,
        family=family,
        theme=theme,
        width=width,
        height=height,
        device_scale=rng.choice(knobs.device_scales),
    )


def make_screen(browser: Browser, plan: Plan) -> tuple[Screen, bytes]:
    """Render one screen: its labels and its PNG."""
    browser.show(make_page(plan.seed, plan.family, plan.theme, plan.width, plan.height), plan.width, plan.height, plan.device_scale)
    found = browser.annotate(MIN_VISIBLE)
    width, height = round(plan.width * plan.device_scale), round(plan.height * plan.device_scale)
    elements = tuple(to_element(entry, plan.device_scale, width, height) for entry in found)
    screen = Screen(
        key=plan.key, width=width, height=height, device_scale=plan.device_scale, platform="web", kit="bootstrap", family=plan.family, locale="en",
        theme=plan.theme, seed=plan.seed, generator=generator(browser.version), elements=elements,
    )  # fmt: skip
    return screen, browser.png()


def to_element(entry: dict[str, Any], scale: float, width: int, height: int) -> Element:
    """One entry of annotate.js (CSS pixels) as an `Element` (image pixels)."""
    x1, y1, x2, y2 = (round(value * scale, _DECIMALS) for value in entry["box"])
    return Element(
        id=entry["id"], class_name=entry["class_name"], box=Box(x1=max(x1, 0.0), y1=max(y1, 0.0), x2=min(x2, float(width)), y2=min(y2, float(height))),
        text=entry["text"], name=entry["name"], role=entry["role"], states=tuple(entry["states"]), parent=entry["parent"], z=entry["z"],
        visible_fraction=round(min(entry["visible_fraction"], 1.0), _DECIMALS),
        interactable=BY_NAME[entry["class_name"]].interactable and entry["reachable"],
    )  # fmt: skip
