"""What the proof of grounding relies on: conversations that share a screen in one sequence learn as they would alone."""

import json
import random
from pathlib import Path

import pytest
import torch
from PIL import Image

from benchmarks.grounding_proof import AMBIGUOUS, ASKED, HUNDREDS, MARKS, NAME, RESULTS, SEEN, TENS, UNITS, Page, Proof, _drawn, markdown
from contracts.annotation import Box, Element, Screen
from training.grounding.answers import write_answer
from training.grounding.conversations import conversation
from training.models.grounder import TinyShape, build_tiny, texts_of


def page(key, number):
    screen = Screen(
        key=key,
        width=512,
        height=384,
        device_scale=1,
        platform="web",
        kit="k",
        family="f",
        locale="en",
        theme="t",
        seed=number,
        generator="g",
        elements=(
            Element(id=0, class_name="card", box=Box(x1=0, y1=0, x2=512, y2=384)),
            Element(id=1, class_name="button", name="Save", box=Box(x1=130, y1=90, x2=210, y2=120)),
        ),
    )
    samples = []
    for place in range(number):
        box = (100.0 * place, 7.0, 100.0 * place + 60, 9.0)
        answer = write_answer(((box[0] + box[2]) / 2, 8.0), None, "blocks")
        asked = f"{ASKED}Click button {place}" + " again" * place
        target = {"screen": key, "box": list(box), "instruction": "Click", "element_class": "button", "platform": "web", "kit": "k", "family": "f",
                  "kind": "role", "user": None, "width": 512, "height": 384}  # fmt: skip
        samples.append({"id": f"{key}-{place}", "messages": conversation(f"{key}.png", [(asked, answer)]), "target": target})
    return Page(screen, Image.effect_noise(SEEN, 60 + 9 * number).convert("RGB"), samples)


@pytest.fixture(scope="module")
def proof():
    torch.manual_seed(0)
    pages = [page("a", 2), page("b", 3)]
    model, processor = build_tiny(TinyShape(64, 2, 64, 2, 400), texts_of(s["messages"] for p in pages for s in p.samples), SEEN[0] * SEEN[1], 0)
    model.eval()
    return Proof(model, processor, pages, pages, {})


def test_a_shared_screen_changes_no_loss(proof):
    """Two pages with two and three conversations, against each conversation in a sequence of its own, by weight."""
    with torch.no_grad():
        features = [proof.features([page.picture]) for page in proof.learned]
        together = float(proof.loss([page.samples for page in proof.learned], torch.cat(features, dim=1)))
        alone = [
            (float(proof.loss([[sample]], own)), sum(proof._tail(sample)[1]))
            for page, own in zip(proof.learned, features, strict=True)
            for sample in page.samples
        ]
    assert together == pytest.approx(sum(loss * weight for loss, weight in alone) / sum(weight for _, weight in alone), rel=1e-5)


def test_a_conversation_is_what_the_model_is_asked_in_evaluation(proof):
    """Token by token: the shared beginning, the rest of the question and the answer are the chat template's own."""
    shown, sample = proof.learned[1], proof.learned[1].samples[2]
    processor = proof.processor
    text = processor.apply_chat_template(
        [{"role": "user", "content": [{"type": "image"}, sample["messages"][0]["content"][-1]]}], add_generation_prompt=True
    )
    whole = processor(text=[text + sample["messages"][1]["content"][0]["text"] + "<|im_end|>"], images=[shown.picture], return_tensors="pt")
    tokens, worth = proof._tail(sample)
    assert [*proof._prefix()[0].tolist(), *tokens] == whole["input_ids"][0].tolist()
    rope, _ = proof.model.model.get_rope_index(whole["input_ids"], whole["mm_token_type_ids"], image_grid_thw=whole["image_grid_thw"])
    assert proof._prefix()[1][1:].tolist() == rope[:, 0, : len(proof._prefix()[0])].tolist()
    with torch.no_grad():
        logits = proof.model(**whole).logits[0, :-1].log_softmax(-1)
        each = -logits.gather(1, whole["input_ids"][0, 1:, None])[-len(worth) :, 0]
        assert float(proof.loss([[sample]], proof.features([shown.picture]))) == pytest.approx(
            float((each * torch.tensor(worth)).sum() / sum(worth)), rel=1e-4
        )


def test_digits_weigh_by_their_place(proof):
    """`<|box_start|>(230,8)<|box_end|><|im_end|>`: mark, bracket, three digits, comma, one digit, bracket, mark, end."""
    assert proof.learned[1].samples[2]["messages"][1]["content"][0]["text"] == "<|box_start|>(230,8)<|box_end|>"
    assert proof._tail(proof.learned[1].samples[2])[1] == [MARKS, MARKS, HUNDREDS, TENS, UNITS, MARKS, UNITS, MARKS, MARKS, MARKS]


def test_image_tokens_are_named_by_what_covers_them(proof):
    """The button lies on 384 x 288 pixels from (97.5, 67.5) to (157.5, 90): in the third row of tokens, the fourth and fifth column. The card is no name."""
    (cells, tokens), shares = proof._named(proof.learned[0])
    pad = proof.processor.tokenizer.pad_token_id
    said = set(proof.processor.tokenizer(" button Save", add_special_tokens=False)["input_ids"])
    named = {int(cell): {int(t) for c, t in zip(cells, tokens, strict=True) if c == cell} for cell in cells}
    assert {cell: found for cell, found in named.items() if found != {pad}} == {27: said, 28: said} and len(named) == 12 * 9
    assert torch.zeros(12 * 9).index_add_(0, cells, shares).tolist() == pytest.approx([1.0] * 108)
    with torch.no_grad():
        features = proof.features([page.picture for page in proof.learned])
        loss = proof.naming_loss(proof.learned, features)
        told = (5 * features[0, 108 + 27] @ proof.model.get_input_embeddings().weight.T).log_softmax(-1)
        proof._names["b"] = torch.tensor([[27], [7]]), torch.tensor([1.0])
        proof._names["a"] = torch.zeros(2, 0, dtype=torch.int64), torch.zeros(0)
        one = proof.naming_loss(proof.learned, features)
    assert float(one) == pytest.approx(-float(told[7]) / 216, rel=1e-5) and float(loss) > 0


def test_few_conversations_are_ambiguous():
    samples = [{"target": {"kind": "ambiguous" if number % 2 else "role"}} for number in range(40)]
    drawn = _drawn(samples, random.Random(0))
    assert len(drawn) == 12 and sum(sample["target"]["kind"] == "ambiguous" for sample in drawn) == AMBIGUOUS


def test_the_tables_are_those_of_the_result():
    results = Path(__file__).parents[2] / RESULTS
    result = json.loads((results / f"{NAME}.json").read_text(encoding="utf-8"))
    assert (results / f"{NAME}.md").read_text(encoding="utf-8") == markdown(result)
    in_box = {row["model"]: row["in_box"] for row in result["expressions"]["table"]}
    assert result["passes"] == (in_box["trained"] >= 2 * max(in_box["always the centre"], in_box["random visible element"]))
