"""Screens per second: ours beside what a person would write first, for the same pages at 1280x800.

    python -m benchmarks.render                 under a minute on two quiet cores
    python -m benchmarks.render --screens 480 --warm-up 960     as in a long run, when every kit and font has been loaded

Both make, of each page, a PNG of the window and the boxes of its labelled elements. The peer opens a new page, loads an HTML file, asks
`locator.bounding_box` for each element and takes `page.screenshot`. Ours is the whole default path, `datagen.farm` with as many workers as a run has, after
it has made other pages: most styles and fonts have been loaded, as for nearly all screens of a run; what that took is printed, too. It also computes the
clipped and occluded boxes, texts, names, roles and states that the labels hold. What the two make is compared: nearly the same pixels; the same box for every
element that is wholly in view and fills its box; and of what is painted inside its box (text, icons, pictures, sliders), a box in there. The two take turns, so
that a busy machine slows down both; what a screen costs follows from the quiet one.
"""

import argparse
import io
import json
import re
import tempfile
import time
from base64 import b64encode
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from contracts.errors import run_command

if TYPE_CHECKING:
    from playwright.sync_api import Browser

    from datagen.farm import Failed, Made
    from datagen.screens import Plan

    # Boxes and classes of a page's elements, and its PNG.
    Shown = tuple[list[Any], list[str], bytes]

WIDTH, HEIGHT = 1280, 800
_TURNS = 3
TEN_MILLION = 10_000_000
# Pixels of a page that may differ (in share): a caret, a frame of an animation.
_TOLERATED_PIXELS = 0.02
# Share of the boxes that have to agree; pixels by which their sides may differ in length, and in place (a <select> that was laid out before its font
# came keeps the height of the fallback in the peer, and moves what is below); and by which glyphs may reach out of the box of their element.
_BOXES = 0.98
_TOLERANCE, _SHIFT = 1.0, 4.0
_OVERHANG = 5.0
# Our boxes of these are of what is painted: glyphs, the shapes of an icon, a picture within its frame, a slider's track. The peer's are of the layout.
_PAINTED = ("text", "link", "heading", "icon", "chart", "image", "slider")


