"""The processes that train one model together, started by `torchrun`.

    torchrun --nproc-per-node 4 -m assets_defs.world_model.stage

Every process holds the model, takes its own share of each step's batches, and gradients are averaged, so that
all hold the same weights after every step. The batches of a step are numbered over all processes: batch
`step * n + rank * accumulate + k`, so four batches by one process, two by two or one by four are the same
data, the same noise and, but for rounding, the same step.

Without torchrun a team has one member and nothing is sent.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor, distributed

from mu0.errors import StageError


@dataclass(frozen=True)
class Team:
    """How many processes train together, and which of them this is."""

    rank: int = 0
    size: int = 1

    @property
    def is_first(self) -> bool:
        """True for the one process that writes files and talks."""
        return self.rank == 0

    def batch_numbers(self, step: int, accumulate: int) -> range:
        """The numbers of the batches that this process sees in one step."""
        first = (step * self.size + self.rank) * accumulate
        return range(first, first + accumulate)

    def mean(self, values: Tensor) -> Tensor:
        """The mean over the processes; all of them must ask."""
        if self.size == 1:
            return values
        values = values.clone()
        distributed.all_reduce(values)
        return values / self.size

    def any(self, wish: bool, device: torch.device) -> bool:  # noqa: FBT001
        """Whether any process wishes so; all of them must ask."""
        return bool(self.mean(torch.tensor(float(wish), device=device)) > 0)

    def wait(self) -> None:
        """Go on when all processes have come here."""
        if self.size > 1:
            distributed.barrier()


def current_team() -> Team:
    """The team that `joined_team` opened, or a team of one."""
    if not distributed.is_initialized():
        return Team()
    return Team(distributed.get_rank(), distributed.get_world_size())


@contextmanager
def joined_team(device: torch.device) -> Iterator[Team]:
    """Join the processes that torchrun started; NCCL on GPUs, gloo on CPUs."""
    if "WORLD_SIZE" not in os.environ or distributed.is_initialized():
        yield current_team()
        return
    if device.type == "cuda":
        torch.cuda.set_device(device)
    distributed.init_process_group("nccl" if device.type == "cuda" else "gloo")
    try:
        yield current_team()
    finally:
        distributed.destroy_process_group()


def training_device(name: str) -> torch.device:
    """The device called "auto", "cpu" or "cuda"; under torchrun each process gets its own GPU.

    Raises:
        StageError: CUDA is asked for and not there.
    """
    if name == "cuda" and not torch.cuda.is_available():
        raise StageError(
            "`device: cuda` is asked for, but this machine has no CUDA device.",
            expected="a GPU that torch can use (`mu0 doctor` says)",
            remedy="set `device: auto` or `device: cpu`.",
        )
    if name == "cpu" or not torch.cuda.is_available():
        return torch.device("cpu")
    return torch.device("cuda", int(os.environ.get("LOCAL_RANK", "0")))
