"""Entry point of `make ui` (`dg dev`) and of `dagster` commands."""

import dagster as dg

from assets_defs.chain import BENCHMARK, TAU0
from orchestration import jobs
from orchestration.bridge.definitions import build_definitions
from orchestration.bridge.project import project_here

defs = dg.Definitions.merge(
    build_definitions(project_here()),
    build_definitions(project_here(BENCHMARK), job="benchmark_traces", sensor="benchmark_lock_sync"),
    build_definitions(project_here(TAU0), job="tau0", sensor="tau0_lock_sync"),
    dg.Definitions(
        jobs=[jobs.data_engine, jobs.world_model, jobs.policy, jobs.promotion, jobs.rollback],
        schedules=[jobs.nightly],
    ),
)
