"""Does a grounder learn to see? A tiny Qwen3-VL of random weights, trained for minutes on one CPU thread, against what needs no eyes.

    python -m benchmarks.grounding_proof                          renders screens, trains 20 CPU minutes, writes docs/results/grounding_proof.*
    python -m benchmarks.grounding_proof --shards FOLDER          the same on screens that an earlier run has rendered there
    python -m benchmarks.grounding_proof --draw                   writes picture and tables again from the JSON file

The screens are pages with forms, of five families, in one web kit and English, in its 28 themes: a world small enough to be learned in minutes. Tested are pages with
other content, none of which is a near-duplicate of a page in training. Two questions:

1. Does the trained model put more than twice as many clicks into the right element as "always the centre" and "a random visible element"? Beside it stands
   the same model before training, and the trained one with its eyes shut (grey pictures): what that one hits, words alone tell.
2. Do personal LoRA adapters of the simulated test users (trained on two folds of a user's commands, scored on the third) beat the global model on commands
   that only the user's habits make clear?

Everything learns, the vision tower too: unlike in the stages of the line there is no pretrained tower that could be kept. So that it gets more than the few
bits that an answer tells about a whole screen, each image token also learns, less and less towards the end, to name what stands there: the words of the element's
class and name, by the language model's own embeddings (the naming loss). The screen goes through the language model once; its keys and values are shared by all
conversations about it (a test compares the losses with those of separate sequences). Layers compute in bfloat16.
"""

import argparse
import csv
import io
import json
import math
import os
import random
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from contracts.errors import run_command

if TYPE_CHECKING:
    from PIL import Image
    from torch import Tensor

    from contracts.annotation import Screen
    from evaluation.grounding import Case, Scores

RESULTS = Path("docs/results")
NAME = "grounding_proof"
SEED, SHARD_SIZE = 6, 96
FAMILIES = ("sign_in", "sign_up", "settings", "checkout", "form")
WINDOW, SEEN = (512, 384), (384, 288)
# Pages of a step; conversations about each, of which at most so many are ambiguous: to whom the user is unknown, these teach little.
PER_STEP, PER_SCREEN, AMBIGUOUS, ADAPTER_STEP = 4, 12, 2, 2
# What is asked: what never changes stands before the command, where all conversations share it.
ASKED = "Answer with its point in relative coordinates (0-1000). Which element does this instruction mean? "
LEARNING_RATE, ADAPTER_RATE, WARM_UP = 2e-3, 3e-3, 0.03
# What the tokens of an answer weigh in the loss, by the place of a digit: a whole field lies within the units, so that they teach nothing but noise.
HUNDREDS, TENS, UNITS, MARKS = 1.0, 0.7, 0.1, 0.3
# Of the naming loss at the beginning; it falls to nothing along a line. Elements that only hold others have no name of their own.
NAMING = 1.0
HOLDERS = ("card", "navigation_bar", "breadcrumb", "list", "list_box", "dialog", "tab_bar", "toolbar", "sidebar")
CELL = 32  # pixels of an image token's side
TESTED, WATCHED = 800, 160


@dataclass(frozen=True)
class Page:
    """A screen, its picture as the model sees it, and the samples about it (training.grounding.dataset)."""

    screen: "Screen"
    picture: "Image.Image"
    samples: list[dict[str, Any]]


def main() -> None:
    options = _options()
    if options.draw:
        return show(json.loads((RESULTS / f"{NAME}.json").read_text(encoding="utf-8")))
    import torch

    from training.models.grounder import Grounder, TinyShape, build_tiny, count, texts_of

    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as scratch:
        train, test, users = load_pages(options.shards or Path(scratch), options.train_shards, options.test_shards)
    kept = options.model / "training.json" if options.model else None
    texts = texts_of(sample["messages"] for page in train for sample in page.samples)
    shape = TinyShape(hidden_size=128, layers=3, vision_hidden_size=128, vision_layers=3, vocabulary=1500)
    model, processor = build_tiny(shape, texts, SEEN[0] * SEEN[1], SEED)
    make_places_legible(model)
    parameters = count(model).total
    print(
        f"{len(train)} pages with {sum(len(p.samples) for p in train):,} commands to learn from, {len(test)} to be tested on; {parameters:,} parameters"
    )
    proof = Proof(model, processor, train, test, users)
    vanilla = proof.scores(proof.watched)
    if kept and kept.is_file():
        proof.use(Grounder.from_pretrained(options.model))
        training = json.loads(kept.read_text(encoding="utf-8"))
    else:
        training = proof.train(60 * options.minutes, options.naming)
        if kept:
            proof.model.save_pretrained(options.model)
            kept.write_text(json.dumps(training), encoding="utf-8")
    result = proof.judge(vanilla, options.adapter_users, options.adapter_epochs)
    result |= {
        "benchmark": NAME, "minutes": options.minutes, "naming": options.naming, "parameters": parameters, "train_pages": len(train), "test_pages": len(test), **training,
        "screens": {"families": FAMILIES, "kit": "bootstrap", "window": WINDOW, "seen_by_the_model": SEEN},
    }  # fmt: skip
    RESULTS.mkdir(parents=True, exist_ok=True)
    (RESULTS / f"{NAME}.json").write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    with (RESULTS / f"{NAME}.csv").open("w", newline="", encoding="utf-8") as file:
        rows = [{"set": name, **row} for name in ("expressions", "ambiguous") for row in result[name]["table"]]
        writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    show(result)
    print(table(result))
    print(json.dumps({k: result[k] for k in ("benchmark", "ratio", "ours", "peer", "unit", "passes", "personal_passes")}))


