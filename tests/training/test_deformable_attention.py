"""Multi-scale deformable attention: the fast CPU path and the Triton kernel against the plain form, in value and gradient."""

import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from torch import Tensor
from transformers.models.deformable_detr.modeling_deformable_detr import DeformableDetrMultiscaleDeformableAttention

from training.models import deformable_attention_cpu
from training.models.deformable_attention import DeformableAttention, deformable_attention, deformable_attention_reference

Shapes = list[tuple[int, int]]
# Name -> level shapes, batch, heads, channels, queries, points, spread of the locations (1: just within the screen).
CASES: dict[str, tuple[Shapes, int, int, int, int, int, float]] = {
    "usual": ([(6, 8), (3, 4)], 2, 2, 4, 5, 4, 1.1),
    "odd sizes": ([(7, 5), (3, 1), (1, 9)], 2, 3, 5, 4, 3, 1.3),
    "one cell": ([(1, 1)], 1, 1, 1, 3, 1, 1.5),
    "an empty level": ([(4, 3), (0, 2), (2, 2)], 1, 2, 3, 4, 2, 1.2),
    "far outside": ([(3, 4), (2, 2)], 1, 2, 3, 6, 2, 1000.0),
    "no query": ([(3, 4)], 2, 2, 3, 0, 2, 1.0),
}


def case(name: str, dtype: torch.dtype = torch.float64) -> tuple[Tensor, Shapes, Tensor, Tensor]:
    shapes, batch, heads, channels, queries, points, spread = CASES[name]
    torch.manual_seed(0)
    value = torch.randn(batch, sum(h * w for h, w in shapes), heads, channels, dtype=dtype)
    locations = (torch.rand(batch, queries, heads, len(shapes), points, 2, dtype=dtype) - 0.5) * spread + 0.5
    weights = torch.rand(batch, queries, heads, len(shapes), points, dtype=dtype)
    return value.requires_grad_(), shapes, locations.requires_grad_(), weights.requires_grad_()


def assert_same(ours: Tensor, reference: Tensor, leaves: tuple[Tensor, ...]) -> None:
    torch.testing.assert_close(ours, reference)
    seed = torch.randn_like(reference)
    for a, b in zip(torch.autograd.grad(ours, leaves, seed), torch.autograd.grad(reference, leaves, seed), strict=True):
        torch.testing.assert_close(a, b)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("name", CASES)
def test_the_fast_cpu_path_is_the_plain_form(name: str, dtype: torch.dtype) -> None:
    value, shapes, locations, weights = case(name, dtype)
    ours = deformable_attention_cpu.Sample.apply(value, shapes, locations, weights)
    assert_same(ours, deformable_attention_reference(value, shapes, locations, weights), (value, locations, weights))


@pytest.mark.parametrize("name", ["usual", "odd sizes", "an empty level", "far outside"])
def test_gradients_of_the_fast_cpu_path(name: str) -> None:
    value, shapes, locations, weights = case(name)
    assert torch.autograd.gradcheck(lambda v, p, w: deformable_attention_cpu.Sample.apply(v, shapes, p, w), (value, locations, weights))


def test_a_gradient_that_nobody_wants_is_not_made() -> None:
    value, shapes, locations, weights = case("usual")
    result = deformable_attention(value.detach(), shapes, locations, weights.detach())
    (gradient,) = torch.autograd.grad(result.sum(), locations)
    reference = deformable_attention_reference(value, shapes, locations, weights)
    torch.testing.assert_close(gradient, torch.autograd.grad(reference.sum(), locations)[0])


def test_the_fast_cpu_path_gives_the_same_bits_with_any_number_of_threads() -> None:
    shapes = [(24, 30), (12, 15)]
    torch.manual_seed(0)
    value, locations = torch.randn(1, 900, 4, 8), torch.rand(1, 900, 4, 2, 4, 2)
    weights = torch.rand(1, 900, 4, 2, 4)
    found = []
    for threads in (1, 2):
        torch.set_num_threads(threads)
        leaves = [t.detach().requires_grad_() for t in (value, locations, weights)]
        result = deformable_attention(leaves[0], shapes, leaves[1], leaves[2])
        found.append([result.detach(), *torch.autograd.grad(result, leaves, torch.ones_like(result))])
    assert all(torch.equal(a, b) for a, b in zip(*found, strict=True))


def test_a_location_that_is_no_number_gives_no_number() -> None:
    value, shapes, locations, weights = case("usual")
    broken = locations.detach().clone()
    broken[0, 0] = torch.nan
    found = deformable_attention(value, shapes, broken, weights)
    assert not torch.isfinite(found[0, 0]).any() and torch.isfinite(found[0, 1:]).all()


