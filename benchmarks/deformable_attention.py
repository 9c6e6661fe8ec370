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
from typing import TYPE_CHECKING

from contracts.errors import run_command

if TYPE_CHECKING:
    from torch import Tensor

# Largest difference of values and gradients, as a share of the largest value.
_TOLERANCE = 1e-4


def main() -> None:
    options = _options()
    import torch

    from contracts.stage import progress
    from training.models.deformable_attention import deformable_attention, deformable_attention_reference

    torch.set_num_threads(options.threads)
    cuda = options.device == "cuda"
    torch.manual_seed(0)
    height, width = (800, 1024) if cuda else (options.height, options.width)
    shapes = [(-(-height // stride), -(-width // stride)) for stride in (8, 16, 32, 64)]
    cells = sum(h * w for h, w in shapes)
    heads, channels, points = 8, 32, 4
    value = torch.randn(options.batch, cells, heads, channels, device=options.device)
    # Around the query's own place, as trained offsets are: most within a few cells, some outside of the screen.
    centre = torch.cat([torch.cartesian_prod((torch.arange(h) + 0.5) / h, (torch.arange(w) + 0.5) / w) for h, w in shapes]).flip(-1)
    offset = torch.randn(options.batch, cells, heads, len(shapes), points, 2, device=options.device) * 0.05
    locations = centre.to(options.device)[None, :, None, None, None] + offset
    weights = torch.rand(options.batch, cells, heads, len(shapes) * points, device=options.device).softmax(-1)
    weights = weights.unflatten(-1, (len(shapes), points))
    seed = torch.randn(options.batch, cells, heads * channels, device=options.device)

    def step(attention: "Callable[..., Tensor]") -> "list[Tensor]":
        leaves = [tensor.detach().requires_grad_() for tensor in (value, locations, weights)]
        result = attention(leaves[0], shapes, leaves[1], leaves[2])
        return [result.detach(), *torch.autograd.grad(result, leaves, seed)]

    off = max(
        float((a - b).abs().max() / b.abs().max()) for a, b in zip(step(deformable_attention), step(deformable_attention_reference), strict=True)
    )
    if off > _TOLERANCE:
        raise SystemExit(f"error: the two differ by {off:.2g} of the largest value")

    times: dict[str, list[float]] = {"ours": [], "peer": []}
    for _ in progress(range(options.rounds), "deformable attention"):
        for name, attention in (("ours", deformable_attention), ("peer", deformable_attention_reference)):
            begin = time.perf_counter()
            step(attention)
            if cuda:
                torch.cuda.synchronize()
            times[name].append(time.perf_counter() - begin)
    ours, peer = (statistics.median(times[name]) * 1000 for name in ("ours", "peer"))
    result = {
        "benchmark": "deformable_attention", "ratio": round(peer / ours, 2), "ours": round(ours, 2), "peer": round(peer, 2), "unit": "ms",
        "device": options.device, "threads": torch.get_num_threads(), "screen": [height, width], "batch": options.batch, "queries": cells,
        "largest_difference": float(f"{off:.2g}"),
    }  # fmt: skip
    print(json.dumps(result))


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
