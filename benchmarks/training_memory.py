"""Memory of a training step: `mu0 estimate` against what the step really takes.

    python benchmarks/training_memory.py --out training_memory.json
    python benchmarks/training_memory.py --only small base_checkpointed

Every case runs in a process of its own: two steps through the real training code, then one that is measured,
by the allocator's own record (torch.profiler) and by the growth of the process's resident memory since the
libraries were loaded. The estimate is made in a process that never builds the model.

`base_1` is the preset `base`, one image and 64 keypoints: the largest that a machine of 16 GiB trains in
reasonable time.
"""

import argparse
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import torch
from torch.profiler import ProfilerActivity, profile

from mu0.model.presets import preset
from mu0.params.world_model import TrainParams, WorldModelParams
from mu0.training.acceleration import accelerated
from mu0.training.memory import blank_batch, blank_model, estimate_memory
from mu0.training.state import TrainingState
from mu0.training.step import Objective, optimizer_for, optimizer_step
from mu0.training.team import Team
from mu0.training.world_model import fit_settings

MIB = 2**20
TARGET = 0.15
CASES: dict[str, tuple[str, dict[str, Any]]] = {
    "small": ("small", {"batch_size": 16}),
    "small_64": ("small", {"batch_size": 64}),
    "small_64_checkpointed": ("small", {"batch_size": 64, "checkpointing": True}),
    "base_1": ("base", {"batch_size": 1, "n_queries": 64}),
    "base_1_bfloat16": ("base", {"batch_size": 1, "n_queries": 64, "precision": "bfloat16"}),
    "base_1_checkpointed": ("base", {"batch_size": 1, "n_queries": 64, "checkpointing": True}),
}


def train_params(case: str) -> TrainParams:
    """The section of params.yaml that a case stands for."""
    name, changes = CASES[case]
    return WorldModelParams(preset=name, train={"steps": 10, **changes}).train


def estimate(case: str) -> dict[str, float]:
    """MiB as `mu0 estimate` would say."""
    found = estimate_memory(preset(CASES[case][0], depth_dropout=0.0), train_params(case))
    return {"estimated_mib": found.peak / MIB, "activations_mib": found.activations / MIB}


def measure(case: str) -> dict[str, float]:
    """MiB that the third step takes at its peak."""
    torch.set_num_threads(1)
    train, config = train_params(case), preset(CASES[case][0], depth_dropout=0.0)
    before = resident_mib("VmRSS")
    model = blank_model(config)
    settings = fit_settings(train)
    objective = Objective(model, lambda batch, g: {"loss": model.loss(batch, g).total}, settings, Team())
    state = TrainingState(model, optimizer_for(model, settings))
    waiting = blank_batch(config, train)  # the one that is loaded ahead
    with accelerated(model, checkpointing=train.checkpointing, compiling=False, precision=train.precision):
        for _ in range(2):
            optimizer_step(state, [waiting], objective)
        batch = blank_batch(config, train)
        state.optimizer.zero_grad(set_to_none=True)
        Path("/proc/self/clear_refs").write_text("5")
        optimizer_step(state, [batch], objective)
        grown = resident_mib("VmHWM") - before
        state.optimizer.zero_grad(set_to_none=True)
        moments = [value for kept in state.optimizer.state.values() for value in kept.values()]
        resident = [*model.parameters(), *model.buffers(), *state.average.values(), *moments]
        resident += [value for each in (batch, waiting) for value in vars(each).values()]
        fixed = sum(t.untyped_storage().nbytes() for t in resident if isinstance(t, torch.Tensor))
        with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as recorded:
            optimizer_step(state, [batch], objective)
    allocated = (fixed + peak_of(recorded)) / MIB
    return {"allocated_mib": allocated, "resident_mib": grown}


def peak_of(recorded: profile) -> int:
    """The largest sum of what was allocated and not yet released [bytes]."""
    held = most = 0
    for event in recorded.profiler.kineto_results.events():
        if event.name() == "[memory]":
            held += event.nbytes()
            most = max(most, held)
    return most


def resident_mib(field: str) -> float:
    """A line of /proc/self/status."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(field)) / 1024


def run_part(part: str, case: str) -> dict[str, float]:
    """`estimate` or `measure` in a fresh process."""
    command = [sys.executable, __file__, "--part", part, "--only", case]
    answer = subprocess.run(command, check=True, capture_output=True, text=True)
    return dict(json.loads(answer.stdout.splitlines()[-1]))


def main() -> int:
    """Measure and write the JSON file."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path)
    parser.add_argument("--only", nargs="+", choices=sorted(CASES), default=list(CASES))
    parser.add_argument("--part", choices=["estimate", "measure"])
    arguments = parser.parse_args()
    if arguments.part:
        print(json.dumps({"estimate": estimate, "measure": measure}[arguments.part](arguments.only[0])))
        return 0
    result: dict[str, Any] = {"target_relative_error": TARGET, "cases": {}}
    for case in arguments.only:
        numbers = run_part("estimate", case) | run_part("measure", case)
        for kind in ("allocated", "resident"):
            numbers[f"error_{kind}"] = numbers["estimated_mib"] / numbers[f"{kind}_mib"] - 1
        result["cases"][case] = {name: round(value, 3) for name, value in numbers.items()}
        print(case, result["cases"][case], file=sys.stderr)
    if arguments.out:
        arguments.out.write_text(json.dumps(result, indent=2) + "\n")
    print(json.dumps(result, indent=2))
    return 0 if all(abs(each["error_allocated"]) <= TARGET for each in result["cases"].values()) else 1


if __name__ == "__main__":
    sys.exit(main())
