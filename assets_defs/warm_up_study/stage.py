"""Stage `warm_up_study`: a few demonstrations of a new embodiment, from pretrained against from scratch."""

import hashlib
import json
import shutil
from collections.abc import Mapping
from pathlib import Path

from assets_defs.benchmark_folders import KNOWN
from assets_defs.benchmark_questions import read_asked
from assets_defs.entry import run_stage
from assets_defs.sections import section
from assets_defs.tracking import track_run
from mu0.dataset.index import read_slots
from mu0.evaluation.benchmark.questions import read_held_out
from mu0.evaluation.warm_up.learners import Mu0Learner, TraceGenLearner, choose_learners
from mu0.evaluation.warm_up.study import Study, flat_metrics, run_all
from mu0.files import atomic_folder, sha256_of_tree, write_json
from mu0.params.rivals import TraceGenParams
from mu0.params.section import Section
from mu0.params.world_model import WorldModelParams
from mu0.viewer.warm_up_report import write_warm_up_report

GOAL = Path("reports/warm_up_study")
METRICS = Path("reports/warm_up_study_metrics.json")
CACHE = Path(".mu0_cache/training")


def main() -> None:
    """Run the study for every method of `benchmark.warm_up.methods`."""
    asked = read_asked()
    benchmark = asked.benchmark
    world_model, tracegen = section("world_model", WorldModelParams), section("tracegen", TraceGenParams)
    learners = [Mu0Learner(world_model, KNOWN), TraceGenLearner(tracegen, asked.data.history_len, KNOWN)]
    read = {"benchmark": benchmark, "world_model": world_model, "tracegen": tracegen}
    work_folder = CACHE / f"warm_up_{_key(read | {'trace_dataset': asked.data})}"
    slots = read_slots(KNOWN.index)
    questions = read_held_out(asked, KNOWN, source=benchmark.warm_up.target_source)
    chosen = choose_learners(benchmark.warm_up.methods, learners)
    with track_run(stage="warm_up_study", params=benchmark.model_dump()) as run:
        rows = run_all([Study(one, benchmark, slots, questions, work_folder) for one in chosen])
        metrics = flat_metrics(rows)
        run.log(metrics)
        with atomic_folder(GOAL) as folder:
            write_warm_up_report(folder, rows, benchmark)
        run.log_artifact(GOAL / "table.md")
    write_json(METRICS, metrics)
    shutil.rmtree(work_folder, ignore_errors=True)


def _key(read: Mapping[str, Section]) -> str:
    """Names the folder of interrupted trainings: they go on only for equal params and data."""
    content = {name: section.model_dump() for name, section in read.items()}
    content["dataset"] = {"tree": sha256_of_tree(KNOWN.dataset)}
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:16]


if __name__ == "__main__":
    run_stage(main)
