"""What every stage of the chain costs, in units that a machine can be asked about.

    seconds of a stage  =  its fixed part  +  units x seconds of one unit / how many run side by side

A unit is a piece of real work (`orchestration.progress.probe` runs one of each kind): recording a clip,
extracting one, a training step of μ0 or of an action expert. What it took on a known machine is `REFERENCE`.

Source of the reference
    The undisturbed `make demo` of 2026-11-21 on two cores of an AMD EPYC, docs/experiments.md: 300 clips
    recorded in 116 s, extracted in 152 s, 2000 steps of μ0 in 377 s, 1800 steps of two experts side by side
    in 420 s, 120 rollouts in 52 s; a process that imports the model takes 4.1 s.
"""

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mu0.params.action_expert import HORIZON_STEPS

START, CLIP, EXTRACTION, WORLD_MODEL_STEP, EXPERT_STEP = KERNELS = (
    "start", "clip", "extraction", "world_model_step", "expert_step",
)  # fmt: skip
REFERENCE: dict[str, float] = {
    START: 4.1,
    CLIP: 116 * 2 / 300,
    EXTRACTION: 152 * 2 / 300,
    WORLD_MODEL_STEP: 377 / 2000,
    EXPERT_STEP: 420 / 1800,
}
REFERENCE_PX = 128
ACTORS, OTHER_LEVELS = 5, 3
EXPERT_VARIANTS = 3
ROLLOUT_CLIPS = (52 * 2 / 120) / REFERENCE[CLIP]  # a rollout of 120 steps, in recorded clips
ROLLOUT_STEPS = 120


@dataclass(frozen=True)
class Cost:
    """Of one stage.

    Attributes:
        kernel: The kind of its units.
        units: How many.
        side_by_side: How many units are worked at in one moment.
    """

    kernel: str = START
    units: float = 0.0
    side_by_side: float = 1.0

    def seconds(self, kernels_s: dict[str, float]) -> float:
        """On a machine whose units take so long."""
        return kernels_s[START] + self.units * kernels_s[self.kernel] / self.side_by_side


def cost_of(stage: str, params: Any) -> Cost:
    """What a stage will do with these params (the whole of params.yaml)."""
    made = COSTS.get(stage)
    return made(params) if made else Cost()


def _cores(workers: int) -> float:
    return max(1, min(workers, os.cpu_count() or 1))


def _simulated(params: Any) -> list[Any]:
    return [source for source in params.raw_videos.sources.values() if source.kind == "simulated"]


def _clips(params: Any) -> float:
    """Simulated clips; one of 128 px is one, half of its cost grows with its pixels."""
    return sum(
        source.n_clips * (0.5 + 0.5 * (source.image_size_px / REFERENCE_PX) ** 2)
        for source in _simulated(params)
    )


def _rollouts(params: Any) -> Cost:
    report = params.ur3_report
    n_rollouts = report.n_rollouts + OTHER_LEVELS * report.n_rollouts_elsewhere
    source = params.raw_videos.sources.get(params.demonstrations.source)
    horizon_steps = report.horizon_steps or HORIZON_STEPS[getattr(source, "task", "pick")]
    units = ACTORS * n_rollouts * ROLLOUT_CLIPS * horizon_steps / ROLLOUT_STEPS
    return Cost(CLIP, units, _cores(report.workers))


COSTS: dict[str, Callable[[Any], Cost]] = {
    "raw_videos": lambda params: Cost(CLIP, _clips(params), _cores(params.raw_videos.workers)),
    "extracted_traces": lambda params: Cost(EXTRACTION, _clips(params), _cores(params.extract.workers)),
    "trace_audit": lambda params: Cost(EXTRACTION, 0.2 * params.trace_audit.max_clips),
    "captions": lambda params: Cost(EXTRACTION, 0.1 * _clips(params)),
    "caption_audit": lambda params: Cost(EXTRACTION, 0.02 * params.caption_audit.max_clips),
    "trace_dataset": lambda params: Cost(EXTRACTION, 0.03 * _clips(params)),
    "world_model": lambda params: Cost(
        WORLD_MODEL_STEP, params.world_model.train.steps * params.world_model.train.accumulate
    ),
    "trace_report": lambda params: Cost(EXTRACTION, 0.05 * _clips(params)),
    "demonstrations": lambda params: Cost(EXTRACTION, 0.03 * _clips(params)),
    "action_expert_ur3": lambda params: Cost(
        EXPERT_STEP, EXPERT_VARIANTS * params.action_expert.steps, _cores(EXPERT_VARIANTS)
    ),
    "ur3_report": _rollouts,
}


def sources_that_cannot_be_foreseen(params: Any) -> list[str]:
    """Sources whose number and length of clips nobody knows before they are read."""
    return [
        name
        for name, source in params.raw_videos.sources.items()
        if source.kind != "simulated" and _holds_anything(Path(source.folder))
    ]


def _holds_anything(folder: Path) -> bool:
    return folder.is_dir() and any(path.name[0] != "." and path.suffix != ".md" for path in folder.iterdir())
