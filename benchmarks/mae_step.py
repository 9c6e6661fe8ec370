"""One training step of masked pretraining: ours, which never computes what is hidden, beside a dense SimMIM-style step (arXiv:2111.09886).

    python -m benchmarks.mae_step                       about 40 seconds on two quiet cores
    python -m benchmarks.mae_step --batch 4 --rounds 3

Both train the encoder of the preset one-gpu (Swin-T at 576 x 768, its mask ratio) on the same images and masks, with the same first weights and AdamW. The
peer is timm's Swin over the whole grid, a learned token in the place of hidden patches, and SimMIM's head: one linear map per cell and an L1 loss on
hidden pixels. Ours has the preset's decoder. That both do the same work is checked: the same weights and hidden pixels, the same encoder outputs when
nothing is hidden, and a gradient for every weight. Memory is the peak of the resident set of one step over what the model and optimizer hold
before it, each side in a process of its own.
"""

import argparse
import json
import statistics
import subprocess
import sys
import time
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from contracts.errors import run_command

if TYPE_CHECKING:
    import torch

_PRESET = "one-gpu"
_MIB = 1 << 20
# Encoder outputs of the two sides may differ by this share of the largest, when nothing is hidden.
_TOLERANCE = 1e-4


def main() -> None:
    options = _options()
    if options.memory_of:
        print(peak_of_a_step(options.memory_of, options.batch))
        return
    import torch

    if options.threads:
        torch.set_num_threads(options.threads)
    images, hidden = data(options.batch)
    steps = {side: Side(side) for side in ("ours", "peer")}
    check(steps["ours"], steps["peer"], images, hidden)
    seconds: dict[str, list[float]] = {side: [] for side in steps}
    work: dict[str, float] = dict.fromkeys(steps, 0.0)
    for _ in range(options.rounds):
        for name, side in steps.items():
            start, worked = time.perf_counter(), time.process_time()
            side.step(images, hidden)
            seconds[name].append(time.perf_counter() - start)
            work[name] += time.process_time() - worked
    del steps, side
    memory = _in_own_processes(options.batch)
    ours, peer = (statistics.median(seconds[side]) for side in ("ours", "peer"))
    ratios = [b / a for a, b in zip(seconds["ours"], seconds["peer"], strict=True)]
    print(
        f"steps of each side in turn, seconds: ours {_list(seconds['ours'])}, peer {_list(seconds['peer'])}; ratio from {min(ratios):.2f} to {max(ratios):.2f}"
    )
    print(f"peak memory of one step: ours {memory['ours'] / _MIB:.0f} MiB, peer {memory['peer'] / _MIB:.0f} MiB")
    result = {
        "benchmark": "mae_step", "ratio": round(peer / ours, 2), "ours": round(ours, 3), "peer": round(peer, 3), "unit": "s/step",
        "memory_ratio": round(memory["ours"] / memory["peer"], 3), "ours_mib": round(memory["ours"] / _MIB), "peer_mib": round(memory["peer"] / _MIB),
        "batch": options.batch, "threads": torch.get_num_threads(), "processor_time_ratio": round(work["peer"] / work["ours"], 2),
    }  # fmt: skip
    print(json.dumps(result))


class Side:
    """A model, its optimizer and one training step."""

    def __init__(self, name: str, preset: str = _PRESET, device: str = "cpu"):
        import torch
        from torch import nn

        from contracts.knobs import load_knobs
        from training.config import PackBetonKnobs, PretrainMaeKnobs
        from training.models.encoder import SwinEncoder
        from training.models.mae import MaskedAutoencoder

        knobs, self.size = load_knobs(PretrainMaeKnobs, preset=preset), load_knobs(PackBetonKnobs, preset=preset).image_size
        torch.manual_seed(0)
        self.name, self.encoder, parts = name, SwinEncoder(knobs.encoder, self.size), nn.ModuleDict()
        if name == "ours":
            self.model = parts["mae"] = MaskedAutoencoder(self.encoder, knobs.mask_unit, knobs.decoder_depth, knobs.decoder_dim, "visible_only")
        else:
            parts["swin"], parts["head"] = self.encoder.swin, nn.Conv2d(self.encoder.channels[-1], 3 * 32**2, 1)
            parts.register_parameter("token", nn.Parameter(torch.zeros(self.encoder.embed_dim)))
        self.parts = parts.to(device)
        self.optimizer = torch.optim.AdamW(parts.parameters(), lr=1e-5, betas=knobs.betas, weight_decay=knobs.weight_decay)

    def loss(self, images: "torch.Tensor", hidden: "torch.Tensor") -> "torch.Tensor":
        import torch

        from training.losses.reconstruction import masked_pixel_loss, normalised_units
        from training.models.mae import to_units

        if self.name == "ours":
            content = torch.tensor([self.size], device=images.device).expand(len(images), -1)
            output = self.model(images, content, hidden)
            everywhere = torch.ones_like(output.pixels, dtype=torch.bool)
            return masked_pixel_loss(output.pixels, normalised_units(to_units(images, 32), everywhere)[0], output.hidden, everywhere)
        swin = self.parts["swin"]
        x = swin.patch_embed(images)  # [B, H/4, W/4, C]
        x = torch.where(hidden.repeat_interleave(8, 1).repeat_interleave(8, 2)[..., None], self.parts.token, x)
        pixels = self.parts["head"](swin.layers(x).permute(0, 3, 1, 2))  # [B, 3 32 32, H/32, W/32]
        error = (torch.nn.functional.pixel_shuffle(pixels, 32) - images).abs()
        mask = hidden.repeat_interleave(32, 1).repeat_interleave(32, 2)[:, None]
        return (error * mask).sum() / (3 * mask.sum())

    def step(self, images: "torch.Tensor", hidden: "torch.Tensor", bf16: bool = False) -> "torch.Tensor":
        """One training step, with the forward pass in bfloat16 autocast if asked for. Returns the loss, detached."""
        import torch

        self.optimizer.zero_grad()
        with torch.autocast(images.device.type, torch.bfloat16, enabled=bf16):
            loss = self.loss(images, hidden)
        loss.backward()
        self.optimizer.step()
        return loss.detach()


