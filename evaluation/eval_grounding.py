"""Score the grounder: before training, after it, and personalised, beside what needs no model, on commands that none of them has seen.

Reads artifacts/pack_grounding, artifacts/tune_grounder, artifacts/personalize_grounder, data/coco and data/shards, and public sets where knobs name some.
Writes artifacts/eval_grounding/{metrics.json (what is worth following over commits), answers.jsonl (every answer as it was given), details.parquet (one row per
case and model), scores.csv, per_group.csv, comparisons.csv, distance_curve.csv, overlays.json, figures/*.png}.
"""

import argparse
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from contracts.coco import read_coco, screens_from_coco
from contracts.dataset import SHARDS, Split, coco_path, read_manifest
from contracts.errors import InputError, run_command
from contracts.files import write_json, write_table, write_text
from contracts.knobs import Hardware, load_hardware, load_knobs
from contracts.stage import Stage, artifact, read_run, stage
from evaluation.config import EvalGroundingKnobs
from evaluation.grounding import AMBIGUOUS, USERS

if TYPE_CHECKING:
    from PIL.Image import Image

    from evaluation.asking import Protocol
    from evaluation.grounding import Case, Scores
    from evaluation.grounding_sets import Benchmark
    from training.grounding.answers import Answer
    from training.grounding.coordinates import BoxXyxy

# What is compared: before, after.
_PAIRS = (("random_element", "global"), ("vanilla", "global"), ("global", "global_zoom"), ("global", "personal"))
# What metrics.json has of the sets: the figures of some models; the gain of one over another; public sets have what "test_unseen" has.
_HEADLINES: dict[str, dict[str, tuple[str, ...]]] = {
    "test": {
        "centre": ("in_box_accuracy",), "random_element": ("in_box_accuracy",), "vanilla": ("in_box_accuracy",),
        "global": ("in_box_accuracy", "click_accuracy", "median_distance", "unparsed"),
    },
    "test_unseen": {"global": ("in_box_accuracy",)},
    USERS: {"personal": ("macro_in_box_accuracy",)},
    AMBIGUOUS: {"vanilla": ("in_box_accuracy",), "global": ("in_box_accuracy",), "personal": ("in_box_accuracy",)},
}  # fmt: skip
_GAINS = {("test", "global", "global_zoom"): "test_zoom_gain", (USERS, "global", "personal"): "users_personal_gain",
          (AMBIGUOUS, "global", "personal"): "users_ambiguous_personal_gain"}  # fmt: skip
# Distances (of 1000) at which the curve has a point.
_DISTANCES = range(0, 501, 10)
_OWN: tuple[Split, ...] = ("val", "test", "test_unseen", "train")


@dataclass(frozen=True)
class Result:
    """What a model (a key of MODELS) reached on a set; `answers` and `texts` (what it said) are None for what has none."""

    set: str
    model: str
    cases: list["Case"]
    scores: "Scores"
    answers: "list[Answer] | None" = None
    texts: list[str] | None = None


def main() -> None:
    argparse.ArgumentParser(prog="python -m evaluation.eval_grounding", description=__doc__.partition("\n")[0]).parse_args()
    knobs, hardware = load_knobs(EvalGroundingKnobs), load_hardware("eval_grounding")
    with stage("eval_grounding", knobs, hardware) as s:
        read_run("tune_grounder")
        read_run("personalize_grounder")

        import torch

        from evaluation.asking import read_protocol

        torch.set_num_threads(max(1, hardware.num_workers))
        protocol = read_protocol(knobs.protocol)
        sets = open_sets(knobs)
        for each in sets:
            left_out = "".join(f", {number} {reason} left out" for reason, number in each.left_out.items())
            s.log(f"{each.name}: {len(each.cases)} commands{left_out}")
        results = [*baselines(sets), *Asker(s, protocol, hardware, knobs.zoom).everything(sets)]
        results += [part for result in results if (part := ambiguous_part(result)) is not None]
        write_results(s, results, protocol)
        draw_answers(s, results, sets, knobs.overlays)


