"""Multi-scale deformable attention, forward and backward: ours beside the grid_sample form, on the same tensors.

    python -m benchmarks.deformable_attention                  about 25 seconds on two cores
    python -m benchmarks.deformable_attention --device cuda    the Triton kernel, at 800x1024

The peer is what transformers' Deformable-DETR runs where it has no kernel of its own. The case is the encoder's: every cell of four levels is a query.
Both sides' outputs and all three gradients are compared before anything is timed.
"""

import argparse
import json
import statistics
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from contracts.errors import run_command

if TYPE_CHECKING:
    from torch import Tensor

# Largest difference of values and gradients, as a share of the largest value.
_TOLERANCE = 1e-4


def main() -> None:
    options = _options()
    import torch

    torch.set_num_threads(options.threads)
    screen = (800, 1024) if options.device == "cuda" else (options.height, options.width)
    print(json.dumps({"benchmark": "deformable_attention", **measure(options.device, screen, options.batch, options.rounds)}))


def measure(device: str, screen: tuple[int, int], batch: int, rounds: int) -> dict[str, Any]:
    """Milliseconds of forward and backward of both sides, by turns, when they have been found to agree; SystemExit if they do not.

    `screen` is (height, width), pixels.
    """
    import torch

    from contracts.stage import progress
    from training.models.deformable_attention import deformable_attention, deformable_attention_reference

    shapes = [(-(-screen[0] // stride), -(-screen[1] // stride)) for stride in (8, 16, 32, 64)]
    value, locations, weights, seed = case(device, shapes, batch)

    def step(attention: "Callable[..., Tensor]") -> "list[Tensor]":
        leaves = [tensor.detach().requires_grad_() for tensor in (value, locations, weights)]
        result = attention(leaves[0], shapes, leaves[1], leaves[2])
        return [result.detach(), *torch.autograd.grad(result, leaves, seed)]

    off = apart(step(deformable_attention), step(deformable_attention_reference))
    times: dict[str, list[float]] = {"ours": [], "peer": []}
    for _ in progress(range(rounds), "deformable attention"):
        for name, attention in (("ours", deformable_attention), ("peer", deformable_attention_reference)):
            begin = time.perf_counter()
            step(attention)
            if device == "cuda":
                torch.cuda.synchronize()
            times[name].append(time.perf_counter() - begin)
    ours, peer = (statistics.median(times[name]) * 1000 for name in ("ours", "peer"))
    return {
        "ratio": round(peer / ours, 2), "ours": round(ours, 3), "peer": round(peer, 3), "unit": "ms", "device": device,
        "threads": torch.get_num_threads(), "screen": list(screen), "batch": batch, "queries": value.shape[1], "largest_difference": off,
    }  # fmt: skip


def case(device: str, shapes: list[tuple[int, int]], batch: int) -> "tuple[Tensor, Tensor, Tensor, Tensor]":
    """Value, locations and weights as `deformable_attention` takes them, every cell a query, and a gradient of the result."""
    import torch

    torch.manual_seed(0)
    cells, heads, channels, points = sum(h * w for h, w in shapes), 8, 32, 4
    value = torch.randn(batch, cells, heads, channels, device=device)
    # Around the query's own place, as trained offsets are: most within a few cells, some outside of the screen.
    centre = torch.cat([torch.cartesian_prod((torch.arange(h) + 0.5) / h, (torch.arange(w) + 0.5) / w) for h, w in shapes if h * w]).flip(-1)
    offset = torch.randn(batch, cells, heads, len(shapes), points, 2, device=device) * 0.05
    locations = centre.to(device)[None, :, None, None, None] + offset
    weights = torch.rand(batch, cells, heads, len(shapes) * points, device=device).softmax(-1).unflatten(-1, (len(shapes), points))
    return value, locations, weights, torch.randn(batch, cells, heads * channels, device=device)


def apart(ours: "list[Tensor]", peer: "list[Tensor]") -> float:
    """Largest difference of a result and its gradients, as a share of each one's largest value. SystemExit if that is too much."""
    off = max(float((a - b).abs().max() / b.abs().max()) for a, b in zip(ours, peer, strict=True))
    if not off <= _TOLERANCE:
        raise SystemExit(f"error: the two differ by {off:.2g} of the largest value")
    return float(f"{off:.2g}")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.deformable_attention", description="Deformable attention beside grid_sample's.")
    parser.add_argument("--device", choices=["cpu", "cuda"], default="cpu", help="where (default: %(default)s)")
    parser.add_argument("--threads", type=int, default=2, metavar="T", help="of PyTorch (default: %(default)s)")
    parser.add_argument("--batch", type=int, default=2, metavar="B", help="screens (default: %(default)s)")
    parser.add_argument("--height", type=int, default=320, metavar="H", help="of a screen on the CPU, pixels (default: %(default)s)")
    parser.add_argument("--width", type=int, default=416, metavar="W", help="of a screen on the CPU, pixels (default: %(default)s)")
    parser.add_argument("--rounds", type=int, default=7, metavar="N", help="times that each side is timed, by turns (default: %(default)s)")
    return parser.parse_args()


if __name__ == "__main__":
    run_command(main)
