"""The pixel audit: takes the painting of one labelled element at a time out of the live page and compares what changed with the label.

    python -m datagen.audit --screens 40
    python -m datagen.audit --screens 10 --kit bulma --out audit
    python -m datagen.audit --every-kit --screens 10 --out audit-kits.json

With `--every-kit` each kit is judged by itself, on the same screens as with `--kit`: none may hide behind the others.

How an element is judged. Its own painting (itself and whatever in it bears no label of its own) is hidden, layout kept, and the picture taken
again; the box of all changed pixels is compared with the label. Shadows, outlines and focus rings are outside of boxes by definition and are
removed beforehand. A pixel has changed if a channel differs by at least 8 of 255; one farther
than 16 CSS pixels from the label, by at least 64 (the engine paints whole regions anew, and the antialiasing of an icon that merely stands in one can
come out differently: 37 was seen). Sides that agree within one device pixel count as equal:
antialiasing spills that far.

* `inside`: a pixel changed inside the label. Asked of every element; for one that paints nothing itself, of all that stands in it,
  and for a cell without content, of the lines that it shares with its neighbours.
* IoU of the changed box with the label, in four kinds that are counted apart and never left out:
  `painted`      text, and boxes filled by a background, an all-round border or a picture (told from the styles, not from the label);
  `same colour`  boxes whose own background is the colour of what lies beneath, so that hiding them cannot show their edge: painted over in two
                 colours instead, and the box of what differs is compared;
  `unpainted`    lists, rows, bare tabs: nothing paints their edge. Painted over as well;
  `covered`      partly under something opaque: what changes may be smaller than the label (or larger where it peeks out behind
                 the cover), but not larger than the element's full box. No IoU.
* An element fails if nothing changed inside its label, if its painting reaches out of it by more than 2 CSS pixels, or if a side is off by more
  than 2 CSS pixels while the IoU is below 0.95.

Elements far enough apart share a picture; one that does not pass is judged again alone, with changes anywhere on the screen counted.
"""

import argparse
import io
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from contracts.annotation import Element, Screen
from contracts.errors import InputError, run_command

if TYPE_CHECKING:
    import numpy as np

    from datagen.browser import Browser
    from datagen.screens import Plan, Studio

    Pixels = np.ndarray

BoxPx = tuple[float, float, float, float]

INSIDE_BAR = 0.995
IOU_BAR = 0.95
# A channel that differs by this much of 255 has changed.
CHANGED = 8
CHANGED_FAR = 64
# Device pixels that antialiasing may spill over an edge.
FRINGE_PX = 1
# CSS pixels that a side may be off.
OFF_CSS = 2.0
# CSS pixels around a label that belong to it while several elements share a picture.
_AROUND_CSS = 16
_CROPS = 200
# Their look is all their own: never excused as the colour of what lies beneath.
_ALWAYS_PAINTED = {"checkbox", "radio", "switch", "slider", "icon", "image", "chart", "video_player"}
_CELLS = {"cell", "table_header", "row"}
KINDS = ("painted", "same colour", "unpainted", "covered")


@dataclass(frozen=True, kw_only=True)
class AuditedElement:
    """What the audit says of one label. Boxes are xyxy in image pixels; `off` and `leak` (how far its painting reaches out) in CSS pixels."""

    key: str
    kit: str
    family: str
    theme: str
    id: int
    class_name: str
    label: BoxPx
    kind: str
    inside: bool
    changed: BoxPx | None
    iou: float | None
    off: float
    leak: float

    @property
    def problem(self) -> str | None:
        """Why the element fails; None if it passes."""
        if not self.inside:
            return "nothing changed inside its label"
        if self.leak > OFF_CSS:
            return f"painting reaches {self.leak:.1f} CSS pixels out of its label"
        if self.iou is not None and self.off > OFF_CSS and self.iou < IOU_BAR:
            return f"a side is off by {self.off:.1f} CSS pixels"
        return None


