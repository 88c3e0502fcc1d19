"""Less memory and less time for the layers of a world model, for the duration of a training.

    checkpointing   a layer's intermediate values are not kept but computed again on the way back:
                    about a third more work for a fraction of the memory
    compiling       layers become fused kernels (torch.compile); pays off on GPUs, after minutes of compiling

Neither changes a weight's name, and both are gone when the block ends. In reduced precision the two heads,
the expert's norms and the rendering of curves stay in float32.
"""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, nullcontext
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from mu0.model.lora import LoraLinear, adapters_active
from mu0.model.world_model import TraceWorldModel
from mu0.training.settings import Precision

Call = Callable[..., Any]


@contextmanager
def accelerated(
    model: TraceWorldModel, *, checkpointing: bool, compiling: bool, precision: Precision
) -> Iterator[None]:
    """Run the layers of `model` as asked while the block lasts."""
    with ExitStack() as undo:
        for owner, name in layers_of(model):
            if compiling:
                _replace(undo, owner, name, torch.compile(getattr(owner, name)))
            if checkpointing:
                _replace(undo, owner, name, _recomputed(getattr(owner, name), owner))
        if precision != "float32":
            for owner, name in float32_calls(model):
                _replace(undo, owner, name, _in_float32(getattr(owner, name)))
        yield


def layers_of(model: TraceWorldModel) -> list[tuple[nn.Module, str]]:
    """The repeated layers, as (module, name of the method that runs one layer)."""
    layers = [*model.backbone.smolvlm.vision_model.encoder.layers, *model.expert.layers]
    return [(layer, "forward") for layer in layers] + [(model.backbone, "_text_layer")]


def float32_calls(model: TraceWorldModel) -> list[tuple[nn.Module, str]]:
    """What is too delicate for autocast."""
    norms = [module for module in model.expert.modules() if isinstance(module, nn.RMSNorm)]
    heads = [head for head in (model.velocity_head, model.done_head, model.moves_head) if head is not None]
    return [(module, "forward") for module in (*heads, *norms)] + [(model, "render")]


def _replace(undo: ExitStack, owner: nn.Module, name: str, call: Call) -> None:
    """Shadow the method `name` of one object; `undo` uncovers what was there before."""
    before = owner.__dict__.get(name)
    owner.__dict__[name] = call

    def restore() -> None:
        if before is None:
            del owner.__dict__[name]
        else:
            owner.__dict__[name] = before

    undo.callback(restore)


def _recomputed(call: Call, owner: nn.Module) -> Call:
    """`call` without kept intermediates; adapters that were on are on again when it is repeated."""
    adapters = [module for module in owner.modules() if isinstance(module, LoraLinear)]

    def recomputed(*arguments: Any, **named: Any) -> Any:
        adapted = owner if any(adapter.is_active for adapter in adapters) else None
        return checkpoint(
            call,
            *arguments,
            use_reentrant=False,
            preserve_rng_state=False,  # nothing inside is random
            context_fn=lambda: (nullcontext(), adapters_active(adapted) if adapted else nullcontext()),
            **named,
        )

    return recomputed


def _in_float32(call: Call) -> Call:
    def exact(tensor: Tensor) -> Any:
        with torch.autocast(tensor.device.type, enabled=False):
            return call(tensor.float())

    return exact
