"""From numbers to a screen: which page stands at which place of a shard, and the page's picture with its labels."""

import hashlib
import json
import subprocess
import sys
from collections import Counter
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from random import Random
from typing import Any, cast

from contracts.annotation import Box, Element, Platform, Screen
from contracts.errors import InputError
from contracts.taxonomy import BY_NAME
from datagen.browser import Browser
from datagen.config import Names, RenderKnobs
from datagen.content.locales import LOCALES
from datagen.expressions import expressions
from datagen.kits import Kit, absent, kit, kits
from datagen.kits.files import lock_sha256
from datagen.pages import FAMILIES, STATES, Page, make_page
from datagen.pages.ui import State

# Goes up with every change of pages, kits, words or annotator that changes a pixel or a label for the same seed.
GENERATOR_VERSION = "3"
# Elements of which less can be seen are not labelled.
MIN_VISIBLE = 0.3
# Share of the screens in a dark look, where a kit has both.
DARK_SHARE = 0.16
# Share of the light, and of the dark screens that are in a look of high contrast, where a kit has others, too: few people choose one.
HIGH_CONTRAST_SHARE = 0.08
# States that put something on the page which nothing else does come more often than the others.
_STATES = (*STATES[1:], *("dialog", "menu", "tooltip", "toast") * 5)
# Platforms with few kits have each kit up to this many times as often, so that web kits do not outnumber what phones and desktops show.
_PLATFORM_TURNS = 2
_DECIMALS = 3


@dataclass(frozen=True, kw_only=True)
class Plan:
    """All that a screen follows from; sizes in CSS pixels."""

    key: str
    seed: int
    family: str
    kit: str
    theme: str
    locale: str
    state: State
    width: int
    height: int
    device_scale: float

    def made(self, screen: Screen) -> bool:
        """Whether `screen` was made from this plan by this version of the generator, whatever the browser and kits were."""
        own = asdict(self)
        del own["width"], own["height"]
        size = (round(self.width * self.device_scale), round(self.height * self.device_scale))
        return (
            all(getattr(screen, name) == value for name, value in own.items())
            and abs(screen.width - size[0]) <= 1 and abs(screen.height - size[1]) <= 1
            and screen.generator.split()[0] == f"datagen/{GENERATOR_VERSION}"
        )  # fmt: skip


def generator(engine_version: str) -> str:
    """`datagen/3 chromium/156.0.8078.79 kits/1f0c...`: everything besides the plan that pixels and labels depend on."""
    return f"datagen/{GENERATOR_VERSION} {engine_version} kits/{lock_sha256()[:12]}"


def chosen(names: Names, known: Any) -> list[str]:
    """The names that a knob means: "all" is every one that there is."""
    return list(known) if names == "all" else list(names)


def check_choices(knobs: RenderKnobs) -> None:
    """InputError for a family, kit, locale or device that does not exist."""
    if knobs.kits == "all":
        for name, reason in absent().items():
            print(f"left out: {name} {reason}", file=sys.stderr)
    for name in () if knobs.kits == "all" else knobs.kits:
        if name in absent():
            kit(name)  # says what is missing
    for field, names, known in (("families", knobs.families, FAMILIES), ("kits", knobs.kits, kits()), ("locales", knobs.locales, LOCALES)):
        for name in chosen(names, known):
            if name not in known:
                raise InputError(
                    "is not known.", file="params.yaml", field=f"render.{field}", found=name, fix=f"Choose from {', '.join(known)}, or say all."
                )
        if not chosen(names, known):
            raise InputError("is empty.", file="params.yaml", field=f"render.{field}", fix="Name at least one, or say all.")
    for platform in {kit(name).platform for name in chosen(knobs.kits, kits())}:
        if platform not in knobs.viewports:
            raise InputError(
                f"says no window for {platform}, and kits of that platform are chosen.", file="params.yaml", field=f"render.viewports.{platform}",
                fix="Add one, for example [[1280, 800]].",
            )  # fmt: skip
        for window in knobs.viewports[platform]:
            if isinstance(window, str) and window not in devices():
                raise InputError(
                    "is no device that Playwright knows.",
                    file="params.yaml",
                    field=f"render.viewports.{platform}",
                    found=window,
                    fix="Names are like `iPhone 14`, `Pixel 7`.",
                )
    turns(knobs)


@cache
def devices() -> dict[str, tuple[int, int, float]]:
    """Playwright's device list: name -> width, height (CSS pixels), scale factor."""
    from playwright._impl._driver import compute_driver_executable

    # Asked of the driver's own program: a second Playwright cannot be started in a process that has one running.
    node, cli = compute_driver_executable()
    ask = "console.log(JSON.stringify(require(process.argv[1]).devices))"
    found = json.loads(subprocess.run([node, "-e", ask, Path(cli).parent], capture_output=True, text=True, check=True).stdout)
    return {name: (entry["viewport"]["width"], entry["viewport"]["height"], entry["deviceScaleFactor"]) for name, entry in found.items()}


def turns(knobs: RenderKnobs) -> tuple[tuple[str, str], ...]:
    """Every (kit, family) pair that goes together, in a shuffled order: they take turns, a family as many as it has (`Family.turns`), and more on a platform
    of which there are few pairs (`_PLATFORM_TURNS`)."""
    return _turns(knobs.seed, knobs.kits, knobs.families)


