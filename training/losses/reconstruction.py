"""Pixel reconstruction error of masked autoencoders (arXiv:2111.06377, section 3)."""

import torch
from torch import Tensor


def normalised_units(target: Tensor, content: Tensor, eps: float = 1e-6) -> tuple[Tensor, Tensor, Tensor]:
    """`target` [B, N, P] with zero mean and unit (unbiased) variance over the content pixels of each unit, then that mean and standard deviation
    [B, N, 1].
    """
    weight = content.to(target.dtype)
    count = weight.sum(-1, keepdim=True).clamp(min=1)
    mean = (target * weight).sum(-1, keepdim=True) / count
    deviation = (((target - mean) ** 2 * weight).sum(-1, keepdim=True) / (count - 1).clamp(min=1) + eps).sqrt()
    return (target - mean) / deviation, mean, deviation


def masked_pixel_loss(predicted: Tensor, target: Tensor, hidden: Tensor, content: Tensor) -> Tensor:
    """Mean squared error over the content pixels of hidden units, averaged per screen and then over screens (so that it does not depend on
    how a batch is cut). `predicted`, `target` [B, N, P]; `hidden` bool [B, N]; `content` bool [B, N, P]. Returns a scalar.
    """
    weight = content & hidden[..., None]
    error = (predicted.float() - target.float()) ** 2 * weight
    return (error.sum((1, 2)) / torch.clamp(weight.sum((1, 2)), min=1)).mean()