def main() -> None:
    options = _options()
    from contracts.knobs import load_knobs
    from contracts.stage import progress
    from datagen.config import RenderKnobs
    from datagen.kits import kit, kits
    from datagen.screens import Studio, check_choices, plan_screen

    knobs = load_knobs(RenderKnobs)
    seed = knobs.seed + 1 if options.seed is None else options.seed
    knobs = knobs.model_copy(update={"seed": seed, "kits": "all" if options.every_kit else tuple(options.kit) or knobs.kits})
    check_choices(knobs)
    mixes = [knobs.model_copy(update={"kits": (name,)}) for name in kits()] if options.every_kit else [knobs]
    folder = None if options.out is None or options.out.suffix == ".json" else options.out
    found: list[AuditedElement] = []
    skipped: dict[str, int] = {}
    steps = iter(progress(range(len(mixes) * options.screens), "audit"))
    for mix in mixes:
        with Studio() as studio:  # a browser of its own for each: what one kit leaves behind is not the next one's
            for index in range(options.screens):
                next(steps)
                plan = plan_screen(mix, 0, index)
                auditor = AUDITORS.get(kit(plan.kit).engine)
                if auditor is None:
                    skipped[plan.kit] = skipped.get(plan.kit, 0) + 1
                    continue
                audited, picture = auditor(studio, plan)
                found += audited
                if folder:
                    _save_crops(folder, audited, picture, sum(element.problem is not None for element in found))
            engine = studio.browser.version if options.out else ""
    next(steps, None)  # the bar's end
    if not found:
        raise InputError("nothing was audited.", field="--kit", found=", ".join(skipped), fix="Choose a kit that is drawn by Chromium.")
    summary = summarize(found)
    print(kit_table(summary) if options.every_kit else table(summary))
    for name, count in skipped.items():
        print(f"not audited: {count} screens of {name} (its geometry comes from the toolkit that draws it).")
    if options.out:
        _write(options, seed, engine, summary, skipped, found)
    hold_to_bar(summary["kit"] if options.every_kit else summary["all"], options.inside, options.iou)


def hold_to_bar(figures: dict[str, dict[str, Any]], inside: float, iou: float) -> None:
    """InputError if any of them (a part of `summarize`: figures by name) is under the bar."""
    low = {name: of for name, of in figures.items() if of["inside"] < inside or (of["painted"]["iou"] or 0.0) < iou}
    if low:
        raise InputError(
            f"the audit is under the bar ({inside:.2%} changed inside their label, mean IoU of painted elements {iou}).",
            found="; ".join(f"{name} {of['inside']:.2%}, {of['painted']['iou'] or 0.0:.4f}" for name, of in low.items()),
            fix="Look at the crops that --out FOLDER writes, and mend the annotator or the kit's marks.",
        )


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m datagen.audit", description="Check labels against the pixels that change when their element is hidden."
    )
    parser.add_argument("--screens", type=int, default=20, metavar="N", help="screens to render and audit; with --every-kit, of each (default: 20)")
    which = parser.add_mutually_exclusive_group()
    which.add_argument(
        "--kit", action="append", default=[], metavar="K", help="only this kit; may be given several times (default: those of params.yaml)"
    )
    which.add_argument("--every-kit", action="store_true", help="all kits one by one, each held to the bar by itself")
    parser.add_argument("--seed", type=int, metavar="S", help="seed of the screens (default: the next after params.yaml's, so none of the dataset's)")
    parser.add_argument(
        "--out", type=Path, metavar="PATH", help="a folder for audit.json and crops of what failed, or a .json file for the figures and what failed"
    )
    parser.add_argument(
        "--inside", type=float, default=INSIDE_BAR, metavar="SHARE", help=f"bar: share of elements that change inside (default: {INSIDE_BAR})"
    )
    parser.add_argument("--iou", type=float, default=IOU_BAR, metavar="IOU", help=f"bar: mean IoU of painted elements (default: {IOU_BAR})")
    options = parser.parse_args()
    if options.screens < 1:
        raise InputError("must be at least 1.", field="--screens", found=options.screens, fix="Give a larger number.")
    return options