def test_no_mask_is_a_mask_without_padding() -> None:
    torch.manual_seed(0)
    attention = DeformableAttention(8, levels=2, heads=2, points=2)
    query, memory, references = torch.randn(2, 5, 8), torch.randn(2, 16, 8), torch.rand(2, 5, 2, 4)
    shapes = [(3, 4), (2, 2)]
    masked = attention(query, references, memory, shapes, torch.zeros(2, 16, dtype=torch.bool))
    assert torch.equal(attention(query, references, memory, shapes, None), masked)


def test_by_hand() -> None:
    """One head, one level of 1 x 2 cells with values 10 and 20: the middle between the centres gives 15; outside gives zero."""
    value = torch.tensor([10.0, 20.0]).reshape(1, 2, 1, 1)
    locations = torch.tensor([[0.25, 0.5], [0.5, 0.5], [0.75, 0.5], [3.0, 0.5]]).reshape(1, 4, 1, 1, 1, 2)
    found = deformable_attention(value, [(1, 2)], locations, torch.ones(1, 4, 1, 1, 1))
    torch.testing.assert_close(found.flatten(), torch.tensor([10.0, 15.0, 20.0, 0.0]))


@pytest.mark.parametrize("coordinates", [2, 4])
def test_the_module_is_that_of_transformers(coordinates: int) -> None:
    torch.manual_seed(0)
    shapes, dim, heads, points = [(4, 6), (2, 3)], 16, 4, 3
    theirs = DeformableDetrMultiscaleDeformableAttention(
        SimpleNamespace(d_model=dim, num_feature_levels=2, disable_custom_kernels=True), num_heads=heads, n_points=points
    )
    ours = DeformableAttention(dim, 2, heads, points)
    names = {"offsets": "sampling_offsets", "weights": "attention_weights", "value": "value_proj", "output": "output_proj"}
    with torch.no_grad():
        for mine, other in names.items():
            for part in ("weight", "bias"):
                getattr(getattr(ours, mine), part).copy_(getattr(getattr(theirs, other), part).normal_(std=0.3))
    query, memory = torch.randn(2, 5, dim, requires_grad=True), torch.randn(2, 30, dim, requires_grad=True)
    references, padding = torch.rand(2, 5, 2, coordinates), torch.rand(2, 30) < 0.2
    a = ours(query, references, memory, shapes, padding)
    b, _ = theirs(
        query, attention_mask=~padding, encoder_hidden_states=memory, reference_points=references, spatial_shapes=torch.tensor(shapes),
        spatial_shapes_list=shapes, level_start_index=torch.tensor([0, 24]),
    )  # fmt: skip
    torch.testing.assert_close(a, b)
    seed = torch.randn_like(a)
    for x, y in zip(torch.autograd.grad(a, (query, memory), seed), torch.autograd.grad(b, (query, memory), seed), strict=True):
        torch.testing.assert_close(x, y)


_INTERPRETED = """
import pytest, torch
torch.set_num_threads(1)
from tests.training.test_deformable_attention import CASES, assert_same, case
from training.models import deformable_attention_triton
from training.models.deformable_attention import deformable_attention_reference
for name in CASES:
    value, shapes, locations, weights = case(name, torch.float32)
    ours = deformable_attention_triton.Sample.apply(value, shapes, locations, weights)
    assert_same(ours, deformable_attention_reference(value, shapes, locations, weights), (value, locations, weights))
    print("same:", name)
"""


def test_the_triton_kernels_are_the_plain_form() -> None:
    """On Triton's interpreter, which runs the kernels' own code on the CPU; it is chosen when Triton is imported, hence another process."""
    pytest.importorskip("triton")
    root = Path(__file__).parents[2]
    found = subprocess.run(
        [sys.executable, "-c", _INTERPRETED], cwd=root, env=os.environ | {"TRITON_INTERPRET": "1"}, capture_output=True, text=True, timeout=300
    )
    assert found.returncode == 0, found.stderr
    assert found.stdout.splitlines() == [f"same: {name}" for name in CASES]


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@pytest.mark.parametrize("name", CASES)
def test_the_triton_kernels_on_a_gpu(name: str) -> None:
    value, shapes, locations, weights = case(name, torch.float32)
    leaves = tuple(t.detach().cuda().requires_grad_() for t in (value, locations, weights))
    ours = deformable_attention(leaves[0], shapes, leaves[1], leaves[2])
    assert_same(ours, deformable_attention_reference(leaves[0], shapes, leaves[1], leaves[2]), leaves)