# ---- what is asked -------------------------------------------------------------------------------------------------------------------------------


def open_sets(knobs: EvalGroundingKnobs) -> "list[Benchmark]":
    """The test split, the unseen kits (if there are any), the held-out folds of the users who have a personal model, and the public sets."""
    from evaluation.grounding_sets import Benchmark, case_of, open_benchmark
    from training.grounding.dataset import GroundingSet

    pack = artifact("pack_grounding")
    image = full_size_screens()
    sets = []
    for split in ("test", "test_unseen"):
        samples = GroundingSet(pack, split)
        chosen = spread_evenly(samples, knobs.samples)
        if chosen or split == "test":
            sets.append(Benchmark(split, [case_of(sample.id, sample.target) for sample in chosen], image, {}))
    held_out = [
        sample
        for user, fold in personal_folders()
        for sample in spread_evenly(GroundingSet(pack, user=user, fold=fold, held_out=True), knobs.samples_per_fold)
    ]
    sets.append(Benchmark(USERS, [case_of(sample.id, sample.target) for sample in held_out], image, {}))
    sets += [open_benchmark(Path(folder)) for folder in knobs.benchmarks]
    for each in sets:
        if not each.cases:
            raise InputError(
                "has no command to be judged by.", file=pack, field=each.name, fix="Run `dvc repro pack_grounding personalize_grounder`."
            )
    return sets


def personal_folders() -> dict[tuple[int, int], Path]:
    """(user, fold) -> the folder of its adapter. InputError if there is none."""
    root = artifact("personalize_grounder")
    found = {}
    for folder in sorted(root.glob("user_*/fold_*")):
        user, fold = (int(name.rpartition("_")[2]) for name in (folder.parent.name, folder.name))
        found[user, fold] = folder
    if not found:
        raise InputError("holds no adapter of a user.", file=root, field="user_<id>/fold_<k>", fix="Run `dvc repro --force personalize_grounder`.")
    return dict(sorted(found.items()))


def spread_evenly(items: Sequence[Any], number: int | None) -> list[Any]:
    """`number` of the items at even distances, or all of them."""
    count = len(items) if number is None else min(number, len(items))
    return [items[int(i * len(items) / count)] for i in range(count)]


def full_size_screens() -> Any:
    """Key of a screen -> its image at full size (RGB), out of data/shards. InputError if no shard holds it."""
    from training.shards import TarMembers, decode_rgb

    fix = "Run `python -m datagen.dataset` again."
    members = TarMembers([SHARDS / shard.name for shard in read_manifest().shards])

    def read(screen: str) -> "Image":
        name = f"{screen}.png"
        try:
            return decode_rgb(members.read(name), members.file(name), name, fix)
        except KeyError:
            raise InputError("is in artifacts/pack_grounding but in no shard.", file=SHARDS, field=name, fix=fix) from None

    return read


def visible_elements(screens: Iterable[str]) -> "dict[str, list[BoxXyxy]]":
    """The boxes (0..1000) of all labelled elements of these screens, out of data/coco. InputError for a screen that is in no split."""
    from training.grounding.coordinates import RelativeFrame

    wanted, found = set(screens), {}
    for split in _OWN:
        if wanted <= found.keys():
            break
        for screen in screens_from_coco(read_coco(coco_path(split)), coco_path(split)):
            if screen.key in wanted:
                frame = RelativeFrame(screen.width, screen.height)
                found[screen.key] = [frame.box_to_relative(element.box.xyxy) for element in screen.elements]
    if missing := sorted(wanted - found.keys()):
        raise InputError(
            "is in no split.", file=coco_path("test"), field=missing[0], fix="Run `dvc repro pack_grounding` to pack this dataset version."
        )
    return found


# ---- answering -----------------------------------------------------------------------------------------------------------------------------------


