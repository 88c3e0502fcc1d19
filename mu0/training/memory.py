"""How much memory a training step will take, found out without taking it.

The real code builds the model, computes the loss and its gradients on tensors that have shapes but no
contents (torch's fake tensors). A listener books every allocation and every release, so that the peak of the
step is counted, not modelled: what autograd keeps, what checkpointing drops, every temporary. The optimizer's
share follows from the number of trainable weights.

What is not seen: workspace inside fused kernels, and what an allocator rounds up or holds back.

Conventions
    MiB    2**20 bytes
    peak   weights + average + moments + the largest sum of gradients, activations and temporaries

Entry points
    estimate_memory            of one config
    blank_model, blank_batch   what it is found out with; also good for measuring time
"""

import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch._subclasses import FakeTensorMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from mu0.dataset.batch import TraceBatch
from mu0.dataset.statistics import NormalizerStats
from mu0.model.config import WorldModelConfig
from mu0.model.tokenizer import train_tokenizer
from mu0.model.world_model import TraceWorldModel
from mu0.params.world_model import TrainParams
from mu0.training.acceleration import accelerated

CAPTIONS = ["pick up the mug and put it on the plate"]
MOMENTS = 2  # AdamW
WEIGHT_BYTES = 4


@dataclass(frozen=True)
class MemoryEstimate:
    """Bytes of one process that trains; counts of weights."""

    n_parameters: int
    n_trainable: int
    weights: int  # with buffers
    gradients: int
    average: int
    moments: int
    activations: int  # kept for the way back, at the end of the forward pass
    batch: int  # one pass
    peak: int


def estimate_memory(config: WorldModelConfig, train: TrainParams) -> MemoryEstimate:
    """Follow one training step of `config` on fake tensors; takes seconds, allocates nothing large."""
    with FakeTensorMode(allow_non_fake_inputs=True):
        with _Answering(yes=False):  # initialisers ask whether there are outliers to draw again
            model = blank_model(config)
        model.fit = _shape_of_fit(config)
        batch = blank_batch(config, train)
        trainable = [p for p in model.parameters() if p.requires_grad]
        weights = _bytes([*model.parameters(), *model.buffers()])
        gradients = _bytes(trainable)
        with accelerated(
            model, checkpointing=train.checkpointing, compiling=False, precision=train.precision
        ):
            activations, step_peak = _follow(model, batch, train)
    average, moments, batch_bytes = gradients, MOMENTS * gradients, _bytes(vars(batch).values())
    resident = weights + average + moments + 2 * batch_bytes  # one is loaded ahead
    if train.accumulate > 1:
        resident += gradients  # of the passes before
    return MemoryEstimate(
        n_parameters=sum(p.numel() for p in model.parameters()),
        n_trainable=sum(p.numel() for p in trainable),
        weights=weights,
        gradients=gradients,
        average=average,
        moments=moments,
        activations=activations,
        batch=batch_bytes,
        peak=resident + max(step_peak, gradients),
    )


def _shape_of_fit(config: WorldModelConfig) -> Any:
    """Control points of the right shape; how they are fitted depends on values, which are not there."""

    def fit(future: Tensor, valid: Tensor) -> tuple[Tensor, Tensor]:
        return future.new_zeros(*future.shape[:2], config.n_control_points, 3), valid.any(-1)

    return fit


def blank_batch(config: WorldModelConfig, train: TrainParams) -> TraceBatch:
    """A batch of the right shapes in which everything is known and nothing happens."""
    images = (train.batch_size, 3, config.image_size_px, config.image_size_px)
    keypoints = (train.batch_size, train.n_queries)
    return TraceBatch(
        image=torch.zeros(images),
        instructions=CAPTIONS * train.batch_size,
        anchor_uvz=torch.zeros(*keypoints, 3),
        history=torch.zeros(*keypoints, config.history_len, 3),
        history_valid=torch.ones(*keypoints, config.history_len, dtype=torch.bool),
        future=torch.zeros(*keypoints, config.future_len, 3),
        future_valid=torch.ones(*keypoints, config.future_len, dtype=torch.bool),
        query_valid=torch.ones(keypoints, dtype=torch.bool),
        cluster_ids=torch.zeros(keypoints, dtype=torch.int64),
        depth_panel=torch.zeros(images) if config.use_depth else None,
        depth_valid=torch.ones(train.batch_size, dtype=torch.bool) if config.use_depth else None,
    )


def blank_model(config: WorldModelConfig) -> TraceWorldModel:
    """A model of the right shapes that knows one sentence."""
    statistics = NormalizerStats(
        1.0, 1.0, 1.0, 1, config.history_len, config.future_len, depth_log_min=-1.0, depth_log_max=1.0
    )
    tokenizer = train_tokenizer(CAPTIONS, config.vocabulary_size, config.max_text_tokens)
    return TraceWorldModel(config, tokenizer, statistics).train()


def _follow(model: TraceWorldModel, batch: TraceBatch, train: TrainParams) -> tuple[int, int]:
    """Bytes kept after the loss, and the most bytes at any time; weights do not count."""
    generator = torch.Generator().manual_seed(0)
    with _Ledger(known=[*model.parameters(), *model.buffers(), *vars(batch).values()]) as ledger:
        with _autocast(train):
            terms = model.loss(batch, generator)
        kept = ledger.held
        terms.total.backward()  # type: ignore[no-untyped-call]
    return kept, ledger.peak


@contextmanager
def _autocast(train: TrainParams) -> Iterator[None]:
    if train.precision == "float32":
        yield
        return
    with torch.autocast("cpu", dtype=getattr(torch, train.precision)):
        yield


class _Answering(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Answers questions about values, which fake tensors do not have: all yes, or all no."""

    def __init__(self, *, yes: bool) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._yes = yes

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if func is torch.ops.aten._local_scalar_dense.default:
            return self._yes if args[0].dtype == torch.bool else int(self._yes)
        return func(*args, **(kwargs or {}))


class _Ledger(_Answering):  # type: ignore[no-untyped-call]
    """Books every storage when it appears and when it goes."""

    def __init__(self, known: list[Any]) -> None:
        super().__init__(yes=True)
        self.held = self.peak = 0
        self._storages: weakref.WeakSet[Any] = weakref.WeakSet()
        for tensor in known:
            if isinstance(tensor, Tensor):
                self._storages.add(tensor.untyped_storage())

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = super().__torch_dispatch__(func, types, args, kwargs)
        for leaf in tree_leaves(result):
            if isinstance(leaf, Tensor):
                self._book(leaf.untyped_storage())
        return result

    def _book(self, storage: Any) -> None:
        if storage in self._storages:
            return
        n_bytes = storage.nbytes()
        self._storages.add(storage)
        self.held += n_bytes
        self.peak = max(self.peak, self.held)
        weakref.finalize(storage, self._release, n_bytes)

    def _release(self, n_bytes: int) -> None:
        self.held -= n_bytes


def _bytes(tensors: Any) -> int:
    return sum(t.untyped_storage().nbytes() for t in tensors if isinstance(t, Tensor))