def _audit_in_chromium(studio: "Studio", plan: "Plan") -> "tuple[list[AuditedElement], Pixels]":
    screen, png = studio.make(plan)
    return audit_screen(studio.browser, screen), _pixels(png)


def _audit_in_qt(studio: "Studio", plan: "Plan") -> "tuple[list[AuditedElement], Pixels]":
    from datagen.qt_audit import audit_in_qt

    return audit_in_qt(studio, plan)


# Engine of a kit -> what audits a plan drawn by it. A toolkit that is no browser needs an auditor of its own.
AUDITORS: "dict[str, Callable[[Studio, Plan], tuple[list[AuditedElement], Pixels]]]" = {"chromium": _audit_in_chromium, "qt": _audit_in_qt}


# ---- one screen ------------------------------------------------------------------------------------------------------------------------------


def audit_screen(browser: "Browser", screen: Screen) -> list[AuditedElement]:
    """Audit every element of the screen that `browser` shows now and has annotated last. The page is left as it was."""
    browser.evaluate((Path(__file__).with_name("audit.js")).read_text(encoding="utf-8"))
    browser.evaluate("() => audit.prepare()")
    live = _LivePage(browser, screen)
    ids = [element.id for element in screen.elements]
    paints: list[str] = browser.evaluate("ids => ids.map(id => audit.paintOf(id))", ids)
    covered: list[bool] = browser.evaluate("ids => ids.map(id => screenry.labelled(id).covered)", ids)
    kinds = {}
    for element, paint, hides in zip(screen.elements, paints, covered, strict=True):
        painted = paint != "open" or element.class_name in _ALWAYS_PAINTED
        kinds[element.id] = "covered" if hides else "painted" if painted else "unpainted"
    found = _judge(live, screen.elements, kinds, alone=False)
    failed = [element for element in screen.elements if found[element.id].problem]
    found |= _judge(live, failed, kinds, alone=True)
    browser.evaluate("() => audit.finish()")
    return [found[id] for id in ids]


def _judge(live: "_LivePage", elements: Sequence[Element], kinds: dict[int, str], alone: bool) -> dict[int, AuditedElement]:
    """Verdicts by element id."""
    hidden = live.changes(elements, ["hide"], alone)
    verdicts = {}
    open_ends = []
    for element in elements:
        verdict = live.verdict(element, kinds[element.id], hidden[element.id])
        excused = (
            kinds[element.id] == "painted" and element.class_name not in _ALWAYS_PAINTED and element.class_name not in ("text", "link", "heading")
        )
        if kinds[element.id] == "unpainted" or (excused and (verdict.iou or 0.0) < IOU_BAR and verdict.leak <= OFF_CSS) or not verdict.inside:
            open_ends.append(element)
        verdicts[element.id] = verdict
    # Whatever shows no edge, or no painting, of its own: is there anything in it, and where does its box end?
    wholes = live.changes([element for element in open_ends if not verdicts[element.id].inside], ["hideWhole"], alone)
    edges = live.changes(
        [element for element in open_ends if element.class_name in _CELLS and not wholes.get(element.id, _NOTHING).inside], ["hideEdges"], alone
    )
    boxes = live.changes(
        [element for element in open_ends if kinds[element.id] in ("painted", "unpainted")], ["recolour:#ff00ff", "recolour:#00ff00"], alone
    )
    for element in open_ends:
        own, kind = hidden[element.id], kinds[element.id]
        first = verdicts[element.id]
        within = wholes.get(element.id, _NOTHING).inside or edges.get(element.id, _NOTHING).inside
        inside = first.inside or (element.class_name not in _ALWAYS_PAINTED and within)
        if kind == "covered" or element.class_name in _ALWAYS_PAINTED or element.class_name in ("text", "link", "heading"):
            verdicts[element.id] = live.verdict(element, kind, own, inside=inside and kind == "covered")
            continue
        kind = "same colour" if kind == "painted" else kind
        verdicts[element.id] = live.verdict(element, kind, boxes[element.id], inside=inside, leak=first.leak)
    return verdicts


