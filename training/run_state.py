"""What a run is at a moment, as whole tensors by name, whatever its strategy split over processes; and putting it back.

Because nothing in it knows how many processes there were, a run can go on with another number of them, or under another strategy. (What a rank had for
itself, its random numbers, goes on only with as many processes as there were.)

`gather` and `restore` are called by all processes together.
"""

import random
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from lightning.pytorch.strategies import DeepSpeedStrategy, Strategy
from torch import Tensor, nn
from torch.distributed.tensor import DTensor, distribute_tensor

from training.distribution import zero_stage

_MOMENTS = ("exp_avg", "exp_avg_sq")


def gather(model: nn.Module, strategy: Strategy) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """All weights and buffers by name, and AdamW's state as `<parameter>/<name>`: whole copies on the CPU, on every process."""
    if isinstance(strategy, DeepSpeedStrategy):
        return _gather_zero(model, strategy)
    optimizer = strategy.optimizers[0]
    moments = {
        f"{name}/{key}": whole(value) for name, parameter in model.named_parameters() for key, value in optimizer.state.get(parameter, {}).items()
    }
    return {name: whole(value) for name, value in model.state_dict().items()}, moments


def restore(model: nn.Module, strategy: Strategy, weights: Mapping[str, Tensor], moments: Mapping[str, Tensor]) -> None:
    """Put back what `gather` gave. The optimizer must be new."""
    if isinstance(strategy, DeepSpeedStrategy):
        return _restore_zero(model, strategy, weights, moments)
    write(model, weights)
    optimizer = strategy.optimizers[0]
    for name, parameter in model.named_parameters():
        found = {key: moments[f"{name}/{key}"] for key in ("step", *_MOMENTS) if f"{name}/{key}" in moments}
        # AdamW keeps the number of steps on the CPU unless it is fused or capturable, which ours is not.
        state = {key: value.clone() if key == "step" else like(value, parameter) for key, value in found.items()}
        if state:
            optimizer.state[parameter] = state
    return None


def write(model: nn.Module, weights: Mapping[str, Tensor]) -> None:
    """Copy whole weights and buffers into a model, split or not. KeyError if one is missing."""
    with torch.no_grad():
        for name, value in model.state_dict(keep_vars=True).items():
            value.data.copy_(like(weights[name], value))


def whole(value: Tensor) -> Tensor:
    """A copy on the CPU of a tensor, of all its parts if it is split over processes."""
    value = value.detach()
    return (value.full_tensor() if isinstance(value, DTensor) else value).to("cpu", copy=True).contiguous()


def like(value: Tensor, other: Tensor) -> Tensor:
    """A whole tensor, placed (and split) as `other` is."""
    value = value.to(other.device)
    return distribute_tensor(value, other.device_mesh, other.placements) if isinstance(other, DTensor) else value


def shapes(model: nn.Module) -> dict[str, list[int]]:
    """What tells one architecture from another: every weight's and buffer's name and whole shape."""
    return {name: list(getattr(value, "ds_shape", value.shape)) for name, value in model.state_dict(keep_vars=True).items()}


def _gather_zero(model: nn.Module, strategy: Any) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    from deepspeed.utils import safe_get_full_fp32_param, safe_get_full_optimizer_state

    zero = strategy.deepspeed_engine.optimizer
    if zero_stage(strategy) < 3:
        _link_moments(zero)
    step = next(iter(zero.optimizer.state.values()))["step"]
    weights = {name: whole(value) for name, value in model.state_dict().items()}
    moments: dict[str, Tensor] = {}
    for name, parameter in model.named_parameters():
        weights[name] = whole(safe_get_full_fp32_param(parameter))
        moments[f"{name}/step"] = whole(step)
        for key in _MOMENTS:
            moments[f"{name}/{key}"] = whole(safe_get_full_optimizer_state(parameter, key))
    return weights, moments


