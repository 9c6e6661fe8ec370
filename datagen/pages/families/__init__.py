"""The page families: what stands in the middle of a page of each kind.

A family is a function `(ui, words, rng) -> Content` that composes sections drawn at random; `ui.room` is the width for the content in CSS pixels and
`ui.platform` where it stands. There are more sections than fit: the window cuts the page where it ends, as windows do.
"""

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from random import Random
from typing import Any

from contracts.annotation import Platform
from datagen.content.words import Words
from datagen.pages.shell import Content
from datagen.pages.ui import Ui

_MODULES = (
    "basics",
    "work",
    "office",
    "shopping",
    "people",
    "media",
    "sites",
    "screens",
)
EVERYWHERE: tuple[Platform, ...] = ("web", "mobile", "desktop")


@dataclass(frozen=True)
class Family:
    """One kind of page, the platforms on which it is found, and how many turns it has while the others have one: kinds that people see more of have more."""

    make: Callable[[Ui[Any], Words, Random], Content[Any]]
    platforms: tuple[Platform, ...] = EVERYWHERE
    turns: int = 1

    def __call__(self, ui: Ui[Any], words: Words, rng: Random) -> Content[Any]:
        return self.make(ui, words, rng)


def _all() -> dict[str, Family]:
    found: dict[str, Family] = {}
    for module in _MODULES:
        own: dict[str, Family] = import_module(f"datagen.pages.families.{module}").FAMILIES
        if twice := found.keys() & own.keys():
            raise ValueError(f"two families are called {', '.join(twice)}")
        found |= own
    return found


FAMILIES: dict[str, Family] = _all()