@dataclass(frozen=True)
class _Change:
    """What changed around one element: the box of all changed pixels (None: no pixel), and whether one lies inside its label."""

    box: tuple[int, int, int, int] | None
    inside: bool


_NOTHING = _Change(None, False)


class _LivePage:
    """The page in the browser as something to experiment on."""

    def __init__(self, browser: "Browser", screen: Screen) -> None:
        self._browser, self._screen = browser, screen
        self._size = (screen.width, screen.height)

    def changes(self, elements: Sequence[Element], steps: Sequence[str], alone: bool) -> dict[int, _Change]:
        """Carry out one step (compared with the untouched page) or two (compared with one another) on every element."""
        found: dict[int, _Change] = {}
        groups = [[element] for element in elements] if alone else self._groups(elements)
        for group in groups:
            # The untouched page is taken anew each time: painting it again after a change can move antialiasing.
            before = None if len(steps) > 1 else _pixels(self._browser.png())
            pictures = [self._picture(step, group) for step in steps]
            distance = _distance(pictures[0], pictures[1] if before is None else before)
            changed, far = distance >= CHANGED, distance >= CHANGED_FAR
            for element in group:
                x1, y1, x2, y2 = region = self._region(element)
                if alone:
                    near = changed[y1:y2, x1:x2].copy()
                    changed = far
                    changed[y1:y2, x1:x2] = near
                    region = (0, 0, changed.shape[1], changed.shape[0])
                found[element.id] = self._change(element, changed, region)
                far[y1:y2, x1:x2] = False
            if not alone and far.any() and len(group) > 1:  # somebody's painting lies far from its label: whose?
                found |= self.changes(group, steps, alone=True)
        return found

    def _picture(self, step: str, group: Sequence[Element]) -> "Pixels":
        action, _, argument = step.partition(":")
        ids = [element.id for element in group]
        self._browser.evaluate("([action, argument, ids]) => { for (const id of ids) audit[action](id, argument); }", [action, argument, ids])
        picture = _pixels(self._browser.png())
        self._browser.evaluate("() => audit.restore()")
        return picture

    def _region(self, element: Element) -> tuple[int, int, int, int]:
        around = _AROUND_CSS * self._screen.device_scale
        x1, y1, x2, y2 = element.box.xyxy
        width, height = self._size
        return max(0, int(x1 - around)), max(0, int(y1 - around)), min(width, int(x2 + around) + 1), min(height, int(y2 + around) + 1)

    def _groups(self, elements: Sequence[Element]) -> Iterator[list[Element]]:
        """Elements whose regions do not meet."""
        waiting = list(elements)
        while waiting:
            group: list[Element] = []
            regions: list[tuple[int, int, int, int]] = []
            later = []
            for element in waiting:
                x1, y1, x2, y2 = region = self._region(element)
                if all(x2 <= a1 or a2 <= x1 or y2 <= b1 or b2 <= y1 for a1, b1, a2, b2 in regions):
                    group.append(element)
                    regions.append(region)
                else:
                    later.append(element)
            yield group
            waiting = later

    def _change(self, element: Element, changed: "Pixels", region: tuple[int, int, int, int]) -> _Change:
        import numpy as np

        x1, y1, x2, y2 = region
        part = changed[y1:y2, x1:x2]
        if not part.any():
            return _Change(None, False)
        rows, columns = np.flatnonzero(part.any(axis=1)), np.flatnonzero(part.any(axis=0))
        box = (int(columns[0]) + x1, int(rows[0]) + y1, int(columns[-1]) + x1 + 1, int(rows[-1]) + y1 + 1)
        left, top, right, bottom = element.box.xyxy
        inside = bool(changed[int(top) : int(bottom + 0.999), int(left) : int(right + 0.999)].any())
        return _Change(box, inside)

    def _full_box(self, element: Element) -> BoxPx:
        """What its box would be if nothing covered or clipped it."""
        x1, y1, x2, y2 = self._browser.evaluate("id => screenry.labelled(id).full", element.id)
        scale = self._screen.device_scale
        return x1 * scale, y1 * scale, x2 * scale, y2 * scale

    def verdict(self, element: Element, kind: str, change: _Change, inside: bool | None = None, leak: float | None = None) -> AuditedElement:
        screen, scale = self._screen, self._screen.device_scale
        label = element.box.xyxy
        whole = float(max(label[2] - label[0], label[3] - label[1]))
        iou, off, out = compare_boxes(label, change.box) if change.box else (0.0, whole, 0.0)
        if kind == "covered" and change.box:
            out = compare_boxes(self._full_box(element), change.box)[2]
        return AuditedElement(
            key=screen.key, kit=screen.kit, family=screen.family, theme=screen.theme, id=element.id, class_name=element.class_name, label=label, kind=kind,
            inside=change.inside if inside is None else inside, changed=change.box, iou=None if kind == "covered" else iou, off=off / scale,
            leak=out / scale if leak is None else max(leak, out / scale),
        )  # fmt: skip


