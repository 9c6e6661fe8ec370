"""Screens per second: ours beside what a person would write first, for the same pages at 1280x800.

    python -m benchmarks.render                 about 40 seconds on two cores
    python -m benchmarks.render --screens 120   more of them

Both make, of each page, a PNG of the window and the boxes of its labelled elements. The peer opens a new page, loads an HTML file, asks
`locator.bounding_box` for each element and takes `page.screenshot`. Ours is the whole default path, `datagen.farm` with every core, which also computes
the clipped and occluded boxes, texts, names, roles and states that the labels hold. Before anything is timed, the two are compared: as many
elements of each class (of those that are in view), the same boxes where both are whole, and nearly the same pixels.
"""

import argparse
import io
import json
import re
import tempfile
import time
from base64 import b64encode
from pathlib import Path
from typing import TYPE_CHECKING, Any

from contracts.errors import run_command

if TYPE_CHECKING:
    from playwright.sync_api import Page as Tab

    from datagen.farm import Failed, Made
    from datagen.screens import Plan

WIDTH, HEIGHT = 1280, 800
TEN_MILLION = 10_000_000
# Pixels of a page that may differ (in share): a caret, a frame of an animation.
_TOLERATED_PIXELS = 0.02
_BOX_TOLERANCE = 1.0


def main() -> None:
    options = _options()
    with tempfile.TemporaryDirectory() as folder:
        plans = choose_plans(options.screens)
        files, ours_elements, ours_pngs = save_pages(plans, Path(folder))
        peer_seconds, peer = run_peer(files, options.peer_screens)
        agreement = compare(peer, ours_elements, ours_pngs)
    start, steady, size = run_ours(plans, options.workers)
    ours_rate, peer_rate = len(plans) / steady, len(peer) / peer_seconds
    print(
        f"peer: {len(peer)} pages in {peer_seconds:.1f} s; ours: {len(plans)} pages in {steady:.1f} s, after {start:.1f} s to start {options.workers} workers"
    )
    print(
        f"both: {agreement['elements']} elements, {agreement['boxes']:.1%} of the boxes within {_BOX_TOLERANCE:.0f} px, {agreement['pixels']:.3%} of the pixels differ"
    )
    result = {
        "benchmark": "render", "ratio": round(ours_rate / peer_rate, 2), "ours": round(ours_rate, 2), "peer": round(peer_rate, 2), "unit": "screens/s",
        "workers": options.workers, "annotated_screens_per_second": round(ours_rate, 2),
        "bytes_per_screen": size // len(plans), **cost(TEN_MILLION, ours_rate / options.workers, size / len(plans)),
    }  # fmt: skip
    print(json.dumps(result))


def cost(screens: int, per_core_and_second: float, bytes_each: float) -> dict[str, float]:
    """What so many screens cost at a rate per core."""
    hours = screens / per_core_and_second / 3600
    return {
        "core_hours_per_10M": round(hours),
        "days_on_64_cores_per_10M": round(hours / 64 / 24, 2),
        "terabytes_per_10M": round(screens * bytes_each / 1e12, 2),
    }


def choose_plans(number: int) -> "list[Plan]":
    """The first plans of the default mix whose pages are HTML alone (a file with them shows the same), moved to a 1280x800 window."""
    from dataclasses import replace

    from contracts.knobs import load_knobs
    from datagen.config import RenderKnobs
    from datagen.kits import kit
    from datagen.screens import plan_screen

    knobs = load_knobs(RenderKnobs)
    found: list[Plan] = []
    index = 0
    while len(found) < number:
        plan = plan_screen(knobs, 0, index)
        index += 1
        own = kit(plan.kit)
        if own.engine == "chromium" and own.platform == "web" and own.document == "plain":
            found.append(replace(plan, width=WIDTH, height=HEIGHT, device_scale=1.0, state="plain"))
    return found


def save_pages(plans: "list[Plan]", folder: Path) -> tuple[list[Path], list[list[dict[str, Any]]], list[bytes]]:
    """Each page as one HTML file with its styles, fonts and pictures inside; and what our own path makes of it: labels and PNGs."""
    from datagen.screens import MIN_VISIBLE, Studio

    files, elements, pngs = [], [], []
    with Studio() as studio:
        for plan in plans:
            browser = studio.show(plan)
            elements.append(browser.annotate(MIN_VISIBLE))
            pngs.append(browser.png())
            files.append(folder / f"{plan.key}.html")
            files[-1].write_text(inlined(browser.evaluate(_SNAPSHOT)), encoding="utf-8")
    return files, elements, pngs


# The live page as HTML: what is switched off is left out, style sheets stand in place of links to them.
_SNAPSHOT = """() => {
  const css = [...document.styleSheets].filter(sheet => !sheet.disabled).map(sheet => [...sheet.cssRules].map(rule => rule.cssText).join("\\n")).join("\\n");
  const root = document.documentElement.cloneNode(true);
  for (const element of root.querySelectorAll("head > *, script")) element.remove();
  root.querySelector("head").innerHTML = '<meta charset="utf-8">';
  const style = document.createElement("style");
  style.textContent = css;
  root.querySelector("head").append(style);
  return "<!doctype html>" + root.outerHTML;
}"""