def main() -> None:
    options = _options()
    from datagen.render import cores

    with tempfile.TemporaryDirectory() as folder:
        chosen = choose_plans(options.screens + options.warm_up)
        plans, others = chosen[: options.screens], chosen[options.screens :]
        files, ours_elements, ours_pngs = save_pages(plans[:: max(1, len(plans) // options.peer_screens)], Path(folder))
        raced = race(files, plans, others, options.workers)
    agreement = compare(raced.peer, ours_elements, ours_pngs)
    ours_rate, peer_rate = len(plans) / raced.ours_seconds, len(raced.peer) / raced.peer_seconds
    print(
        f"peer: {len(raced.peer)} pages in {raced.peer_seconds:.1f} s; ours: {len(plans)} pages in {raced.ours_seconds:.1f} s with {options.workers} workers, "
        f"after {raced.start:.1f} s to start them and {raced.warm_up:.1f} s for their first {len(others)} pages"
    )
    print(
        f"both: {agreement['same']:.1%} of {agreement['whole']} boxes are the same within {_TOLERANCE:.0f} px, {agreement['inside']:.1%} of {agreement['painted']} "
        f"boxes of text and drawings lie inside the peer's, {agreement['pixels']:.3%} of the pixels differ"
    )
    result = {
        "benchmark": "render", "ratio": round(ours_rate / peer_rate, 2), "ours": round(ours_rate, 2), "peer": round(peer_rate, 2), "unit": "screens/s",
        "workers": options.workers, "annotated_screens_per_second": round(ours_rate, 2),
        "bytes_per_screen": raced.size // len(plans), **cost(TEN_MILLION, ours_rate / cores(), raced.size / len(plans)),
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
    """Each page as one HTML file with its styles, fonts and pictures inside; and what our own path makes of it: labels and PNGs.

    A label says `elsewhere` if its page names another part than the element itself as what is painted (data-box).
    """
    from datagen.content.fonts import font_face_css
    from datagen.kits.files import ORIGIN
    from datagen.screens import MIN_VISIBLE, Studio

    files, elements, pngs = [], [], []
    with Studio() as studio:
        for plan in plans:
            browser = studio.show(plan)
            labels = browser.annotate(MIN_VISIBLE)
            named = browser.evaluate("number => Array.from({length: number}, (_, id) => 'box' in screenry.labelled(id).element.dataset)", len(labels))
            elements.append([label | {"elsewhere": elsewhere} for label, elsewhere in zip(labels, named, strict=True)])
            pngs.append(browser.png())
            files.append(folder / f"{plan.key}.html")
            files[-1].write_text(inlined(browser.evaluate(_SNAPSHOT, font_face_css(ORIGIN))), encoding="utf-8")
    return files, elements, pngs


# The live page as HTML: what is switched off is left out, style sheets stand in place of links to them.
_SNAPSHOT = """fonts => {
  const absolute = (css, base) => css.replace(/url\\("(?!data:|#)([^"]+)"\\)/g, (_, path) => `url("${new URL(path, base)}")`);
  const text = sheet => absolute([...sheet.cssRules].map(rule => rule.cssText).join("\\n"), sheet.href ?? document.baseURI);
  const css = fonts + [...document.styleSheets].filter(sheet => !sheet.disabled).map(text).join("\\n");
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


@dataclass
class Raced:
    """What came of a race: seconds, what the peer made of each page, and the bytes of our screens."""

    start: float
    warm_up: float
    peer_seconds: float
    ours_seconds: float
    peer: "list[Shown]"
    size: int


def race(files: list[Path], plans: "list[Plan]", others: "list[Plan]", workers: int) -> Raced:
    """The peer's pages and ours, by turns, so that both meet the machine in the same moods. Browsers have started, and our workers have made `others`."""
    from playwright.sync_api import sync_playwright

    from datagen.chromium import FLAGS, find_chromium
    from datagen.farm import Farm

    peer: list[Shown] = []
    size, peer_seconds, ours_seconds = 0, 0.0, 0.0
    with sync_playwright() as playwright, Farm(workers) as farm:
        browser = playwright.chromium.launch(executable_path=find_chromium(playwright), args=list(FLAGS))  # the same fonts and colours
        show(browser, files[0])
        begin = time.perf_counter()
        list(farm.make(others[: 2 * workers]))
        start = time.perf_counter() - begin
        list(farm.make(others[2 * workers :]))
        warm_up = time.perf_counter() - begin - start
        for turn in range(_TURNS):
            begin = time.perf_counter()
            peer += [show(browser, file) for file in _part(files, turn)]
            between = time.perf_counter()
            outcomes = list(farm.make(_part(plans, turn)))
            peer_seconds += between - begin
            ours_seconds += time.perf_counter() - between
            size += sum(size_of(outcome) for outcome in outcomes)
        browser.close()
    return Raced(start, warm_up, peer_seconds, ours_seconds, peer, size)


def _part(whole: list[Any], turn: int) -> list[Any]:
    return whole[turn * len(whole) // _TURNS : (turn + 1) * len(whole) // _TURNS]


def show(browser: "Browser", file: Path) -> "Shown":
    """One page as a person would write it first: boxes, classes, PNG."""
    page = browser.new_page(viewport={"width": WIDTH, "height": HEIGHT})
    page.goto(file.as_uri())
    boxes, classes = [], []
    for element in page.locator("[data-c]").all():
        boxes.append(element.bounding_box())
        classes.append(element.get_attribute("data-c") or "")
    picture = page.screenshot()
    page.close()
    return boxes, classes, picture


def compare(peer: "list[Shown]", ours: list[list[dict[str, Any]]], pngs: list[bytes]) -> dict[str, float]:
    """How well the two agree. SystemExit if they do not show the same pages."""
    import numpy as np
    from PIL import Image

    differing, same, inside = [], [], []
    for (peer_boxes, classes, peer_png), labels, png in zip(peer, ours, pngs, strict=True):
        mine, theirs = (np.asarray(Image.open(io.BytesIO(data)).convert("RGB"), dtype=np.int16) for data in (png, peer_png))
        if mine.shape != theirs.shape:
            raise SystemExit(f"error: pictures differ in size, {mine.shape} and {theirs.shape}")
        differing.append(float((np.abs(mine - theirs).max(axis=2) > 24).mean()))
        for label in labels:
            if label["visible_fraction"] < 1 or label["elsewhere"]:
                continue  # our box is of what can be seen, the peer's of the whole
            kind, (x1, y1, x2, y2) = label["class_name"], label["box"]
            # How far each of the peer's boxes of this class lies outside ours, side by side.
            outside = [
                (x1 - b["x"], y1 - b["y"], b["x"] + b["width"] - x2, b["y"] + b["height"] - y2)
                for k, b in zip(classes, peer_boxes, strict=True)
                if b and k == kind
            ]
            if kind in _PAINTED:
                inside.append(any(min(sides) >= -_OVERHANG for sides in outside))
            else:
                same.append(any(_alike(*sides) for sides in outside))
    result = {
        "whole": len(same), "same": sum(same) / max(1, len(same)), "painted": len(inside), "inside": sum(inside) / max(1, len(inside)),
        "pixels": sum(differing) / len(differing),
    }  # fmt: skip
    if min(result["same"], result["inside"]) < _BOXES or result["pixels"] > _TOLERATED_PIXELS:
        raise SystemExit(f"error: the two do not show the same pages: {result}")
    return result


def _alike(left: float, top: float, right: float, bottom: float) -> bool:
    """Whether two boxes are as wide and as tall, and lie in the same place, by how far one's sides lie outside the other's."""
    return max(abs(left + right), abs(top + bottom)) <= _TOLERANCE and max(map(abs, (left, top, right, bottom))) <= _SHIFT


def size_of(outcome: "Made | Failed") -> int:
    """Bytes of a screen in a shard. SystemExit if it could not be made."""
    from datagen.farm import Failed

    if isinstance(outcome, Failed):
        raise SystemExit(f"error: {outcome.plan} could not be made: {outcome.error}")
    return len(outcome.png) + len(outcome.labels)


def _options() -> argparse.Namespace:
    from datagen.render import default_workers

    parser = argparse.ArgumentParser(prog="python -m benchmarks.render", description="Screens per second beside what a person would write first.")
    parser.add_argument("--screens", type=int, default=96, metavar="N", help="pages that ours makes (default: %(default)s)")
    parser.add_argument("--peer-screens", type=int, default=12, metavar="N", help="of these, pages that the peer makes (default: %(default)s)")
    parser.add_argument("--warm-up", type=int, default=96, metavar="N", help="other pages that ours makes before (default: %(default)s)")
    parser.add_argument(
        "--workers", type=int, default=default_workers(), metavar="W", help="our workers (default: as many as a run has, %(default)s)"
    )
    return parser.parse_args()


if __name__ == "__main__":
    run_command(main)