def compare_boxes(label: BoxPx, changed: BoxPx) -> tuple[float, float, float]:
    """IoU, largest distance between two sides, and how far `changed` reaches out of `label`; sides within FRINGE_PX of each other count as equal."""
    fitted = tuple(a if abs(a - b) <= FRINGE_PX else b for a, b in zip(changed, label, strict=True))
    distances = [abs(a - b) for a, b in zip(changed, fitted, strict=True)]
    outward = (fitted[0] - changed[0], fitted[1] - changed[1], changed[2] - fitted[2], changed[3] - fitted[3])
    width, height = min(changed[2], fitted[2]) - max(changed[0], fitted[0]), min(changed[3], fitted[3]) - max(changed[1], fitted[1])
    common = max(0.0, width) * max(0.0, height)
    areas = [(box[2] - box[0]) * (box[3] - box[1]) for box in (changed, fitted)]
    return common / (sum(areas) - common), max(distances), max(0.0, *outward)


def _distance(a: "Pixels", b: "Pixels") -> "Pixels":
    """Per pixel, the largest difference of a channel: (height, width), 0 to 255."""
    import numpy as np

    return (np.maximum(a, b) - np.minimum(a, b)).max(axis=2)


def _pixels(png: bytes) -> "Pixels":
    import numpy as np
    from PIL import Image

    return np.asarray(Image.open(io.BytesIO(png)).convert("RGB"))


# ---- the report ------------------------------------------------------------------------------------------------------------------------------


def summarize(found: Iterable[AuditedElement]) -> dict[str, dict[str, dict[str, Any]]]:
    """`{"all": {"all": figures}, "class": {name: figures}, "kit": {name: figures}}`."""
    elements = list(found)
    classes, kits = sorted({element.class_name for element in elements}), sorted({element.kit for element in elements})
    return {
        "all": {"all": _figures(elements)},
        "class": {name: _figures([element for element in elements if element.class_name == name]) for name in classes},
        "kit": {name: _figures([element for element in elements if element.kit == name]) for name in kits},
    }


def _figures(elements: Sequence[AuditedElement]) -> dict[str, Any]:
    figures: dict[str, Any] = {
        "screens": len({(element.kit, element.key) for element in elements}),
        "audited": len(elements),
        "inside": sum(element.inside for element in elements) / len(elements),
        "failed": sum(element.problem is not None for element in elements),
    }
    for kind in KINDS:
        ious = [element.iou for element in elements if element.kind == kind and element.iou is not None]
        figures[kind] = {"count": sum(element.kind == kind for element in elements), "iou": sum(ious) / len(ious) if ious else None}
    return figures


