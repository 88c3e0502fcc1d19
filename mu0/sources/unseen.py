"""Simulated clips of what no training source shows: other objects, and another motion of the camera.

They are recorded for evaluations only. Seeds lie far from those of all profiles, so no scene is shared with
a training source either; everything else about the scenes is as usual.
"""

from pathlib import Path
from typing import Any

import pandas as pd

from mu0.params.benchmark import BenchmarkParams
from mu0.params.raw_videos import RawVideosParams, SimulatedSource
from mu0.sources.collect import collect_clips

OBJECTS_SEED, CAMERA_SEED = 900_000, 950_000


def unseen_sources(benchmark: BenchmarkParams) -> dict[str, SimulatedSource]:
    """The two sources by name."""
    shared: dict[str, Any] = {
        "kind": "simulated",
        "embodiment": "ur3",
        "n_clips": benchmark.unseen_clips,
        "clips_per_scene": 1,
        "image_size_px": benchmark.unseen_size_px,
    }
    return {
        "unseen_objects": SimulatedSource(**shared, unseen_objects=True, seed=OBJECTS_SEED),
        "unseen_camera": SimulatedSource(**shared, orbiting_camera=True, seed=CAMERA_SEED),
    }


def collect_unseen(benchmark: BenchmarkParams, clips: Path, tracks: Path, cache: Path) -> pd.DataFrame:
    """Record them; see `mu0.sources.collect.collect_clips`."""
    sources = RawVideosParams(sources=dict(unseen_sources(benchmark)))
    return collect_clips(sources, clips, tracks, cache)