def baselines(sets: "Sequence[Benchmark]") -> Iterator[Result]:
    """What needs no model. Public sets name one element of each screen, so that nothing can be drawn by lot there."""
    from evaluation.grounding import center_answers, random_element_scores, score

    for each in sets:
        answers = center_answers(each.cases)
        yield Result(each.name, "centre", each.cases, score(each.cases, answers), answers)
        if each.name in (*_OWN, USERS):
            elements = visible_elements(case.screen for case in each.cases)
            yield Result(each.name, "random_element", each.cases, random_element_scores(each.cases, elements))


class Asker:
    """Asks the models, one after the other."""

    def __init__(self, s: Stage, protocol: "Protocol", hardware: Hardware, zoom: bool):
        from training.grounding.dataset import read_index

        index = read_index(artifact("pack_grounding"))
        if index.answer_format is None or index.geometry is None:
            raise InputError(
                "does not say how answers are written.", file=artifact("pack_grounding") / "index.json", field="answer_format",
                fix="Run `dvc repro --force pack_grounding`.",
            )  # fmt: skip
        self._s, self._hardware, self._zoom = s, hardware, zoom
        self._kind = index.answer_format, index.geometry
        # Never finer than what was learned from.
        self._protocol = protocol.model_copy(update={"max_pixels": min(protocol.max_pixels, index.max_pixels)})
        self._device = "cuda" if hardware.accelerator == "gpu" else "cpu"

    def everything(self, sets: "Sequence[Benchmark]") -> Iterator[Result]:
        """All models on all sets; the personal ones on their own users' commands."""
        from training.models.grounder import load_grounder, load_vanilla

        folder = artifact("tune_grounder")
        for name, load in (("vanilla", load_vanilla), ("global", load_grounder)):
            model, processor = load(folder, device=self._device)
            for each in sets:
                result = self.answered(each, name, model, processor, each.cases)
                yield result
                if self._zoom and name == "global" and each.name != USERS:
                    yield self.looked_twice(each, model, processor, result)
        yield self.personal(next(each for each in sets if each.name == USERS))

    def personal(self, users: "Benchmark") -> Result:
        """Each command of a user by the model that has not seen its fold."""
        from training.grounding.users import read_folds
        from training.models.grounder import load_grounder, use_adapter

        folders = personal_folders()
        folds = {user: read_folds(artifact("pack_grounding"), user) for user, _ in folders}
        model, processor = load_grounder(next(iter(folders.values())), device=self._device)
        parts = []
        for (user, fold), folder in folders.items():
            use_adapter(model, folder)
            cases = [case for case in users.cases if case.user == user and case.id in folds[user][fold]]
            parts.append(self.answered(users, "personal", model, processor, cases, note=f", user {user}, fold {fold}"))
        by_id = {
            case.id: (answer, text) for part in parts for case, answer, text in zip(part.cases, part.answers or (), part.texts or (), strict=True)
        }
        answers, texts = ([by_id[case.id][place] for case in users.cases] for place in (0, 1))
        return self._result(users.name, "personal", users.cases, answers, texts)

    def answered(self, each: "Benchmark", name: str, model: Any, processor: Any, cases: "list[Case]", note: str = "") -> Result:
        """One model's answers to some cases of a set."""
        from evaluation.asking import ask
        from training.grounding.answers import parse_answer

        bar = f"{each.name}: {name}{note}"
        texts = ask(
            model, processor, self._questions(each, cases), self._protocol, self._hardware.micro_batch, lambda batches: self._s.progress(batches, bar)
        )
        return self._result(each.name, name, cases, [parse_answer(text) for text in texts], texts)

    def looked_twice(self, each: "Benchmark", model: Any, processor: Any, first: Result) -> Result:
        """The two-pass zoom from a model's first answers on."""
        from evaluation.asking import ask_twice

        texts, answers = ask_twice(
            model, processor, self._questions(each, first.cases), first.answers or [], self._protocol, self._hardware.micro_batch,
            lambda batches: self._s.progress(batches, f"{each.name}: {first.model}, second look"),
        )  # fmt: skip
        return self._result(each.name, f"{first.model}_zoom", first.cases, answers, texts)

    def _questions(self, each: "Benchmark", cases: "Sequence[Case]") -> list[Any]:
        from evaluation.asking import Question

        return [Question(self._protocol.prompt(case.instruction, *self._kind), lambda screen=case.screen: each.image(screen)) for case in cases]

    @staticmethod
    def _result(set_name: str, model: str, cases: "list[Case]", answers: "list[Answer]", texts: list[str]) -> Result:
        from evaluation.grounding import score

        return Result(set_name, model, cases, score(cases, answers), answers, texts)


