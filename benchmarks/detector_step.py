"""One training step of the detector: ours beside transformers' Deformable-DETR, with the same weights, on the same batch.

    python -m benchmarks.detector_step                     about 45 seconds on two cores
    python -m benchmarks.detector_step --form two_stage

A step is forward pass, matching, losses of all layers, backward pass, clipping and AdamW. The peer is `DeformableDetrForObjectDetection` on its Swin
backbone, with scaled dot-product attention and without a kernel of its own for deformable attention, as it comes. Both start from the same weights and
take the same steps; their losses have to agree before the first one and after the last.
"""

import argparse
import json
import statistics
import time
from typing import TYPE_CHECKING, Any

from contracts.errors import run_command

if TYPE_CHECKING:
    from torch import Tensor, nn

_FORMS = {
    "plain": {"two_stage": False, "box_refinement": False},
    "refinement": {"two_stage": False, "box_refinement": True},
    "two_stage": {"two_stage": True, "box_refinement": True},
}
_L1, _GIOU, _CLASS_COST = 5.0, 2.0, 2.0
# Relative difference of the losses at the start, and after all steps.
_TOLERANCE, _DRIFT = 1e-4, 1e-2


def main() -> None:
    options = _options()
    import torch

    from contracts.stage import progress
    from training.losses.detection import LossWeights, Target, match, set_losses
    from training.models.detector import DetectorConfig, Prediction, build_detector
    from training.models.transformers_weights import to_transformers

    torch.set_num_threads(options.threads)
    torch.manual_seed(0)
    config = DetectorConfig(
        encoder="swin_nano", image_size=(384, 384), class_names=tuple(f"class {i}" for i in range(50)), num_queries=200, d_model=256, heads=8, levels=4,
        points=4, encoder_layers=options.encoder_layers, decoder_layers=options.decoder_layers, ffn_dim=1024, dropout=0.0,
        query_selection="positions", **_FORMS[options.form],
    )  # fmt: skip
    ours = build_detector(config)
    peer = to_transformers(ours)
    ours.train()
    peer.train()
    images, content_hw = torch.randn(options.batch, 3, 384, 384), torch.tensor([[384, 384]] * options.batch)
    targets = [Target(torch.randint(50, (40,)), torch.rand(40, 4) * 0.3 + torch.tensor([0.3, 0.3, 0.02, 0.02])) for _ in range(options.batch)]
    labels = [{"class_labels": t.labels, "boxes": t.boxes} for t in targets]
    elements = float(sum(len(t.labels) for t in targets))
    matching = LossWeights(_CLASS_COST, _L1, _GIOU)

    def our_loss() -> "Tensor":
        # Theirs weighs classes 2 in the matching and 1 in the loss, and leaves the proposals out.
        output = ours(images, content_hw)
        layers = [Prediction(output.logits, output.boxes), *output.auxiliary]
        sums = set_losses(layers, targets, match(layers, targets, matching))
        return (sums["focal"] + _L1 * sums["l1"] + _GIOU * sums["giou"]).sum() / elements

    def peer_loss() -> "Tensor":
        loss: Tensor = peer(images, labels=labels).loss
        return loss

    sides: dict[str, tuple[nn.Module, Any, Any]] = {
        name: (model, loss, torch.optim.AdamW(model.parameters(), lr=1e-4))
        for name, model, loss in (("ours", ours, our_loss), ("peer", peer, peer_loss))
    }

    def step(name: str) -> float:
        model, loss_of, optimizer = sides[name]
        optimizer.zero_grad()
        loss = loss_of()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 0.1)
        optimizer.step()
        return float(loss.detach())

    first = {name: step(name) for name in sides}
    _agree(first, _TOLERANCE, "before the first step")
    times: dict[str, list[float]] = {name: [] for name in sides}
    last: dict[str, float] = {}
    for _ in progress(range(options.rounds), "detector step"):
        for name in sides:
            begin = time.perf_counter()
            last[name] = step(name)
            times[name].append(time.perf_counter() - begin)
    _agree(last, _DRIFT, "at the last step")
    mine, theirs = (statistics.median(times[name]) for name in ("ours", "peer"))
    result = {
        "benchmark": "detector_step", "ratio": round(theirs / mine, 2), "ours": round(mine, 3), "peer": round(theirs, 3), "unit": "s",
        "form": options.form, "batch": options.batch, "image_size": list(config.image_size), "threads": torch.get_num_threads(),
        "parameters": sum(p.numel() for p in ours.parameters()), "first_losses": {k: round(v, 5) for k, v in first.items()},
        "last_losses": {k: round(v, 5) for k, v in last.items()},
    }  # fmt: skip
    print(json.dumps(result))


def _agree(losses: dict[str, float], tolerance: float, when: str) -> None:
    if abs(losses["ours"] - losses["peer"]) > tolerance * abs(losses["peer"]):
        raise SystemExit(f"error: the two losses differ {when}: {losses}")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.detector_step", description="A training step beside transformers' Deformable-DETR.")
    parser.add_argument("--form", choices=list(_FORMS), default="refinement", help="of the detector (default: %(default)s)")
    parser.add_argument("--batch", type=int, default=2, metavar="B", help="screens (default: %(default)s)")
    parser.add_argument("--encoder-layers", type=int, default=2, metavar="N", help="deformable encoder layers (default: %(default)s)")
    parser.add_argument("--decoder-layers", type=int, default=3, metavar="N", help="deformable decoder layers (default: %(default)s)")
    parser.add_argument("--threads", type=int, default=2, metavar="T", help="of PyTorch (default: %(default)s)")
    parser.add_argument("--rounds", type=int, default=3, metavar="N", help="steps that each side is timed, by turns (default: %(default)s)")
    return parser.parse_args()


if __name__ == "__main__":
    run_command(main)
