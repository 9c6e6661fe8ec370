"""How far our screens are from a real set, property by property.

    python -m datagen.compare real/mobile_screens --platform mobile --out comparison
    python -m datagen.compare annotations.json --mapping vins

Each marginal (datagen/marginals.py) gets the Jensen-Shannon divergence of the two histograms, in bits: 0 is alike, 1 is disjoint. Beside it stands
the noise floor: the mean divergence between two halves of the real set, halved by lot twenty times. Nearer than that no set of such a size can be told.
Both sides are counted in the classes that the real set was labelled in; what has no counterpart there is left out on our side, too.
"""

import argparse
import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from contracts import taxonomy
from contracts.dataset import GET_DATA, SHARDS, read_shard
from contracts.errors import InputError, run_command
from contracts.files import replacing, write_json
from contracts.taxonomy import NAMES
from datagen.importers import MAPPINGS
from datagen.marginals import Marginal, Sample, count, element_marginals, picture_marginals

if TYPE_CHECKING:
    import numpy as np
    from matplotlib.axes import Axes

COMMAND = "python -m datagen.compare"
_HALVINGS = 20
_PICTURES = 300


@dataclass(frozen=True, kw_only=True)
class Classes:
    """The classes a comparison is made in: `names`, and how one of ours is called there (None: has no counterpart)."""

    names: tuple[str, ...]
    renamed: Callable[[str], str | None]


@dataclass(frozen=True, kw_only=True)
class ScreenSet:
    """Screens to compare: where they come from, a description for the record, the classes they were labelled in."""

    description: dict[str, Any]
    samples: Callable[[], Iterator[Sample]]
    classes: Classes
    count: int | None = None


@dataclass(frozen=True, kw_only=True)
class Difference:
    """One marginal of both sets. `real` and `ours` are shares per bin; `jsd` and `noise_floor` are in bits, 0 to 1."""

    marginal: Marginal
    jsd: float
    noise_floor: float
    real: tuple[float, ...]
    ours: tuple[float, ...]


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """All marginals that both sets know. `unknown` names those that one of them says nothing about."""

    real: dict[str, Any]
    ours: dict[str, Any]
    differences: tuple[Difference, ...]
    unknown: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {
            "real": self.real, "ours": self.ours, "unknown": list(self.unknown), "mean_jsd": self.mean(),
            "marginals": {
                own.marginal.name: {
                    "title": own.marginal.title, "per": own.marginal.per, "jsd": round(own.jsd, 4), "noise_floor": round(own.noise_floor, 4),
                    "bins": list(own.marginal.categories or own.marginal.edges), "real": [round(v, 5) for v in own.real],
                    "ours": [round(v, 5) for v in own.ours],
                }
                for own in self.differences
            },
        }  # fmt: skip

    def mean(self) -> float:
        """Mean divergence over the marginals that are known."""
        return round(sum(own.jsd for own in self.differences) / len(self.differences), 4)

    def table(self) -> str:
        """The divergences as text, furthest first."""
        lines = [f"{'marginal':22} {'JSD':>6} {'noise':>6}   (bits; 0 alike, 1 disjoint; noise: two halves of the real set)"]
        lines += [f"{own.marginal.name:22} {own.jsd:6.3f} {own.noise_floor:6.3f}" for own in sorted(self.differences, key=lambda d: -d.jsd)]
        lines += [f"{name:22}      –      –   one of the sets does not know it" for name in self.unknown]
        return "\n".join([*lines, f"{'mean':22} {self.mean():6.3f}"])


def main() -> None:
    options = _options()
    from contracts.stage import progress

    real, ours = open_screens(options.real, options.mapping), open_screens(options.ours)
    if options.platform:
        everything = ours.samples
        ours = ScreenSet(
            description=ours.description | {"platform": options.platform}, classes=ours.classes,
            samples=lambda: (sample for sample in everything() if sample.screen.platform == options.platform),
        )  # fmt: skip
    result = compare(
        progress(real.samples(), "real", total=real.count), progress(ours.samples(), "ours", total=ours.count), real.classes, options.pictures,
        real.description, ours.description,
    )  # fmt: skip
    print(result.table())
    if options.out:
        if options.note:
            result = replace(result, ours=result.ours | {"note": options.note})
        write_json(options.out / "compare.json", result.to_json())
        draw(result, options.out / "compare.png")
        print(f"written: {options.out / 'compare.json'}, {options.out / 'compare.png'}")