def table(summary: dict[str, dict[str, dict[str, Any]]]) -> str:
    """The summary as text, a line per class and kit."""
    lines = [f"{'':22}{'audited':>8}{'inside':>9}{'failed':>8}" + "".join(f"{kind:>12} {'IoU':<6}" for kind in KINDS[:3]) + f"{'covered':>9}"]
    for group in ("class", "kit", "all"):
        lines.append(f"-- per {group}" if group != "all" else "--")
        for name, figures in summary[group].items():
            kinds = "".join(
                f"{figures[kind]['count']:>12} {'' if figures[kind]['iou'] is None else format(figures[kind]['iou'], '.3f'):<6}" for kind in KINDS[:3]
            )
            lines.append(f"{name:22}{figures['audited']:>8}{figures['inside']:>9.2%}{figures['failed']:>8}{kinds}{figures['covered']['count']:>9}")
    return "\n".join(lines)


def kit_table(summary: dict[str, dict[str, dict[str, Any]]]) -> str:
    """The summary as text: what each kit is held to."""
    lines = [f"{'kit':18}{'screens':>8}{'audited':>9}{'inside':>9}{'IoU painted':>13}{'failed':>8}"]
    for name, figures in [*summary["kit"].items(), ("all", summary["all"]["all"])]:
        iou = figures["painted"]["iou"]
        lines.append(
            f"{name:18}{figures['screens']:>8}{figures['audited']:>9}{figures['inside']:>9.2%}{'' if iou is None else format(iou, '.4f'):>13}{figures['failed']:>8}"
        )
    return "\n".join(lines)


def _write(
    options: argparse.Namespace, seed: int, engine: str, summary: dict[str, Any], skipped: dict[str, int], found: Sequence[AuditedElement]
) -> None:
    """The report: into a file the figures and what failed, into a folder (beside the crops) every element."""
    from contracts.files import write_json
    from contracts.stage import code_revision
    from datagen.kits import absent
    from datagen.screens import generator

    judged = [{**asdict(element), "problem": element.problem} for element in found]
    report: dict[str, Any] = {
        "command": " ".join(["python -m datagen.audit", *sys.argv[1:]]), "generator": generator(engine), "code_revision": code_revision(), "seed": seed,
        "bar": {"inside": options.inside, "iou": options.iou}, "summary": summary, "not_audited": skipped | dict.fromkeys(absent(), 0),
    }  # fmt: skip
    if options.out.suffix == ".json":
        write_json(options.out, report | {"failed": [element for element in judged if element["problem"]]})
    else:
        write_json(options.out / "audit.json", report | {"elements": judged}, indent=None)


def _save_crops(folder: Path, audited: Sequence[AuditedElement], picture: "Pixels", failed: int) -> None:
    """A crop per failure: the label in green, what changed in red."""
    from PIL import Image, ImageDraw

    folder.mkdir(parents=True, exist_ok=True)
    for element in audited:
        if element.problem is None or failed > _CROPS:
            continue
        boxes = [box for box in (element.label, element.changed) if box]
        x1, y1 = max(0, int(min(box[0] for box in boxes)) - 20), max(0, int(min(box[1] for box in boxes)) - 20)
        x2, y2 = int(max(box[2] for box in boxes)) + 20, int(max(box[3] for box in boxes)) + 20
        crop = Image.fromarray(picture[y1:y2, x1:x2])
        crop = crop.resize((crop.width * 2, crop.height * 2), Image.Resampling.NEAREST)
        canvas = ImageDraw.Draw(crop)
        for box, colour in zip(boxes, ("#00a000", "#ff0000"), strict=False):
            canvas.rectangle([(box[0] - x1) * 2, (box[1] - y1) * 2, (box[2] - x1) * 2 - 1, (box[3] - y1) * 2 - 1], outline=colour)
        crop.save(folder / f"{element.class_name}-{element.kit}-{element.key}-{element.id}.png")


if __name__ == "__main__":
    run_command(main)