def data(batch: int, preset: str = _PRESET, device: str = "cpu") -> "tuple[torch.Tensor, torch.Tensor]":
    """Images [B, 3, H, W] and hidden units bool [B, H/32, W/32] of the preset's size and mask ratio."""
    import torch

    from contracts.knobs import load_knobs
    from training.config import PackBetonKnobs, PretrainMaeKnobs
    from training.models.mae import hidden_units

    size, knobs = load_knobs(PackBetonKnobs, preset=preset).image_size, load_knobs(PretrainMaeKnobs, preset=preset)
    images = torch.randn(batch, 3, *size, generator=torch.Generator().manual_seed(0))
    hidden = hidden_units(list(range(batch)), torch.tensor([size] * batch), size, 32, knobs.mask_ratio, seed=0, epoch=0)
    return images.to(device), hidden.to(device)


def check(ours: Side, peer: Side, images: "torch.Tensor", hidden: "torch.Tensor") -> float:
    """By how much the two encoders differ with nothing hidden, as a share of the largest value. Each side takes its first step, which allocates the
    optimizer's states. SystemExit unless both have the same encoder, and train all of it.
    """
    import torch

    from training.models.visible_swin import encode_visible

    theirs = dict(peer.encoder.named_parameters())
    same = all(torch.equal(p, theirs[name]) for name, p in ours.encoder.named_parameters()) and len(theirs) == len(list(ours.encoder.parameters()))
    with torch.no_grad():
        a = encode_visible(ours.encoder.swin, images[:1], torch.ones_like(hidden[:1]))
        b = peer.encoder(images[:1])[-1].permute(0, 2, 3, 1).flatten(0, 2)
    apart = float((a - b).abs().max() / b.abs().max())
    for side in (ours, peer):
        side.step(images, hidden)
    idle = [name for side in (ours, peer) for name, p in side.parts.named_parameters() if p.grad is None or not bool(p.grad.any())]
    print(
        f"both: {sum(p.numel() for p in theirs.values()) / 1e6:.1f} M weights in the encoder, the same; {int(hidden.sum())} of {hidden.numel()} units hidden; with "
        f"nothing hidden the encoders differ by {apart:.1e} of the largest value"
    )
    if not same or not apart <= _TOLERANCE or idle:
        raise SystemExit(f"error: the sides do not do the same work: same weights {same}, outputs apart {apart}, weights without a gradient {idle}")
    return apart


def peak_of_a_step(name: str, batch: int) -> int:
    """Bytes by which the resident set of this process grows in one step."""
    import torch

    images, hidden = data(batch)
    side = Side(name)
    for parameter in side.parts.parameters():
        parameter.grad = torch.zeros_like(parameter)
    side.optimizer.step()  # its states, which are there before every step but the first
    side.optimizer.zero_grad()
    Path("/proc/self/clear_refs").write_text("5")  # the peak so far is forgotten
    before = _status("VmRSS")
    side.step(images, hidden)
    return _status("VmHWM") - before


def _status(field: str) -> int:
    (line,) = [line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith(field)]
    return int(line.split()[1]) * 1024


def _in_own_processes(batch: int) -> dict[str, int]:
    """Bytes of both sides, which run beside each other: it is not time that is measured."""
    found = {}
    with ExitStack() as running:
        for side in ("ours", "peer"):
            command = [sys.executable, "-m", "benchmarks.mae_step", "--memory-of", side, "--batch", str(batch)]
            found[side] = running.enter_context(subprocess.Popen(command, stdout=subprocess.PIPE, text=True))
        printed = {side: process.communicate()[0] for side, process in found.items()}
    for side, process in found.items():
        if process.returncode:
            raise SystemExit(f"error: the process that measures the memory of {side} ended with {process.returncode}")
    return {side: int(text.split()[-1]) for side, text in printed.items()}


def _list(values: list[float]) -> str:
    return " ".join(f"{value:.2f}" for value in values)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.mae_step", description="A step of masked pretraining beside a dense one.")
    parser.add_argument("--batch", type=int, default=1, metavar="N", help="screens per step (default: %(default)s)")
    parser.add_argument("--rounds", type=int, default=2, metavar="N", help="steps of each side that are timed (default: %(default)s)")
    parser.add_argument("--threads", type=int, metavar="N", help="of torch (default: one per core)")
    parser.add_argument("--memory-of", choices=("ours", "peer"), help=argparse.SUPPRESS)
    return parser.parse_args()


if __name__ == "__main__":
    run_command(main)
