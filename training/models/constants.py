"""Small tables of numbers on a device, copied there once: a copy from the host makes a GPU wait, and cannot be recorded in a CUDA graph."""

from functools import lru_cache

import torch
from torch import Tensor


@lru_cache(maxsize=256)
def constant(values: tuple[object, ...], device: torch.device, dtype: torch.dtype | None = None) -> Tensor:
    """`values` (numbers, or tuples of them) as a tensor, the same one every time. Do not change it."""
    with torch.inference_mode(False):  # one made for inference could not take part in training later
        return torch.tensor(values, dtype=dtype, device=device)