# ---- screens and samples -------------------------------------------------------------------------------------------------------------------------


def load_pages(folder: Path, train_shards: int, test_shards: int) -> tuple[list[Page], list[Page], dict[int, list[dict[str, Any]]]]:
    """Pages to learn from (with the commands of users 11 to 83 among their samples), pages to be tested on, and the samples of the test users."""
    from contracts.dataset import read_shard
    from contracts.knobs import load_knobs
    from contracts.stage import progress
    from datagen.config import RenderKnobs
    from datagen.duplicates import near_duplicates, picture_hash
    from datagen.render import default_workers, render, shard_name
    from datagen.store import open_store
    from training.config import PackGroundingKnobs
    from training.grounding.users import TEST_USERS
    from training.pack_grounding import expression_samples, user_samples

    changes = {
        "seed": SEED, "families": FAMILIES, "kits": ("bootstrap",), "locales": ("en",), "english_share": 1.0, "plain_share": 1.0, "zooms": (1.0,),
        "viewports": {"web": (WINDOW,), "mobile": ((360, 640),), "desktop": ((640, 480),)}, "device_scales": (1.0,), "shard_size": SHARD_SIZE,
    }  # fmt: skip
    numbers = range(train_shards + test_shards)
    render(open_store(str(folder)), load_knobs(RenderKnobs).model_copy(update=changes | {"shards": len(numbers)}), numbers, default_workers())
    screens, pictures, hashes = {}, {}, {}
    for number in progress(numbers, "reading"):
        for screen, png in read_shard(folder / shard_name(number)):
            picture = _opened(png)
            hashes[screen.key], screens[screen.key] = picture_hash(picture), (number, screen)
            pictures[screen.key] = picture.resize(SEEN, resample=4)  # Image.Resampling.BOX
    copies = near_duplicates(hashes)
    kept = [(number, screen) for key, (number, screen) in screens.items() if key not in copies]
    knobs = load_knobs(PackGroundingKnobs).model_copy(
        update={"answer_format": "blocks", "geometry": "point", "referring": False, "expressions_per_screen": 100, "samples_per_user": 96}
    )
    split: dict[Any, list[Screen]] = {"val": [], "test_unseen": []}
    split["train"] = [screen for number, screen in kept if number < train_shards]
    split["test"] = [screen for number, screen in kept if number >= train_shards]
    users = user_samples(split, knobs)
    of_screen = defaultdict(list)
    for user, samples in users.items():
        for sample in samples if user not in TEST_USERS else ():
            of_screen[sample["target"]["screen"]].append(sample)
    train, test = (
        [
            Page(screen, pictures[screen.key], [asked_here(sample) for sample in (*expression_samples(screen, knobs), *of_screen[screen.key])])
            for screen in split[name]
        ]
        for name in ("train", "test")
    )
    return train, test, {user: [asked_here(sample) for sample in users[user]] for user in TEST_USERS}


def asked_here(sample: dict[str, Any]) -> dict[str, Any]:
    """The sample in this benchmark's words."""
    seen, _ = sample["messages"][0]["content"]
    question = {"role": "user", "content": [seen, {"type": "text", "text": ASKED + sample["target"]["instruction"]}]}
    return sample | {"messages": [question, *sample["messages"][1:]]}


def _opened(png: bytes) -> "Image.Image":
    from PIL import Image

    return Image.open(io.BytesIO(png)).convert("RGB")


# ---- the model -----------------------------------------------------------------------------------------------------------------------------------


def make_places_legible(model: Any) -> None:
    """The tower's position embeddings begin as sines and cosines of row and column: small random numbers are little beside what the pixels add to them."""
    import torch

    table = model.model.visual.pos_embed.weight
    side, width = math.isqrt(len(table)), table.shape[1] // 4
    angles = (torch.arange(side)[:, None] + 0.5) * math.pi / side * torch.logspace(0, math.log2(side / 2), width, base=2)
    waves = torch.cat([angles.sin(), angles.cos()], dim=1)  # [side, channels / 2]
    grid = torch.cat([waves[:, None].expand(-1, side, -1), waves[None].expand(side, -1, -1)], dim=2)
    table.data.copy_(0.3 * grid.reshape(len(table), -1))