def compare(
    real: Iterable[Sample], ours: Iterable[Sample], classes: Classes, pictures: int = _PICTURES, about_real: dict[str, Any] | None = None,
    about_ours: dict[str, Any] | None = None,
) -> Comparison:  # fmt: skip
    """Compare two sets in the classes of the first. `pictures` of each are looked at for colours. InputError if one of them is empty."""
    makers: Counter[str] = Counter()
    counted = [
        count(real, classes.renamed, classes.names, pictures),
        count(_noting(ours, makers), classes.renamed, classes.names, pictures),
    ]
    for name, own in zip(("the real set", "ours"), counted, strict=True):
        if not own.screens:
            raise InputError(f"{name} holds no screens to compare.", fix="Give another set, or another --platform.")
    differences, unknown = [], []
    for marginal in (*element_marginals(classes.names), *picture_marginals()):
        theirs, mine = (own.counts[marginal.name] for own in counted)
        if not theirs.sum() or not mine.sum():
            unknown.append(marginal.name)
            continue
        jsd, floor = divergence(theirs.sum(axis=0), mine.sum(axis=0)), noise_floor(theirs)
        differences.append(Difference(marginal=marginal, jsd=jsd, noise_floor=floor, real=_shares(theirs), ours=_shares(mine)))
    sizes = [{"screens": own.screens, "elements": own.elements} for own in counted]
    return Comparison(
        real={**(about_real or {}), **sizes[0], "classes": list(classes.names)},
        ours={**(about_ours or {}), **sizes[1], "made_by": dict(sorted(makers.items()))},
        differences=tuple(differences), unknown=tuple(unknown),
    )  # fmt: skip


def divergence(a: "np.ndarray[Any, Any]", b: "np.ndarray[Any, Any]") -> float:
    """Jensen-Shannon divergence of two histograms (of any totals above 0), base 2: 0 for the same shares, 1 for disjoint ones."""
    from scipy.spatial.distance import jensenshannon

    # scipy gives the distance, which is the divergence's root; rounding can leave a tiny negative under it, hence nan for equal shares.
    distance = float(jensenshannon(a, b, base=2))
    return 0.0 if distance != distance else distance**2


