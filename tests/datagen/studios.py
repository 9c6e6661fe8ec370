"""Studios for tests of the farm: real browsers with pages of one word, some of which do what no page should.

A page is told from others by its key: number 1 of a shard is the bad one. `Once` studios behave when they are asked again (by another worker).
"""

import os
import signal
from pathlib import Path
from typing import Any

import psutil

from contracts.annotation import Box, Element, Screen
from datagen.chromium import launch
from datagen.screens import Plan

BAD = "00001"


class WordStudio:
    """Shows each plan's key as a word."""

    bad = "() => {}"

    def __enter__(self) -> "WordStudio":
        from playwright.sync_api import sync_playwright

        self._playwright = sync_playwright().start()
        self.browser = launch(self._playwright)
        self.page = self.browser.new_page(offline=True, viewport={"width": 200, "height": 100})
        return self

    def __exit__(self, *_: Any) -> None:
        self.browser.close()
        self._playwright.stop()

    def make(self, plan: Plan) -> tuple[Screen, bytes]:
        self.page.set_content(f"<p>{plan.key}</p>")
        if plan.key.endswith(BAD):
            self.misbehave()
        png = self.page.screenshot()
        word = Element(
            id=0, class_name="text", box=Box(x1=8, y1=16, x2=80, y2=34), text=plan.key, name=plan.key, role="paragraph", states=(), parent=None, z=0,
            visible_fraction=1.0, interactable=False,
        )  # fmt: skip
        screen = Screen(
            key=plan.key, width=200, height=100, device_scale=1.0, platform="web", kit=plan.kit, family=plan.family, locale="en", theme=plan.theme,
            seed=plan.seed, generator=f"test/1 chromium/{self.browser.version}", elements=(word,),
        )  # fmt: skip
        return screen, png

    def misbehave(self) -> None:
        self.page.evaluate(self.bad)

    def processes(self, kind: str) -> list[psutil.Process]:
        """The browser's processes of a type (`renderer`), or the browser itself (`""`)."""
        family = [process for process in psutil.Process().children(recursive=True) if "chrom" in process.name()]
        return [
            process
            for process in family
            if f"--type={kind}" in process.cmdline() or (not kind and not any("--type=" in word for word in process.cmdline()))
        ]


class Hangs(WordStudio):
    bad = "() => { for (;;); }"


class NeverSettles(WordStudio):
    bad = "() => new Promise(() => {})"


class FillsTheHeap(WordStudio):
    bad = "() => { const all = []; for (let i = 0; ; i++) all.push({x: [i, i, i]}); }"


class FillsMemory(WordStudio):
    bad = "() => { for (let i = 0; ; i++) { const line = document.createElement('p'); line.textContent = 'x'.repeat(100000) + i; document.body.append(line); } }"


class RendererDies(WordStudio):
    def misbehave(self) -> None:
        for process in self.processes("renderer"):
            process.kill()


class BrowserDies(WordStudio):
    def misbehave(self) -> None:
        for process in self.processes(""):
            process.kill()


class WorkerDies(WordStudio):
    def misbehave(self) -> None:
        os.kill(os.getpid(), signal.SIGKILL)


class HangsOnce(WordStudio):
    def misbehave(self) -> None:
        mark = Path(os.environ["TEST_MARK"])
        if not mark.exists():
            mark.touch()
            self.page.evaluate("() => { for (;;); }")


class AllFail(WordStudio):
    def misbehave(self) -> None:
        raise RuntimeError("this page cannot be made")

    def make(self, plan: Plan) -> tuple[Screen, bytes]:
        self.misbehave()
        raise AssertionError


class Slow(WordStudio):
    """Every page takes a moment, so that a test can kill something meanwhile."""

    def make(self, plan: Plan) -> tuple[Screen, bytes]:
        self.page.wait_for_timeout(50)
        return super().make(plan)