def attention_by_parts(
    module: Any, query: "Tensor", key: "Tensor", value: "Tensor", attention_mask: "Tensor | None" = None, scaling: float = 1.0, **options: Any
) -> "tuple[Tensor, None]":
    """Attention [B, heads, T, channels] -> [B, T, heads, channels] by its parts: on a CPU torch's fused kernel takes two to three times as long in bfloat16."""
    key, value = (part.repeat_interleave(query.shape[1] // part.shape[1], dim=1) for part in (key, value))
    scores = (query * scaling) @ key.transpose(2, 3)
    if attention_mask is not None:
        scores = scores + attention_mask.to(scores.dtype)
    return (scores.softmax(-1) @ value).transpose(1, 2).contiguous(), None


class Kept:
    """Keys and values of the screens' layers, as the language model's layers hand them over."""

    def __init__(self) -> None:
        self.layers: list[tuple[Tensor, Tensor]] = []

    def update(self, key: "Tensor", value: "Tensor", layer: int, *_: Any, **__: Any) -> "tuple[Tensor, Tensor]":
        self.layers.append((key, value))
        return key, value


@dataclass(frozen=True)
class After:
    """Keys and values of conversations, each behind those of its screen."""

    kept: Kept
    screens: "Tensor"
    """int64 [conversations]"""

    def update(self, key: "Tensor", value: "Tensor", layer: int, *_: Any, **__: Any) -> "tuple[Tensor, Tensor]":
        import torch

        before = self.kept.layers[layer]
        return torch.cat([before[0][self.screens], key], dim=2), torch.cat([before[1][self.screens], value], dim=2)


# ---- learning ------------------------------------------------------------------------------------------------------------------------------------


class Proof:
    """The model with the pages: it learns from some, and is asked about others."""

    def __init__(self, model: Any, processor: Any, train: list[Page], test: list[Page], users: dict[int, list[dict[str, Any]]]):
        from evaluation.asking import read_protocol
        from evaluation.grounding_sets import case_of

        self.processor, self.learned, self.users = processor, train, users
        self.protocol = read_protocol("grounding-v1")
        self.pages = {page.screen.key: page for page in (*train, *test)}
        every = [sample for page in test for sample in page.samples]
        self.cases = _spread([case_of(sample["id"], sample["target"]) for sample in every], TESTED)
        self.watched = _spread(self.cases, WATCHED)
        self._begun: tuple[Tensor, Tensor] | None = None
        self._tokens: dict[tuple[str, str], tuple[list[int], list[float]]] = {}
        self._names: dict[str, tuple[Tensor, Tensor]] = {}
        self.use(model)

    def use(self, model: Any) -> None:
        """Take this model."""
        from transformers import AttentionInterface, AttentionMaskInterface
        from transformers.masking_utils import eager_mask

        AttentionInterface.register("by_parts", attention_by_parts)
        AttentionMaskInterface.register("by_parts", eager_mask)
        model.set_attn_implementation({"text_config": "by_parts", "vision_config": "by_parts"})
        self.model = model

    def train(self, seconds: float, naming: float) -> dict[str, Any]:
        """Learn for so many seconds of CPU time; watched between (which is not counted). Returns the curve, and what it took."""
        import torch

        optimizer = torch.optim.AdamW(self.model.parameters(), lr=LEARNING_RATE, betas=(0.9, 0.98), weight_decay=0.01)
        curve: list[dict[str, float]] = []
        spent, steps, answers, recent, wall = 0.0, 0, 0, [], time.time()
        pages = self._endless([page for page in self.learned if page.samples])
        next_look = 0.0
        while spent < seconds:
            begin = time.process_time()
            done = spent / seconds
            for group in optimizer.param_groups:
                group["lr"] = LEARNING_RATE * min(1.0, (done + 1e-3) / WARM_UP) * (0.5 + 0.5 * math.cos(math.pi * done))
            batch = [next(pages) for _ in range(PER_STEP)]
            rng = random.Random(f"{SEED}/{steps}")
            chosen = [_drawn(page.samples, rng) for page in batch]
            loss = self.step(optimizer, batch, chosen, naming=naming * max(0.0, 1 - done))
            recent.append(loss)
            steps, answers, spent = steps + 1, answers + sum(map(len, chosen)), spent + time.process_time() - begin
            if spent >= next_look or spent >= seconds:
                in_box, blind = (float(self.scores(self.watched, blind=shut).in_box.mean()) for shut in (False, True))
                loss = sum(recent) / len(recent)
                curve.append(
                    {"cpu_seconds": round(spent, 1), "answers": answers, "loss": loss, "in_box_accuracy": in_box, "in_box_accuracy_grey": blind}
                )
                print(
                    f"{spent:5.0f} s of CPU, {steps} steps, {answers:,} answers: loss {loss:.3f}, in the box {in_box:.3f}, shown grey {blind:.3f}",
                    flush=True,
                )
                recent, next_look = [], next_look + seconds / 12
        took = {"train_cpu_seconds": round(spent, 1), "train_wall_seconds": round(time.time() - wall, 1), "steps": steps, "answers": answers}
        return {"curve": curve, **took}

    def step(
        self, optimizer: Any, pages: Sequence[Page], chosen: Sequence[Sequence[dict[str, Any]]], features: "Tensor | None" = None, naming: float = 0.0
    ) -> float:
        """One update on some conversations about each page; the loss of their answers."""
        import torch

        self.model.train()
        with torch.autocast("cpu", torch.bfloat16):
            features = self.features([page.picture for page in pages]) if features is None else features
            loss = self.loss(chosen, features)
            whole = loss + naming * self.naming_loss(pages, features) if naming else loss
        optimizer.zero_grad()
        whole.backward()
        torch.nn.utils.clip_grad_norm_([p for p in self.model.parameters() if p.requires_grad], 1.0)
        optimizer.step()
        return float(loss.detach())

    def features(self, pictures: "Sequence[Image.Image]") -> "Tensor":
        """[1 + deepstack layers, image tokens of all, hidden]"""
        from training.models.grounder import image_features, vision_tower

        inputs = self.processor.image_processor(images=list(pictures), return_tensors="pt")
        return image_features(vision_tower(self.model), inputs["pixel_values"], inputs["image_grid_thw"])

    def loss(self, chosen: Sequence[Sequence[dict[str, Any]]], features: "Tensor") -> "Tensor":
        """Weighted mean of the cross-entropies of the answers' tokens, of some conversations about each screen. The screens go through the language model once,
        up to the command; the rest of each conversation, a row of its own, sees its screen's keys and values and itself."""
        import torch
        import torch.nn.functional as F
        from torch.nn.utils.rnn import pad_sequence

        from training.models.grounder import core

        grounder = core(self.model)
        language, embedding = grounder.model.language_model, grounder.model.get_input_embeddings()
        prefix, places = self._prefix()
        length, screens = len(prefix), len(chosen)
        tails = [(number, *self._tail(sample)) for number, samples in enumerate(chosen) for sample in samples]
        # The last token is not fed: nothing follows it.
        ids = pad_sequence([torch.tensor(tokens[:-1]) for _, tokens, _ in tails], batch_first=True)
        targets, weights = torch.full(ids.shape, -100), torch.zeros(ids.shape)
        for row, (_, tokens, worth) in enumerate(tails):
            end = len(tokens) - 1
            targets[row, end - len(worth) : end] = torch.tensor(tokens[-len(worth) :])
            weights[row, end - len(worth) : end] = torch.tensor(worth)

        def causal(rows: int, seen: int) -> "Tensor":
            return torch.full((rows, seen), -1e9).triu(seen - rows + 1)[None, None]

        pictured = (prefix == grounder.config.image_token_id).expand(screens, -1)
        embedded = embedding(prefix.expand(screens, -1)).masked_scatter(pictured[..., None], features[0].to(embedding.weight.dtype))
        kept = Kept()
        language(
            inputs_embeds=embedded, position_ids=places[1:, None].expand(-1, screens, -1), attention_mask=causal(length, length).expand(screens, -1, -1, -1),
            past_key_values=kept, visual_pos_masks=pictured, deepstack_visual_embeds=list(features[1:]),
        )  # fmt: skip
        rows, longest = ids.shape
        hidden = language(
            inputs_embeds=embedding(ids), position_ids=(int(places[1:].max()) + 1 + torch.arange(longest)).expand(3, rows, -1),
            attention_mask=causal(longest, length + longest).expand(rows, -1, -1, -1), past_key_values=After(kept, torch.tensor([t[0] for t in tails])),
        ).last_hidden_state  # fmt: skip
        trained = targets != -100
        each = F.cross_entropy(grounder.lm_head(hidden[trained]).float(), targets[trained], reduction="none")
        return (each * weights[trained]).sum() / weights.sum()

    def naming_loss(self, pages: Sequence[Page], features: "Tensor") -> "Tensor":
        """Cross-entropy of the words of what stands at each image token, by the product of its feature with the words' embeddings."""
        import torch

        from training.models.grounder import core

        words = core(self.model).model.get_input_embeddings().weight
        told = (5 * features[0] @ words.T).float().log_softmax(-1)
        cells = len(features[0]) // len(pages)
        found = [self._named(page) for page in pages]
        places = torch.cat([place + torch.tensor([[number * cells], [0]]) for number, (place, _) in enumerate(found)], dim=1)
        return -(told[places[0], places[1]] * torch.cat([share for _, share in found])).sum() / len(features[0])

    def _named(self, page: Page) -> "tuple[Tensor, Tensor]":
        """(cell, token) pairs [2, N] and their shares [N]: the words of class and name of the elements that cover a cell, alike; `<|endoftext|>` where none is."""
        import torch

        if page.screen.key not in self._names:
            columns, rows = SEEN[0] // CELL, SEEN[1] // CELL
            tokenizer = self.processor.tokenizer
            words: list[set[int]] = [set() for _ in range(columns * rows)]
            for element in page.screen.elements:
                if element.class_name in HOLDERS:
                    continue
                said = f" {element.class_name.replace('_', ' ')} {element.name or element.text} {element.icon}".rstrip()
                tokens = tokenizer(said, add_special_tokens=False)["input_ids"][:10]
                x1, x2 = (x * columns / page.screen.width for x in (element.box.x1, element.box.x2))
                y1, y2 = (y * rows / page.screen.height for y in (element.box.y1, element.box.y2))
                for row in range(int(y1), min(rows, math.ceil(y2))):
                    for column in range(int(x1), min(columns, math.ceil(x2))):
                        if (min(x2, column + 1) - max(x1, column)) * (min(y2, row + 1) - max(y1, row)) > 0.08:
                            words[row * columns + column].update(tokens)
            pairs = [(cell, token, 1 / max(1, len(held))) for cell, held in enumerate(words) for token in sorted(held) or [tokenizer.pad_token_id]]
            self._names[page.screen.key] = torch.tensor([pair[:2] for pair in pairs]).T, torch.tensor([pair[2] for pair in pairs])
        return self._names[page.screen.key]

    def _prefix(self) -> "tuple[Tensor, Tensor]":
        """What every conversation begins with, up to the command: token ids [P], and position ids [4, P]."""
        import torch

        if self._begun is None:
            from training.models.grounder import core

            tokenizer = self.processor.tokenizer
            messages = [{"role": "user", "content": [{"type": "image"}, {"type": "text", "text": ASKED.rstrip()}]}]
            text = self.processor.apply_chat_template(messages, tokenize=False)
            inputs = self.processor(text=[text], images=[self.learned[0].picture], return_tensors="pt")
            rope, _ = core(self.model).model.get_rope_index(inputs["input_ids"], inputs["mm_token_type_ids"], image_grid_thw=inputs["image_grid_thw"])
            end = inputs["input_ids"].shape[1] - len(tokenizer("<|im_end|>\n", add_special_tokens=False)["input_ids"])
            self._begun = inputs["input_ids"][0, :end], torch.cat([torch.arange(end)[None], rope[:, 0, :end]])
        return self._begun

    def _tail(self, sample: dict[str, Any]) -> tuple[list[int], list[float]]:
        """The tokens of a conversation from its command on, and what those at the end weigh that are trained: the answer and its end."""
        question, answer = sample["messages"][0]["content"][-1]["text"], sample["messages"][-1]["content"][0]["text"]
        if (question, answer) not in self._tokens:
            tokenizer = self.processor.tokenizer
            before = tokenizer(f"{question.removeprefix(ASKED.rstrip())}<|im_end|>\n<|im_start|>assistant\n", add_special_tokens=False)["input_ids"]
            after = tokenizer(f"{answer}<|im_end|>", add_special_tokens=False)["input_ids"]
            pieces = [tokenizer.decode([token]) for token in after]
            worth = [MARKS] * len(pieces)
            for i, piece in enumerate(pieces):
                if piece.isdigit():
                    follow = next(j for j in range(i, len(pieces)) if not pieces[j].isdigit()) - i
                    worth[i] = (UNITS, TENS, HUNDREDS)[min(follow, 3) - 1]
            self._tokens[question, answer] = [*before, *after], worth
        return self._tokens[question, answer]

    def _endless(self, pages: Sequence[Page]) -> Iterator[Page]:
        for epoch in range(10**6):
            yield from random.Random(f"{SEED}/{epoch}").sample(pages, len(pages))

    # ---- asking --------------------------------------------------------------------------------------------------------------------------------

    def scores(self, cases: "Sequence[Case]", blind: bool = False) -> "Scores":
        """What the model, as it is now, answers; `blind`: it is shown grey instead."""
        from PIL import Image

        from evaluation.asking import Question, ask
        from evaluation.grounding import score
        from training.grounding.answers import parse_answer

        grey = Image.new("RGB", SEEN, (128, 128, 128))
        questions = [
            Question(
                ASKED + case.instruction,
                lambda picture=grey if blind else self.pages[case.screen].picture: picture,
            )
            for case in cases
        ]  # fmt: skip
        self.model.eval()
        return score(cases, [parse_answer(text) for text in ask(self.model, self.processor, questions, self.protocol, 32)])

    def judge(self, vanilla: "Scores", adapter_users: int, adapter_epochs: int) -> dict[str, Any]:
        """Both questions answered, with intervals."""
        from evaluation.grounding import center_answers, compare, random_element_scores, score
        from training.grounding.coordinates import RelativeFrame

        boxes, controls = {}, {}
        for key, page in self.pages.items():
            frame = RelativeFrame(page.screen.width, page.screen.height)
            boxes[key] = [frame.box_to_relative(e.box.xyxy) for e in page.screen.elements]
            controls[key] = [frame.box_to_relative(e.box.xyxy) for e in page.screen.elements if e.interactable] or boxes[key]
        statistics = self.protocol.statistics
        own = self.scores(self.cases)
        models = {
            "always the centre": score(self.cases, center_answers(self.cases)),
            "random visible element": random_element_scores(self.cases, boxes),
            "random control": random_element_scores(self.cases, controls),
            "trained, shown grey": self.scores(self.cases, blind=True),
            "trained": own,
        }
        expressions = {"table": [_row(self.cases, name, scores, statistics) for name, scores in models.items()]}
        expressions["table"].insert(3, _row(self.watched, "before training", vanilla, statistics))
        print(json.dumps(expressions["table"]), flush=True)
        clusters = [case.screen for case in self.cases]
        for name in ("always the centre", "random visible element", "trained, shown grey"):
            found = compare(models[name].in_box, own.in_box, clusters, statistics.resamples, statistics.seed)
            expressions[f"against {name}"] = asdict(found)
        cases, before, after, spent = self.personalise(adapter_users, adapter_epochs)
        others = {
            "always the centre": score(cases, center_answers(cases)), "random visible element": random_element_scores(cases, boxes),
            "global": before, "personal": after,
        }  # fmt: skip
        ambiguous = {"table": [_row(cases, name, scores, statistics) for name, scores in others.items()], "adapter_cpu_seconds": round(spent, 1)}
        screens = [f"{case.user}/{case.screen}" for case in cases]
        paired, near = (
            compare(getattr(before, name), getattr(after, name), screens, statistics.resamples, statistics.seed) for name in ("in_box", "click")
        )
        ambiguous["against global"], ambiguous["against global, click"] = asdict(paired), asdict(near)
        users = sorted({case.user for case in cases if case.user is not None})
        ambiguous["users"] = [
            {"user": user, "cases": len(chosen), "global": float(before.in_box[chosen].mean()), "personal": float(after.in_box[chosen].mean())}
            for user in users
            for chosen in [[i for i, case in enumerate(cases) if case.user == user]]
        ]
        peer = max(float(models[name].in_box.mean()) for name in ("always the centre", "random visible element"))
        ours = float(own.in_box.mean())
        return {
            "expressions": expressions, "ambiguous": ambiguous, "ratio": round(ours / peer, 3), "ours": round(ours, 4), "peer": round(peer, 4),
            "unit": "in-box accuracy on unseen pages", "passes": ours >= 2 * peer, "personal_passes": paired.difference.low > 0,
        }  # fmt: skip

    def personalise(self, number: int, epochs: int) -> "tuple[list[Case], Scores, Scores, float]":
        """An adapter for each fold of each user. Returns the ambiguous cases that were held out, what the global and the personal model answer, and the CPU
        seconds of training. Features of the frozen tower are made once."""
        import numpy as np
        import torch

        from evaluation.grounding import Scores
        from evaluation.grounding_sets import case_of
        from training.grounding.users import FOLDS, make_folds
        from training.models.grounder import add_lora, freeze_vision

        freeze_vision(self.model)
        base = self.model
        features: dict[str, Tensor] = {}
        cases: list[Case] = []
        before: list[Scores] = []
        after: list[Scores] = []
        spent = 0.0
        for user in list(self.users)[:number]:
            own = self.users[user]
            folds = make_folds({sample["id"]: sample["target"]["screen"] for sample in own}, user, SEED)
            for fold in range(FOLDS):
                held = [case_of(s["id"], s["target"]) for s in own if s["id"] in folds[fold] and s["target"]["kind"] == "ambiguous"]
                before.append(self.scores(held))
                begin = time.process_time()
                torch.manual_seed(SEED)
                self.model = add_lora(base, rank=8, alpha=32, dropout=0.1)
                by_screen = defaultdict(list)
                for sample in own:
                    if sample["id"] not in folds[fold]:
                        by_screen[sample["target"]["screen"]].append(sample)
                for key in by_screen.keys() - features.keys():
                    with torch.no_grad():
                        features[key] = self.features([self.pages[key].picture])
                optimizer = torch.optim.AdamW([p for p in self.model.parameters() if p.requires_grad], lr=ADAPTER_RATE, weight_decay=0.01)
                steps = epochs * math.ceil(len(by_screen) / ADAPTER_STEP)
                done = 0
                for epoch in range(epochs):
                    keys = random.Random(f"{SEED}/{user}/{fold}/{epoch}").sample(sorted(by_screen), len(by_screen))
                    for start in range(0, len(keys), ADAPTER_STEP):
                        for group in optimizer.param_groups:
                            group["lr"] = ADAPTER_RATE * (1 - done / steps)
                        part = keys[start : start + ADAPTER_STEP]
                        pages, chosen = [self.pages[key] for key in part], [by_screen[key] for key in part]
                        self.step(optimizer, pages, chosen, torch.cat([features[key] for key in part], dim=1))
                        done += 1
                spent += time.process_time() - begin
                after.append(self.scores(held))
                cases += held
                self.model = self.model.unload()
                print(
                    f"user {user}, fold {fold}: {before[-1].in_box.mean():.3f} -> {after[-1].in_box.mean():.3f} on {len(held)} ambiguous commands",
                    flush=True,
                )

        def joined(parts: "list[Scores]") -> "Scores":
            return Scores(*(np.concatenate([getattr(part, name) for part in parts]) for name in ("parsed", "click", "in_box", "distance", "iou")))

        return cases, joined(before), joined(after), spent


def _drawn(samples: Sequence[dict[str, Any]], rng: random.Random) -> list[dict[str, Any]]:
    """Some conversations about a page, few of them ambiguous."""
    kinds: tuple[list[dict[str, Any]], ...] = ([], [])
    for sample in samples:
        kinds[sample["target"]["kind"] == "ambiguous"].append(sample)
    habits = rng.sample(kinds[1], min(AMBIGUOUS, len(kinds[1])))
    return [*rng.sample(kinds[0], min(PER_SCREEN - len(habits), len(kinds[0]))), *habits]


def _spread(items: list[Any], number: int) -> list[Any]:
    return [items[int(i * len(items) / number)] for i in range(min(number, len(items)))]


def _row(cases: "Sequence[Case]", name: str, scores: "Scores", statistics: Any) -> dict[str, Any]:
    from evaluation.grounding import bootstrap, summary

    figures = summary(cases, scores)
    interval = bootstrap(scores.in_box, [case.screen for case in cases], statistics.resamples, statistics.seed)
    return {
        "model": name, "cases": len(cases), "unparsed": int(figures["unparsed"]), "in_box": round(interval.value, 4), "in_box_low": round(interval.low, 4),
        "in_box_high": round(interval.high, 4), "click": round(figures["click_accuracy"], 4), "mean_distance": round(figures["mean_distance"], 1),
        "median_distance": round(figures["median_distance"], 1),
    }  # fmt: skip


# ---- results -------------------------------------------------------------------------------------------------------------------------------------


def table(result: dict[str, Any]) -> str:
    """The figures as lines of text."""
    lines = []
    for name, title in (("expressions", "Commands on unseen pages"), ("ambiguous", "Ambiguous commands of the test users, held-out folds")):
        rows = result[name]["table"]
        lines += ["", f"{title} ({rows[0]['cases']})", f"{'':26}{'in the box':>12}{'95 % interval':>18}{'click':>9}{'mean L2':>9}{'unparsed':>10}"]
        for row in rows:
            interval = f"{row['in_box_low']:.3f} - {row['in_box_high']:.3f}"
            lines.append(f"{row['model']:26}{row['in_box']:12.3f}{interval:>18}{row['click']:9.3f}{row['mean_distance']:9.0f}{row['unparsed']:10}")
    return "\n".join(lines)


def show(result: dict[str, Any]) -> None:
    """Picture and tables of a result, in docs/results."""
    draw(result)
    (RESULTS / f"{NAME}.md").write_text(markdown(result), encoding="utf-8")


def markdown(result: dict[str, Any]) -> str:
    """docs/results/grounding_proof.md: both tables and the curve."""
    seconds = result["train_cpu_seconds"]
    lines = [
        "# What a tiny grounder learns in minutes",
        "",
        f"`python -m benchmarks.grounding_proof --minutes {result['minutes']:g}`: {result['parameters']:,} parameters from random weights, {seconds / 60:.1f} CPU minutes on "
        f"one thread ({result['train_wall_seconds'] / 60:.0f} by the clock), {result['steps']:,} steps, {result['answers']:,} answers on {result['train_pages']:,} pages.",
        "",
        f'In the right element: {result["ours"]:.3f}, {result["ratio"]:.2f} times the better of "always the centre" and "random visible element" ({result["peer"]:.3f}); '
        f"{'at least' if result['passes'] else 'less than'} twice. Intervals hold 95 % of a bootstrap over screens.",
    ]
    titles = {"expressions": "commands on unseen pages", "ambiguous": "ambiguous commands of the test users, held-out folds"}
    for name, title in titles.items():
        rows = result[name]["table"]
        lines += [
            "",
            f"| {rows[0]['cases']} {title} | in the box | 95 % interval | near | mean distance | unread |",
            "|---|---:|---:|---:|---:|---:|",
        ]
        lines += [
            f"| {row['model']} | {row['in_box']:.3f} | {row['in_box_low']:.3f} – {row['in_box_high']:.3f} | {row['click']:.3f} | {row['mean_distance']:.0f} "
            f"| {row['unparsed']} of {row['cases']} |"
            for row in rows
        ]
    lines += ["", f"| CPU minutes | answers | loss | in the box, {WATCHED} commands | the same, shown grey |", "|---:|---:|---:|---:|---:|"]
    lines += [
        f"| {point['cpu_seconds'] / 60:.1f} | {point['answers']:,} | {point['loss']:.3f} | {point['in_box_accuracy']:.3f} | {point['in_box_accuracy_grey']:.3f} |"
        for point in result["curve"]
    ]
    return "\n".join([*lines, "", f"![The curve, and each user's gain]({NAME}.png)", ""])


def draw(result: dict[str, Any]) -> None:
    """docs/results/grounding_proof.png: the curve beside what needs no eyes, and each user's gain."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    from evaluation.charts import LIGHT

    figure, (left, right) = pyplot.subplots(1, 2, figsize=(10, 4.4), layout="constrained", width_ratios=(3, 2))
    blue, orange, green = LIGHT.series
    rows = {row["model"]: row for row in result["expressions"]["table"]}
    minutes = [point["cpu_seconds"] / 60 for point in result["curve"]]
    left.plot(minutes, [point["in_box_accuracy"] for point in result["curve"]], "o-", color=blue, markersize=3, label=f"trained, {WATCHED} commands")
    left.plot(minutes, [point["in_box_accuracy_grey"] for point in result["curve"]], "-", color=green, linewidth=1, label="the same, shown grey")
    final = rows["trained"]
    error = [[final["in_box"] - final["in_box_low"]], [final["in_box_high"] - final["in_box"]]]
    left.errorbar([minutes[-1]], [final["in_box"]], error, fmt="D", color=blue, capsize=4, label=f"at the end, all {final['cases']}")
    for name, color, style in (("trained, shown grey", green, "-."), ("random visible element", orange, "--"), ("always the centre", "#8a8f98", ":")):
        left.axhline(rows[name]["in_box"], color=color, linestyle=style, label=f"{name}, all {final['cases']}" if "grey" in name else name)
    left.axhline(2 * result["peer"], color=orange, linewidth=0.8, label="twice the best of these two")
    left.set(
        title="Clicks in the right element, unseen pages", xlabel="CPU minutes of training, one thread", ylabel="share of commands", ylim=(0, None)
    )
    left.legend(frameon=False, fontsize=8, loc="upper center", bbox_to_anchor=(0.5, -0.14), ncols=3)
    users = result["ambiguous"]["users"]
    for place, user in enumerate(users):
        right.plot([user["global"], user["personal"]], [place, place], color="#c4c9d1", zorder=1)
    right.scatter([u["global"] for u in users], range(len(users)), s=60, facecolor="white", edgecolor=orange, linewidth=1.6, label="global", zorder=2)
    right.scatter([u["personal"] for u in users], range(len(users)), s=22, color=blue, label="personal", zorder=3)
    right.set_yticks(range(len(users)), [f"user {u['user']} ({u['cases']})" for u in users])
    right.set(title="Ambiguous commands by user", xlabel="share in the right element", xlim=(0, None))
    right.legend(frameon=False, fontsize=8, loc="upper center", bbox_to_anchor=(0.5, -0.14), ncols=2)
    for ax in (left, right):
        ax.spines[["top", "right"]].set_visible(False)
        ax.grid(color=LIGHT.grid, linewidth=0.8)
        ax.set_axisbelow(True)
    figure.savefig(RESULTS / f"{NAME}.png", dpi=130)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.grounding_proof", description=__doc__.partition("\n")[0])
    parser.add_argument("--minutes", type=float, default=20.0, help="CPU minutes of global training (default: 20)")
    parser.add_argument("--naming", type=float, default=NAMING, help="weight of the naming loss at the beginning (default: %(default)s)")
    parser.add_argument("--train-shards", type=int, default=36, help=f"of {SHARD_SIZE} pages each (default: 36)")
    parser.add_argument("--test-shards", type=int, default=4, help="(default: 4)")
    parser.add_argument("--adapter-users", type=int, default=10, help="test users that get adapters, of 10 (default: 10)")
    parser.add_argument("--adapter-epochs", type=int, default=4, help="(default: 4)")
    parser.add_argument("--shards", type=Path, help="folder for the rendered screens, to keep them (default: a temporary one)")
    parser.add_argument(
        "--model", type=Path, help="folder to keep the trained model in; one that is there already is judged again instead of trained"
    )
    parser.add_argument("--draw", action="store_true", help="only write picture and tables again")
    return parser.parse_args()


if __name__ == "__main__":
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    run_command(main)
