"""Are convolutions faster in bfloat16 than in float32 here? Asked by measuring, not read from flags.

    answer(CPU)  = CPU time of a bfloat16 convolution < CPU time of the same in float32
    answer(CUDA) = the GPU has bfloat16 units

Measured ratios (one thread, the convolution below): 28 where there is AVX2 only and bfloat16 is emulated,
3.7 with AVX-512 alone, and still 1.6 on an Intel processor *with* avx512_bf16, whose flag promises a gain.
What is compared is the CPU time of one thread, the least of several tries: on a machine with eight times more
work than cores the 1.6 stayed between 1.48 and 1.60, so that noise does not turn the answer.

An answer belongs to a process. A parent gives its own to its workers (`settle`), and a training goes on in
the precision in which it began (`settle_for_training`), so that one run never mixes two.

Entry points
    has_fast_bfloat16     the answer of this process, for modules
    settle                "auto" or a person's choice -> what this process computes in from now on
    settle_for_training   the same, remembered in the folder of a training
"""

import logging
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Literal

import torch
from torch.nn import functional

from mu0.files import read_json, write_json

Choice = Literal["auto", "float32", "bfloat16"]
Settled = Literal["float32", "bfloat16"]
LOG = logging.getLogger(__name__)
CHANNELS = 64  # of the stems of small models
SIDE_PX = 16
TRIES = 5
NAME = "convolutions.json"

_settled: dict[str, Settled] = {}  # by type of device


def has_fast_bfloat16(device: torch.device) -> bool:
    """Whether convolutions on `device` are to be computed in bfloat16; the same throughout a process."""
    if device.type not in _settled:
        settle("auto", device)
    return _settled[device.type] == "bfloat16"


def settle(choice: Choice, device: torch.device) -> Settled:
    """Fix what this process computes convolutions in, and say so.

    Args:
        choice: "auto" asks the machine.
        device: Where they will run.
    """
    settled: Settled = _measured(device.type) if choice == "auto" else choice
    _settled[device.type] = settled
    return settled


def settle_for_training(choice: Choice, device: torch.device, work_folder: Path) -> Settled:
    """As `settle`; what the machine answered first is noted in `work_folder` and stays the answer there."""
    note = work_folder / NAME
    begun: Choice = read_json(note)["convolutions"] if choice == "auto" and note.is_file() else choice
    settled = settle(begun, device)
    write_json(note, {"convolutions": settled})
    return settled


@contextmanager
def settled_as(choice: Choice, device: torch.device) -> Iterator[None]:
    """`settle` for the duration of a block."""
    before = _settled.get(device.type)
    settle(choice, device)
    try:
        yield
    finally:
        _settled.pop(device.type)
        if before is not None:
            _settled[device.type] = before


@cache
def _measured(device_type: str) -> Settled:
    if device_type == "cuda":
        has_units = torch.cuda.is_bf16_supported(including_emulation=False)
        return "bfloat16" if has_units else "float32"
    if device_type != "cpu":
        return "float32"
    ratio = time_ratio()
    settled: Settled = "bfloat16" if ratio < 1 else "float32"
    LOG.info("Convolutions in %s: bfloat16 takes %.2g times the time of float32 here.", settled, ratio)
    return settled


def time_ratio() -> float:
    """CPU time of a bfloat16 convolution over that of a float32 one; infinite where there is none."""
    n_threads = torch.get_num_threads()
    try:
        # a thread of its own: modes of the caller (autocast, tensors without contents) end at its border
        with ThreadPoolExecutor(1) as apart:
            return apart.submit(_time_ratio).result()
    finally:
        torch.set_num_threads(n_threads)


@torch.inference_mode()
def _time_ratio() -> float:
    torch.set_num_threads(1)  # all work in this thread, whose CPU time is read
    image = torch.ones(1, CHANNELS, SIDE_PX, SIDE_PX)
    weight = torch.ones(CHANNELS, CHANNELS, 3, 3)
    image_16, weight_16 = image.bfloat16(), weight.bfloat16()
    try:
        pairs = [
            (
                _cpu_s(lambda: functional.conv2d(image, weight, padding=1)),
                _cpu_s(lambda: functional.conv2d(image_16, weight_16, padding=1)),
            )
            for _ in range(1 + TRIES)  # the first also chooses kernels
        ]
    except RuntimeError:  # this build of torch has no such kernel
        return float("inf")
    exact_s, rounded_s = (min(column) for column in zip(*pairs[1:], strict=True))
    return rounded_s / max(exact_s, 1e-9)


def _cpu_s(call: Callable[[], torch.Tensor]) -> float:
    started = time.thread_time()
    call()
    return time.thread_time() - started
