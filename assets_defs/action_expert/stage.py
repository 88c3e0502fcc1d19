"""Stage `action_expert_<embodiment>`: train all variants of the action expert on the frozen μ0, side by side.

A step of so small a head gains almost nothing from a second core (6.2 against 6.5 steps/s), so each variant
gets a process and its share of the cores. Features of the demonstrations are taken once, before.
"""

import argparse
import os
from functools import partial
from pathlib import Path

import torch

from assets_defs.entry import configure_logging, run_stage
from assets_defs.sections import section
from assets_defs.tracking import track_run
from mu0.params.action_expert import ActionExpertParams
from mu0.policy.action_expert import Variant
from mu0.policy.expert_record import write_expert_record
from mu0.policy.train_action_expert import Paths, take_features, train_action_expert
from mu0.processes.pool import WorkerPool

DEMONSTRATIONS = Path("data/demonstrations")
WORLD_MODEL = Path("models/world_model")
CACHE = Path(".mu0_cache")
REPORTS = Path("reports/training")
VARIANTS: tuple[Variant, ...] = ("mu0", "no_trace", "grounded")


def main() -> None:
    """Train, and write each variant's checkpoint, metrics and loss curve."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--embodiment", choices=["ur3"], required=True)
    embodiment = parser.parse_args().embodiment
    params = section("action_expert", ActionExpertParams)
    take_features(_paths(embodiment, VARIANTS[0]), params, VARIANTS[0])
    with WorkerPool(len(VARIANTS), tidies=True) as processes:
        list(processes.map(partial(_train, embodiment, params), VARIANTS))


def _paths(embodiment: str, variant: Variant) -> Paths:
    return Paths(DEMONSTRATIONS, WORLD_MODEL, Path(f"models/action_expert_{embodiment}_{variant}"), CACHE)


def _train(embodiment: str, params: ActionExpertParams, variant: Variant) -> None:
    """One variant, in a process of its own."""
    configure_logging(variant)
    torch.set_num_threads(max(1, (os.cpu_count() or 1) // len(VARIANTS)))
    paths = _paths(embodiment, variant)
    name = paths.expert.name
    tracked = params.model_dump() | {"variant": variant}
    with track_run(f"action_expert_{embodiment}", tracked, name=name) as run:
        result, meta = train_action_expert(paths, variant, params, lambda step, row: run.log(row, step=step))
        run.log_model_folder(paths.expert)
    write_expert_record(REPORTS, name, result, meta, params.steps)


if __name__ == "__main__":
    run_stage(main)
