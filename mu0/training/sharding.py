"""Weights spread over processes (FSDP2), for models that are too large for each process to hold.

The text layers and the trace expert are sharded: each process keeps a part of every weight, its gradient and
its moments, and a layer is put together only while it is used. The rest stays whole on every process, because
whether the depth panel is looked at is drawn per batch: sharded layers that one process calls and another
does not would wait for each other forever.

Entry points
    shard                 spread a world model over the team
    total_norm_and_clip   the norm of whole and sharded gradients together
"""

import torch
from torch import Tensor, distributed, nn
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.fsdp import fully_shard, register_fsdp_forward_method
from torch.distributed.tensor import DTensor, distribute_tensor

from mu0.errors import StageError
from mu0.model.world_model import TraceWorldModel
from mu0.training.team import Team


def shard(model: TraceWorldModel, device: torch.device) -> None:
    """Spread the text layers and the expert of `model` over the team, in place.

    Each layer's weights are gathered when its first part is called and let go after its last part.

    Raises:
        StageError: There is no team.
    """
    if not distributed.is_initialized():
        raise StageError(
            "`world_model.train.sharding: full` was asked for in a single process.",
            expected="several processes, which hold a part of the weights each",
            remedy="start with `torchrun --nproc-per-node N -m assets_defs.world_model.stage`, "
            "or use `none`.",
        )
    mesh = init_device_mesh(device.type, (distributed.get_world_size(),))
    for layer in model.backbone.smolvlm.text_model.layers:
        attention = layer.self_attn
        parts = [attention.q_proj, attention.k_proj, attention.v_proj, attention.o_proj]
        fully_shard([layer.input_layernorm, *parts, layer.post_attention_layernorm, layer.mlp], mesh=mesh)
    for layer in model.expert.layers:
        fully_shard(layer, mesh=mesh)
        register_fsdp_forward_method(layer, "pair")
    fully_shard(model, mesh=mesh, ignored_params={p for p in model.parameters() if not is_sharded(p)})
    register_fsdp_forward_method(model, "loss")


def gathered(model: TraceWorldModel) -> TraceWorldModel:
    """A whole copy of a sharded model on the CPU; all processes must call."""
    weights = {name: whole(value).cpu() for name, value in model.state_dict().items()}
    copy = TraceWorldModel(model.config, model.tokenizer, model.statistics)
    copy.load_state_dict(weights)
    return copy.eval()


def is_sharded(tensor: Tensor) -> bool:
    """True for a weight of which this process holds a part only."""
    return isinstance(tensor, DTensor)


def whole(tensor: Tensor) -> Tensor:
    """The complete tensor; all processes must ask."""
    return tensor.full_tensor() if isinstance(tensor, DTensor) else tensor


def as_shard(tensor: Tensor, like: Tensor) -> Tensor:
    """This process's part of a complete tensor, cut and placed as `like` is."""
    tensor = tensor.to(like.device)
    if not isinstance(like, DTensor):
        return tensor
    return distribute_tensor(tensor, like.device_mesh, like.placements)


def sync_replicated(model: nn.Module, team: Team) -> None:
    """Average the gradients of the weights that every process holds whole.

    A weight that some process did not use counts as zero there; one that nobody used keeps no gradient.
    """
    weights = [p for p in model.parameters() if p.requires_grad and not is_sharded(p)]
    if team.size == 1 or not weights:
        return
    used = team.mean(torch.tensor([float(p.grad is not None) for p in weights], device=weights[0].device))
    weights = [p for p, share in zip(weights, used.tolist(), strict=True) if share > 0]
    flat = team.mean(
        torch.cat([(torch.zeros_like(p) if p.grad is None else p.grad).flatten() for p in weights])
    )
    for parameter, part in zip(weights, torch.split(flat, [p.numel() for p in weights]), strict=True):
        parameter.grad = part.view_as(parameter).clone()


def total_norm_and_clip(parameters: list[nn.Parameter], limit: float) -> Tensor:
    """Scale all gradients so that their common norm is at most `limit`; the norm before."""
    sharded = [p for p in parameters if is_sharded(p) and p.grad is not None]
    if not sharded:
        return nn.utils.clip_grad_norm_(parameters, limit)
    rest = [p for p in parameters if not is_sharded(p) and p.grad is not None]
    parts = [
        whole(nn.utils.get_total_norm([p.grad for p in group if p.grad is not None]))
        for group in (rest, sharded)
        if group
    ]
    norm = torch.linalg.vector_norm(torch.stack(parts))
    for group in (rest, sharded):
        nn.utils.clip_grads_with_norm_(group, limit, norm)
    return norm