def _restore_zero(model: nn.Module, strategy: Any, weights: Mapping[str, Tensor], moments: Mapping[str, Tensor]) -> None:
    from deepspeed.utils import safe_set_full_fp32_param, safe_set_full_optimizer_state

    if zero_stage(strategy) == 3:
        return _restore_zero_3(model, strategy, weights, moments)
    zero = strategy.deepspeed_engine.optimizer
    base = zero.optimizer
    step = next(value for name, value in moments.items() if name.endswith("/step"))
    for flat in zero.single_partition_of_fp32_groups:
        base.state[flat] = {"step": step.clone(), **{key: torch.zeros_like(flat, requires_grad=False) for key in _MOMENTS}}
    _link_moments(zero)
    with torch.no_grad():
        for name, value in model.state_dict(keep_vars=True).items():
            if not isinstance(value, nn.Parameter):
                value.copy_(weights[name])
                continue
            value.data.copy_(weights[name])
            safe_set_full_fp32_param(value, weights[name].to(strategy.root_device))
            for key in _MOMENTS:
                if f"{name}/{key}" in moments:
                    safe_set_full_optimizer_state(value, moments[f"{name}/{key}"].to(strategy.root_device), key)


def _restore_zero_3(model: nn.Module, strategy: Any, weights: Mapping[str, Tensor], moments: Mapping[str, Tensor]) -> None:
    from deepspeed.utils import safe_set_local_fp32_param, safe_set_local_optimizer_state

    zero = strategy.deepspeed_engine.optimizer
    step = next(value for name, value in moments.items() if name.endswith("/step"))
    for flat in zero.fp32_partitioned_groups_flat:
        zero.optimizer.state[flat] = {"step": step.clone(), **{key: torch.zeros_like(flat, requires_grad=False) for key in _MOMENTS}}

    def part(value: Tensor, parameter: Any) -> Tensor:
        """This process's of a whole tensor, all of one length: the last ends with zeros."""
        size = parameter.ds_tensor.numel()
        mine = value.flatten()[strategy.global_rank * size :][:size]
        return nn.functional.pad(mine, (0, size - mine.numel())).to(strategy.root_device)

    with torch.no_grad():
        for name, value in model.state_dict(keep_vars=True).items():
            if not isinstance(value, nn.Parameter):
                value.copy_(weights[name])
                continue
            parameter: Any = value
            if parameter.numel():  # gathered at the moment
                parameter.data.copy_(weights[name])
            mine = part(weights[name], parameter)
            parameter.ds_tensor.data.copy_(mine)  # the next forward pass gathers these; the optimizer moves its own copy
            safe_set_local_fp32_param(parameter, mine)
            for key in _MOMENTS:
                if f"{name}/{key}" in moments:
                    safe_set_local_optimizer_state(parameter, part(moments[f"{name}/{key}"], parameter), key)


def _link_moments(zero: Any) -> None:
    """DeepSpeed links parameters to their moments once, after the first step of the first parameter group, when the others have none yet."""
    zero._hp_optimizer_states_linked = False
    zero._lazy_init_hp_params_optimizer_state()


def random_state() -> dict[str, Tensor]:
    """This process's generators: torch's (and its GPU's), numpy's and Python's."""
    _, keys, position, has_gauss, cached = np.random.get_state()
    version, words, gauss = random.getstate()
    assert version == 3
    found = {
        "torch": torch.get_rng_state(),
        "numpy_keys": torch.from_numpy(np.asarray(keys, dtype=np.int64)),
        "numpy_rest": torch.tensor([position, has_gauss, cached], dtype=torch.float64),
        "python_words": torch.tensor(words, dtype=torch.int64),
        "python_gauss": torch.tensor([float("nan") if gauss is None else gauss], dtype=torch.float64),
    }
    return found | ({"cuda": torch.cuda.get_rng_state()} if torch.cuda.is_initialized() else {})


def set_random_state(state: Mapping[str, Tensor]) -> None:
    """Put back what `random_state` gave."""
    torch.set_rng_state(state["torch"])
    position, has_gauss, cached = state["numpy_rest"].tolist()
    np.random.set_state(("MT19937", state["numpy_keys"].numpy().astype(np.uint32), int(position), int(has_gauss), cached))
    gauss = float(state["python_gauss"])
    random.setstate((3, tuple(state["python_words"].tolist()), None if gauss != gauss else gauss))
    if "cuda" in state and torch.cuda.is_available():
        torch.cuda.set_rng_state(state["cuda"])
