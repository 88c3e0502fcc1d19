"""`python -m orchestration.progress.probe`: one piece of every kind of work, timed; a JSON line for each.

The first line is empty: everything is loaded, which takes long in a new environment and says nothing about
the work. From then on, who asks waits ten seconds at most and takes the lines that are there. It is a process
of its own, so that who asks loads neither torch nor MuJoCo.
"""

import json
import os
import time
from collections.abc import Callable, Iterator
from contextlib import suppress

from mu0.errors import Mu0Error
from mu0.params.action_expert import ActionExpertParams
from mu0.params.read import read_section
from mu0.params.world_model import WorldModelParams
from mu0.processes.ancestors import end_with_ancestors
from orchestration.params import params_path
from orchestration.progress.costs import (
    CLIP,
    EXPERT_STEP,
    EXPERT_VARIANTS,
    EXTRACTION,
    REFERENCE_PX,
    WORLD_MODEL_STEP,
)

STEPS = 2
SEED = 77_000


def measure() -> Iterator[dict[str, float]]:
    """Nothing when everything is loaded, then seconds of one unit of each kind, the most telling first."""
    import torch

    import mu0.policy.expert_estimate
    import mu0.sources.simulated
    import mu0.traceextract.keypoints.choice
    import mu0.traceextract.long_clips.following
    import mu0.training.estimate  # noqa: F401

    yield {}
    torch.set_num_threads(os.cpu_count() or 1)
    for look in (_world_model_step, _expert_step, _clip_and_extraction):
        with suppress(Mu0Error):  # no renderer, no memory: the stage itself will say so, with its remedy
            yield look()


def _world_model_step() -> dict[str, float]:
    from mu0.training.estimate import estimate_training

    params = read_section(params_path, "world_model", WorldModelParams)
    step_s = estimate_training(params, n_steps=STEPS).step_s
    return {} if step_s is None else {WORLD_MODEL_STEP: step_s}


def _expert_step() -> dict[str, float]:
    """A training step of an expert, with its share of the cores."""
    import torch

    from mu0.policy.expert_estimate import estimate_expert

    params = read_section(params_path, "action_expert", ActionExpertParams)
    torch.set_num_threads(max(1, (os.cpu_count() or 1) // EXPERT_VARIANTS))
    step_s = estimate_expert("mu0", params).step_s
    return {} if step_s is None else {EXPERT_STEP: step_s}


def _clip_and_extraction() -> dict[str, float]:
    import numpy as np

    from mu0.params.extract import ExtractParams
    from mu0.params.raw_videos import SimulatedSource
    from mu0.sources.simulated import record_clip
    from mu0.traceextract.backends.interfaces import Footage
    from mu0.traceextract.keypoints.choice import choose
    from mu0.traceextract.long_clips.following import track
    from mu0.traceextract.reconstruction.depth_and_path import reconstruct_rgbd

    source = SimulatedSource(
        kind="simulated", embodiment="ur3", n_clips=1, image_size_px=REFERENCE_PX, seed=SEED
    )
    began = time.perf_counter()
    clip = record_clip(source, 0)
    middle = time.perf_counter()
    frames, params = np.arange(len(clip.frames)), ExtractParams()
    footage = Footage(clip.frames, clip.depth_m, clip.intrinsics, clip.camera_from_world, frames, clip.fps_hz)
    scene = reconstruct_rgbd(footage)
    track(footage, scene, choose(footage, scene, params), params)
    return {CLIP: middle - began, EXTRACTION: time.perf_counter() - middle}


def _timed(work: Callable[[], None], times: int) -> float:
    began = time.perf_counter()
    for _ in range(times):
        work()
    return (time.perf_counter() - began) / times


def main() -> None:
    """Measure, and print as we go."""
    end_with_ancestors(os.environ)
    for found in measure():
        print(json.dumps(found), flush=True)  # noqa: T201  what the parent reads


if __name__ == "__main__":
    main()