def ambiguous_part(result: Result) -> Result | None:
    """Of a result on the users' commands, those that only habits make clear; None for other sets, or if there is none."""
    places = [i for i, case in enumerate(result.cases) if result.set == USERS and case.kind == "ambiguous"]
    if not places:
        return None
    return Result(AMBIGUOUS, result.model, [result.cases[i] for i in places], result.scores[places])


# ---- writing -------------------------------------------------------------------------------------------------------------------------------------


def write_results(s: Stage, results: Sequence[Result], protocol: "Protocol") -> None:
    """Answers, details and tables, and the headline metrics, `<set>_<model>_<figure>`."""
    from evaluation.grounding import bootstrap, compare, group_scores, summary

    resamples, seed = protocol.statistics.resamples, protocol.statistics.seed
    write_text(s.folder / "answers.jsonl", "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in answer_lines(results)))
    write_details(results, s.folder / "details.parquet")
    scores, groups, comparisons, metrics = [], [], [], {}
    for result in results:
        figures = summary(result.cases, result.scores)
        clusters = [case.screen for case in result.cases]
        in_box, click = (bootstrap(values, clusters, resamples, seed) for values in (result.scores.in_box, result.scores.click))
        macro = figures.get("macro_in_box_accuracy"), figures.get("macro_click_accuracy")
        scores.append(
            (result.set, result.model, len(result.cases), int(figures["unparsed"]), in_box.value, in_box.low, in_box.high, click.value, click.low, click.high,
             figures["mean_distance"], figures["median_distance"], figures["mean_iou"], *macro, guessable(result.cases))
        )  # fmt: skip
        wanted = _HEADLINES.get(result.set, _HEADLINES["test_unseen"]).get(result.model, ())
        metrics |= {f"{result.set}_{result.model}_{name}": figures[name] for name in wanted}
        groups += [
            (
                result.set,
                result.model,
                g.by,
                g.group,
                g.cases,
                g.unparsed,
                g.in_box.value,
                g.in_box.low,
                g.in_box.high,
                g.click.value,
                g.mean_distance,
            )
            for g in group_scores(result.cases, result.scores, resamples, seed)
        ]
    by_name = {(result.set, result.model): result for result in results}
    for name in dict.fromkeys(result.set for result in results):
        for before, after in _PAIRS:
            if (name, before) in by_name and (name, after) in by_name:
                one, other = by_name[name, before], by_name[name, after]
                found = compare(one.scores.in_box, other.scores.in_box, [case.screen for case in one.cases], resamples, seed)
                difference = found.difference
                if (name, before, after) in _GAINS:
                    metrics[_GAINS[name, before, after]] = difference.value
                comparisons.append((name, before, after, difference.value, difference.low, difference.high, found.better, found.worse, found.p_value))
    write_table(
        s.folder / "scores.csv",
        ["set", "model", "cases", "unparsed", "in_box", "in_box_low", "in_box_high", "click", "click_low", "click_high", "mean_distance", "median_distance",
         "mean_iou", "macro_in_box", "macro_click", "guessable"],
        scores,
    )  # fmt: skip
    write_table(
        s.folder / "per_group.csv",
        ["set", "model", "by", "group", "cases", "unparsed", "in_box", "in_box_low", "in_box_high", "click", "mean_distance"], groups,
    )  # fmt: skip
    write_table(s.folder / "comparisons.csv", ["set", "before", "after", "difference", "low", "high", "better", "worse", "p_value"], comparisons)
    write_distance_curve(results, s.folder / "distance_curve.csv")
    if AMBIGUOUS in {result.set for result in results}:
        chance = next(guessable(result.cases) for result in results if result.set == AMBIGUOUS)
        metrics |= {} if chance is None else {"users_ambiguous_guessable": chance}
    s.report({name: round(value, 6) for name, value in metrics.items()})


def guessable(cases: "Sequence[Case]") -> float | None:
    """How many of these commands are guessed right, on average, by whoever knows all habits but not whose they are; None unless it is known of each."""
    chances = [case.guessable for case in cases if case.guessable is not None]
    return sum(chances) / len(chances) if cases and len(chances) == len(cases) else None


def write_distance_curve(results: Sequence[Result], file: Path) -> None:
    """Share of the test split's answers that lie within a distance (of 1000) of the target's centre, a column for each model that answers."""
    asked = {result.model: result.scores for result in results if result.set == "test" and result.answers is not None}
    rows = [(distance, *(float(((s.parsed == 1) & (s.distance <= distance)).mean()) for s in asked.values())) for distance in _DISTANCES]
    write_table(file, ["distance", *asked], rows)


def draw_answers(s: Stage, results: Sequence[Result], sets: "Sequence[Benchmark]", count: int) -> None:
    """Answers of the global model to commands of the test split, drawn on their screens, and overlays.json."""
    from evaluation.grounding_pictures import draw_overlays

    test = next(result for result in results if (result.set, result.model) == ("test", "global"))
    image = next(each.image for each in sets if each.name == "test")
    drawn = draw_overlays(test.cases, test.answers or [], test.scores, image, count, s.folder / "figures")
    write_json(s.folder / "overlays.json", [asdict(overlay) for overlay in drawn])
    s.report(images={f"answer to “{overlay.instruction}” ({overlay.id})": f"figures/{overlay.file}" for overlay in drawn})


def answer_lines(results: Sequence[Result]) -> Iterator[dict[str, Any]]:
    """Every answer as it was given, with how it was read."""
    for result in results:
        if result.answers is None or result.texts is None:
            continue  # nobody was asked
        for case, answer, text in zip(result.cases, result.answers, result.texts, strict=True):
            yield {
                "set": result.set, "model": result.model, "id": case.id, "screen": case.screen, "instruction": case.instruction, "text": text,
                "read_as": answer.read_as, "problem": answer.problem, "point": answer.point, "box": answer.box,
            }  # fmt: skip


def write_details(results: Sequence[Result], file: Path) -> None:
    """One row per case and model: what the case is, what was answered, and how it is judged."""
    import pyarrow as pa
    from pyarrow import parquet

    rows = []
    for result in results:
        for i, case in enumerate(result.cases):
            answer = result.answers[i] if result.answers else None
            point = answer.point if answer else None
            rows.append(
                {
                    "set": result.set, "model": result.model, "id": case.id, "screen": case.screen, "instruction": case.instruction, "user": case.user,
                    "platform": case.platform, "kit": case.kit, "family": case.family, "element_class": case.element_class, "size": case.size,
                    "kind": case.kind, "guessable": case.guessable, "truth_bbox_norm1000": list(case.bbox_norm1000),
                    "point_norm1000": None if point is None else list(point),
                    "read_as": answer.read_as if answer else None, "parsed": float(result.scores.parsed[i]), "click": float(result.scores.click[i]),
                    "in_box": float(result.scores.in_box[i]), "distance": float(result.scores.distance[i]), "iou": float(result.scores.iou[i]),
                }
            )  # fmt: skip
    floats = pa.list_(pa.float64())
    names = ("set", "model", "id", "screen", "instruction", "platform", "kit", "family", "element_class", "size", "kind", "read_as")
    types = dict.fromkeys(names, pa.string()) | {"user": pa.int64(), "truth_bbox_norm1000": floats, "point_norm1000": floats}
    schema = pa.schema([(name, types.get(name, pa.float64())) for name in rows[0]])
    parquet.write_table(pa.Table.from_pylist(rows, schema=schema), file)


if __name__ == "__main__":
    run_command(main)