def inlined(html: str) -> str:
    """HTML whose fonts and pictures of the kits' packages are data URLs; fonts that the text does not use are left out by their unicode ranges' browser."""
    from datagen.kits.files import MODULES, ORIGIN

    def data_url(found: re.Match[str]) -> str:
        file = MODULES / found[1]
        kind = {".woff2": "font/woff2", ".svg": "image/svg+xml"}.get(file.suffix, f"image/{file.suffix[1:]}")
        return f"data:{kind};base64,{b64encode(file.read_bytes()).decode()}" if file.is_file() else found[0]

    return re.sub(rf"(?:{re.escape(ORIGIN)})/([^\"')\s?#]+\.(?:svg|png|jpe?g|webp))", data_url, html).replace(f"{ORIGIN}/", f"{MODULES.as_uri()}/")


def run_peer(files: list[Path], number: int) -> tuple[float, list[tuple[list[dict[str, float] | None], list[str], bytes]]]:
    """Seconds, and (boxes, classes, PNG) of each page, as a person would write it first. The browser's start is not counted."""
    from playwright.sync_api import sync_playwright

    from datagen.chromium import FLAGS, find_chromium

    made = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find_chromium(playwright), args=list(FLAGS))  # the same fonts and colours
        show(browser.new_page(viewport={"width": WIDTH, "height": HEIGHT}), files[0])
        begin = time.perf_counter()
        for file in files[:number]:
            page = browser.new_page(viewport={"width": WIDTH, "height": HEIGHT})
            made.append(show(page, file))
            page.close()
        seconds = time.perf_counter() - begin
        browser.close()
    return seconds, made


def show(page: "Tab", file: Path) -> tuple[list[dict[str, float] | None], list[str], bytes]:
    page.goto(file.as_uri())
    boxes, classes = [], []
    for element in page.locator("[data-c]").all():
        boxes.append(element.bounding_box())
        classes.append(element.get_attribute("data-c") or "")
    return boxes, classes, page.screenshot()


def compare(peer: list[Any], ours: list[list[dict[str, Any]]], pngs: list[bytes]) -> dict[str, float]:
    """How well the two agree. SystemExit if they do not show the same pages."""
    import numpy as np
    from PIL import Image

    elements = agreed = boxes = 0
    differing = []
    for (peer_boxes, classes, peer_png), labels, png in zip(peer, ours, pngs, strict=False):
        mine, theirs = (np.asarray(Image.open(io.BytesIO(data)).convert("RGB"), dtype=np.int16) for data in (png, peer_png))
        if mine.shape != theirs.shape:
            raise SystemExit(f"error: pictures differ in size, {mine.shape} and {theirs.shape}")
        differing.append(float((np.abs(mine - theirs).max(axis=2) > 24).mean()))
        candidates = [(kind, box) for kind, box in zip(classes, peer_boxes, strict=True) if box]
        for label in labels:
            elements += 1
            if label["class_name"] in ("text", "link", "heading") or label["visible_fraction"] < 1:
                continue  # our boxes follow the glyphs and what can be seen; the peer's are those of the layout
            x1, y1, x2, y2 = label["box"]
            boxes += 1
            wanted = (x1, y1, x2 - x1, y2 - y1)
            agreed += any(
                kind == label["class_name"]
                and max(abs(a - b) for a, b in zip(wanted, (box["x"], box["y"], box["width"], box["height"]), strict=True)) <= _BOX_TOLERANCE
                for kind, box in candidates
            )
    result = {"elements": elements, "boxes": agreed / max(boxes, 1), "pixels": sum(differing) / len(differing)}
    if result["boxes"] < 0.8 or result["pixels"] > _TOLERATED_PIXELS:
        raise SystemExit(f"error: the two do not show the same pages: {result}")
    return result


def run_ours(plans: "list[Plan]", workers: int) -> tuple[float, float, int]:
    """Seconds until every worker has made a page, seconds for the plans from then on, and the bytes of what was made."""
    from datagen.farm import Farm

    with Farm(workers) as farm:
        begin = time.perf_counter()
        list(farm.make(plans[: 4 * workers]))
        warm = time.perf_counter()
        outcomes = list(farm.make(plans))
        done = time.perf_counter()
    return warm - begin, done - warm, sum(size_of(outcome) for outcome in outcomes)


def size_of(outcome: "Made | Failed") -> int:
    """Bytes of a screen in a shard. SystemExit if it could not be made."""
    from datagen.farm import Failed

    if isinstance(outcome, Failed):
        raise SystemExit(f"error: {outcome.plan} could not be made: {outcome.error}")
    return len(outcome.png) + len(outcome.labels)


def _options() -> argparse.Namespace:
    from datagen.render import cores

    parser = argparse.ArgumentParser(prog="python -m benchmarks.render", description="Screens per second beside what a person would write first.")
    parser.add_argument("--screens", type=int, default=60, metavar="N", help="pages that ours makes (default: %(default)s)")
    parser.add_argument("--peer-screens", type=int, default=12, metavar="N", help="of these, pages that the peer makes (default: %(default)s)")
    parser.add_argument("--workers", type=int, default=cores(), metavar="W", help="our workers (default: one per core, %(default)s)")
    return parser.parse_args()


if __name__ == "__main__":
    run_command(main)