def noise_floor(counts: "np.ndarray[Any, Any]", halvings: int = _HALVINGS) -> float:
    """Mean divergence between two halves of a set (rows: screens), halved by lot. Whole screens are drawn: elements of one are no independent draws."""
    import numpy as np

    rng = np.random.default_rng(0)
    found = []
    for _ in range(halvings):
        order = rng.permutation(len(counts))
        halves = counts[order[: len(order) // 2]].sum(axis=0), counts[order[len(order) // 2 :]].sum(axis=0)
        if all(half.sum() for half in halves):
            found.append(divergence(*halves))
    return float(np.mean(found)) if found else 0.0


def open_screens(source: Path, mapping: str | None = None) -> ScreenSet:
    """The screens in a folder of shards (an import, or ours) or a COCO file. InputError if there are none."""
    if source.is_file():
        return _open_coco(source, mapping)
    folder = source / "shards" if (source / "shards").is_dir() else source
    paths = sorted(folder.glob("*.tar"))
    if not paths:
        raise InputError(
            "holds no shards.", file=source, fix=GET_DATA if folder == SHARDS else "Import the set first: `python -m datagen.importers`."
        )
    description: dict[str, Any] = {"source": source.name, "shards": len(paths)}
    layout, coarse, own_classes, total = "", None, NAMES, None
    if (imported := folder.parent / "import.json").is_file():
        content = json.loads(imported.read_text(encoding="utf-8"))
        settings, total = content["settings"], len(content["screens"])
        layout, coarse, own_classes = settings["layout"], settings["coarse"], tuple(settings["classes"])
        description |= {"set": settings["set"], "layout": layout, "importer": settings["importer"], "splits": content["splits"]}
    return ScreenSet(
        description=description, classes=classes_of(layout, coarse, own_classes), count=total,
        samples=lambda: (Sample(screen, png) for path in paths for screen, png in read_shard(path)),
    )  # fmt: skip


def classes_of(layout: str, coarse: taxonomy.ForeignSet | None, labelled: tuple[str, ...]) -> Classes:
    """The classes of a set that can label `labelled` of ours: the foreign list's names, those that a DOM can show, or ours as they are."""
    if coarse is not None:
        return _named(lambda name: taxonomy.coarsen(name, coarse), labelled)
    if layout == "web_pages":
        from datagen.importers import dom_classes

        return _named(dom_classes.coarsen, labelled)
    return _named(lambda name: name if name in labelled else None, labelled)


def _named(renamed: Callable[[str], str | None], labelled: tuple[str, ...]) -> Classes:
    found = dict.fromkeys(name for own in NAMES if own in labelled and (name := renamed(own)) is not None)
    return Classes(names=tuple(found), renamed=renamed)


def _open_coco(file: Path, mapping: str | None) -> ScreenSet:
    from datagen.importers import coco, mobile_screens
    from datagen.importers.foreign import ForeignSet

    content = coco.read(file)
    names = {category["name"] for category in content["categories"]}
    known: dict[str, set[str]] = {"names": set(NAMES)} | {own: set(taxonomy.foreign_names(own)) for own in ("mobile_screens", "vins", "clay")}
    chosen = mapping or next((own for own in MAPPINGS if names <= known[own]), "names")
    foreign: ForeignSet
    if file.name == mobile_screens.LABELS and (file.parent / mobile_screens.PICTURES).is_file():
        foreign = mobile_screens.open_set(file)
    else:
        foreign = coco.open_set(file, chosen)
    return ScreenSet(
        description={"source": file.name, "set": foreign.name, "layout": foreign.layout}, samples=lambda: _imported(foreign), count=foreign.count,
        classes=classes_of(foreign.layout, foreign.coarse, foreign.classes),
    )  # fmt: skip


def _imported(foreign: Any) -> Iterator[Sample]:
    """Screens straight from a COCO file, their pictures as they are stored; labels alone where a picture is missing."""
    from datagen.importers.foreign import UnreadableError, screen_of, screen_of_labels

    for index, found in enumerate(foreign.screens()):
        key, tally = f"{foreign.name}-{index:06d}", Counter[str]()
        try:
            yield Sample(screen_of(found, key, foreign.name, foreign.layout, tally)[0], found.picture())
        except UnreadableError:
            yield Sample(screen_of_labels(found, key, foreign.name, foreign.layout, tally), None)


def _noting(samples: Iterable[Sample], makers: Counter[str]) -> Iterator[Sample]:
    for sample in samples:
        makers[f"{sample.screen.platform} {sample.screen.kit}, {sample.screen.generator.split(' ')[0]}"] += 1
        yield sample


def _shares(counts: "np.ndarray[Any, Any]") -> tuple[float, ...]:
    total = counts.sum(axis=0)
    return tuple(float(value) for value in total / total.sum())


def draw(result: Comparison, path: Path) -> None:
    """One picture (PNG): both histograms of every marginal."""
    from matplotlib.figure import Figure

    across = 4
    panels = len(result.differences) + sum(own.marginal.name == "position" for own in result.differences)
    figure = Figure(figsize=(5 * across, 3.4 * -(-panels // across)), layout="constrained")
    axes = iter(figure.subplots(-(-panels // across), across, squeeze=False).ravel())
    for own in result.differences:
        title = f"{own.marginal.title}\nJSD {own.jsd:.3f}, noise {own.noise_floor:.3f}"
        if own.marginal.name == "position":
            for side, shares in (("real", own.real), ("ours", own.ours)):
                _heatmap(next(axes), shares, f"{side}: {title}")
        else:
            _bars(next(axes), own, title)
    for unused in axes:
        unused.axis("off")
    real = f"{result.real.get('set', 'real')}: {result.real['screens']} screens, {result.real['elements']} elements"
    figure.suptitle(f"{real} (grey); ours: {result.ours['screens']} screens, {result.ours['elements']} elements (line)")
    with replacing(path) as temporary:
        figure.savefig(temporary, format="png", dpi=80)


def _bars(axes: "Axes", own: Difference, title: str) -> None:
    places = range(len(own.real))
    axes.bar(places, own.real, width=1.0 if own.marginal.edges else 0.8, color="0.75", align="edge" if own.marginal.edges else "center", label="real")
    if own.marginal.edges:
        axes.stairs(own.ours, list(range(len(own.ours) + 1)), color="tab:red", linewidth=1.5, label="ours")
        shown = range(0, len(own.marginal.edges), max(1, -(-len(own.marginal.edges) // 6)))
        axes.set_xticks(list(shown), [f"{own.marginal.edges[i]:.2g}" for i in shown], fontsize=8)
    else:
        axes.plot(places, own.ours, "_", color="tab:red", markersize=8, markeredgewidth=2, label="ours")
        axes.set_xticks(list(places), own.marginal.categories, rotation=90, fontsize=6)
    axes.set_title(title, fontsize=9)
    axes.set_ylabel(f"share of {own.marginal.per}s", fontsize=8)


def _heatmap(axes: "Axes", shares: tuple[float, ...], title: str) -> None:
    side = round(len(shares) ** 0.5)
    axes.imshow([shares[row * side : (row + 1) * side] for row in range(side)], cmap="viridis", vmin=0)
    axes.set_title(title, fontsize=9)
    axes.set_xticks([])
    axes.set_yticks([])


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog=COMMAND, description="Compare our screens with a real set, marginal by marginal.")
    parser.add_argument("real", type=Path, metavar="REAL", help="an imported set (folder of shards), or a COCO file")
    parser.add_argument("--ours", type=Path, default=SHARDS, metavar="PATH", help=f"folder of shards or COCO file of ours (default: {SHARDS})")
    parser.add_argument("--platform", choices=("web", "mobile", "desktop"), help="only our screens of this platform")
    parser.add_argument("--mapping", choices=MAPPINGS, help="whose class names a COCO file bears (default: the first list that has them all)")
    parser.add_argument(
        "--pictures", type=int, default=_PICTURES, metavar="N", help=f"screens of each set whose pixels are looked at (default: {_PICTURES})"
    )
    parser.add_argument("--out", type=Path, metavar="FOLDER", help="write compare.json and compare.png there")
    parser.add_argument("--note", metavar="TEXT", help="what compare.json should say about our screens (which preset, which version)")
    return parser.parse_args()


if __name__ == "__main__":
    run_command(main)
