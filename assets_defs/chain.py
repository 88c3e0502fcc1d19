"""The chain: which artifacts there are, in the order in which they are made. A new one is one line here.

Each name is a room, a folder beside this file, whose `asset.py` says what it is. The second list is a graph
of its own, the trace benchmark (docs/benchmark.md): it reads the artifacts of the first and is rendered into
`benchmarks/traces/dvc.yaml`, so that plain `dvc repro` in the project's root leaves it alone. The third is
τ0's (docs/tau0_data.md), in `benchmarks/tau0/dvc.yaml`.

    unseen_clips ─────────────┐
    benchmark_model@NAME ─────┼─ benchmark_predictions@NAME ── benchmark_traces ── check
    tracegen, token_vlm ──────┘
    warm_up_study                 few demonstrations, from pretrained against from scratch

    tau0_data ── check
"""

from collections.abc import Sequence
from importlib import import_module

from assets_defs.graph import Pipeline, Stage
from mu0.params.section import Section

ROOMS = (
    "raw_videos",
    "extracted_traces",
    "trace_audit",
    "captions",
    "caption_audit",
    "trace_dataset",
    "world_model",
    "trace_report",
    "demonstrations",
    "action_expert",
    "ur3_report",
    "report",
)
BENCHMARK_ROOMS = (
    "unseen_clips",
    "benchmark_model",
    "tracegen",
    "token_vlm",
    "benchmark_predictions",
    "benchmark_traces",
    "warm_up_study",
)
TAU0_ROOMS = ("tau0_data",)
BESIDE_ROOMS = (*BENCHMARK_ROOMS, *TAU0_ROOMS)  # whose sections params.yaml may leave out


def _stages(rooms: Sequence[str]) -> tuple[Stage, ...]:
    return tuple(stage for room in rooms for stage in import_module(f"assets_defs.{room}.asset").STAGES)


def sections(rooms: Sequence[str]) -> dict[str, type[Section]]:
    """Sections of params.yaml that rooms declare, by name."""
    return {
        name: kind
        for room in rooms
        for name, kind in getattr(import_module(f"assets_defs.{room}.asset"), "SECTIONS", {}).items()
    }


PIPELINE = Pipeline(_stages(ROOMS))
BENCHMARK = Pipeline(_stages(BENCHMARK_ROOMS), dvc_yaml="benchmarks/traces/dvc.yaml", upstream=PIPELINE)
TAU0 = Pipeline(_stages(TAU0_ROOMS), dvc_yaml="benchmarks/tau0/dvc.yaml", upstream=PIPELINE)
PIPELINES = (PIPELINE, BENCHMARK, TAU0)
EVERY_STAGE = tuple(stage for pipeline in PIPELINES for stage in pipeline.all_stages)
WHOLE = Pipeline(EVERY_STAGE)  # to look things up in, wherever they belong