@cache
def _turns(seed: int, kit_names: Names, family_names: Names) -> tuple[tuple[str, str], ...]:
    pairs = [
        (name, family)
        for name in chosen(kit_names, kits()) for family in chosen(family_names, FAMILIES)
        if kit(name).platform in FAMILIES[family].platforms
        for _ in range(FAMILIES[family].turns)
    ]  # fmt: skip
    platforms = Counter(kit(name).platform for name, _ in pairs)
    most = max(platforms.values(), default=0)
    pairs = [pair for pair in pairs for _ in range(min(_PLATFORM_TURNS, round(most / platforms[kit(pair[0]).platform])))]
    if not pairs:
        raise InputError(
            "fit together in no pair of kit and family.",
            file="params.yaml",
            field="render.kits, render.families",
            fix="Choose families that the kits' platforms have.",
        )
    Random(f"{seed}/turns").shuffle(pairs)
    return tuple(pairs)


def plan_screen(knobs: RenderKnobs, shard: int, index: int) -> Plan:
    """The plan of screen `index` of shard `shard`."""
    seed = int.from_bytes(hashlib.sha256(f"{knobs.seed}/{shard}/{index}".encode()).digest()[:6])
    pairs = turns(knobs)
    name, family = pairs[(shard * knobs.shard_size + index) % len(pairs)]
    own, rng = kit(name), Random(f"{seed}/plan")
    locales = [code for code in chosen(knobs.locales, LOCALES) if own.locales is None or code in own.locales] or ["en"]
    locale = "en" if rng.random() < knobs.english_share else rng.choice(locales)
    state = "plain" if rng.random() < knobs.plain_share else rng.choice(_STATES)
    window = rng.choice(knobs.viewports[own.platform])
    if isinstance(window, str):
        width, height, scale = devices()[window]
    else:
        (width, height), scale = window, rng.choice(knobs.device_scales)
    zoom = rng.choice(knobs.zooms) if own.platform == "web" else 1.0
    return Plan(
        key=f"{shard:06d}-{index:05d}", seed=seed, family=family, kit=name, theme=_theme(own, rng), locale=locale, state=cast(State, state),
        width=round(width / zoom), height=round(height / zoom), device_scale=round(scale * zoom, 4),
    )  # fmt: skip


def _theme(own: Kit, rng: Random) -> str:
    """A look of the kit: dark ones and ones of high contrast as often as on real screens, however many the kit has of them."""
    dark, strong = rng.random() < DARK_SHARE, rng.random() < HIGH_CONTRAST_SHARE
    names = [name for name, theme in own.themes.items() if theme.dark == dark] or list(own.themes)
    return rng.choice([name for name in names if ("high_contrast" in name) == strong] or names)


class Studio:
    """Makes screens. A context manager that opens each engine when a plan first needs it."""

    def __enter__(self) -> "Studio":
        self._stack = ExitStack()
        self._browser: Browser | None = None
        self._qt: Any = None
        return self

    def __exit__(self, *error: Any) -> None:
        self._stack.close()

    @property
    def browser(self) -> Browser:
        """The open Chromium."""
        if self._browser is None:
            self._browser = self._stack.enter_context(Browser())
        return self._browser

    def make(self, plan: Plan) -> tuple[Screen, bytes]:
        """Render one screen: its labels and its PNG."""
        engine = kit(plan.kit).engine
        found, png, version = self._in_chromium(plan) if engine == "chromium" else self._in_qt(plan)
        width, height = png_size(png)
        elements = tuple(to_element(entry, plan.device_scale, width, height) for entry in found)
        screen = Screen(
            key=plan.key, width=width, height=height, device_scale=plan.device_scale, platform=cast(Platform, kit(plan.kit).platform), kit=plan.kit,
            family=plan.family, locale=plan.locale, theme=plan.theme, state=plan.state, seed=plan.seed, generator=generator(version), elements=elements,
        )  # fmt: skip
        return screen.model_copy(update={"expressions": expressions(screen, Random(f"{plan.seed}/expressions"))}), png

    def show(self, plan: Plan) -> Browser:
        """Put up a plan's page in Chromium without photographing it."""
        self.browser.show(_page(plan), plan.width, plan.height, plan.device_scale)
        return self.browser

    def _in_chromium(self, plan: Plan) -> tuple[list[dict[str, Any]], bytes, str]:
        found = self.browser.show_and_annotate(_page(plan), plan.width, plan.height, plan.device_scale, MIN_VISIBLE)
        return found, self.browser.png(), self.browser.version

    def _in_qt(self, plan: Plan) -> tuple[list[dict[str, Any]], bytes, str]:
        if self._qt is None:
            from datagen.qt import QtStage

            self._qt = self._stack.enter_context(QtStage())
        found, png = self._qt.make(plan, MIN_VISIBLE)
        return found, png, self._qt.version


def _page(plan: Plan) -> Page:
    return make_page(plan.seed, plan.family, plan.kit, plan.theme, plan.locale, plan.state, plan.width, plan.height)


def png_size(png: bytes) -> tuple[int, int]:
    """Width and height that a PNG's header says."""
    return int.from_bytes(png[16:20]), int.from_bytes(png[20:24])


def to_element(entry: dict[str, Any], scale: float, width: int, height: int) -> Element:
    """One entry of annotate.js (CSS pixels) as an `Element` (image pixels)."""
    x1, y1, x2, y2 = (round(value * scale, _DECIMALS) for value in entry["box"])
    return Element(
        id=entry["id"], class_name=entry["class_name"], box=Box(x1=max(x1, 0.0), y1=max(y1, 0.0), x2=min(x2, float(width)), y2=min(y2, float(height))),
        text=entry["text"], name=entry["name"], role=entry["role"], icon=entry.get("icon") or "", states=tuple(entry["states"]), parent=entry["parent"], z=entry["z"],
        visible_fraction=round(min(entry["visible_fraction"], 1.0), _DECIMALS),
        interactable=BY_NAME[entry["class_name"]].interactable and entry["reachable"],
    )  # fmt: skip
