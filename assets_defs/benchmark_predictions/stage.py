"""Stage `benchmark_predictions_NAME`: one method answers every question of the benchmark."""

import sys
from pathlib import Path

import numpy as np
import torch

from assets_defs.benchmark_folders import KNOWN, UNSEEN, UNSEEN_TRUTH
from assets_defs.benchmark_methods import model_folder
from assets_defs.benchmark_questions import read_asked
from assets_defs.entry import run_stage
from assets_defs.tracking import track_run
from mu0.evaluation.benchmark.answers import write_answers
from mu0.evaluation.benchmark.gripper import read_gripper_questions
from mu0.evaluation.benchmark.methods import method_spec, open_method
from mu0.evaluation.benchmark.mixed import read_mixed_questions
from mu0.evaluation.benchmark.questions import digest_of, read_questions
from mu0.evaluation.traces.gripper_paths import ask_gripper
from mu0.evaluation.traces.predictions import predict_all
from mu0.evaluation.traces.resting import ask_about_rest
from mu0.files import read_json

TRUTH, GOAL = Path("data/ground_truth_tracks"), Path("data/benchmark/predictions")
THREADS = 2


def main(name: str) -> None:
    """Ask the method `name`."""
    checkpoint, asked = _checkpoint(name), read_asked()
    benchmark = asked.benchmark
    torch.set_num_threads(THREADS)
    questions = read_questions(asked, KNOWN, UNSEEN)
    method = open_method(name, asked.data.future_len, checkpoint)
    params = {"method": name} | benchmark.model_dump()
    with track_run(stage=f"benchmark_predictions_{name}", params=params) as run:
        predictions = predict_all(method, questions, benchmark.n_samples, benchmark.seed)
        asked_facts = {"n_samples": benchmark.n_samples, "seed": benchmark.seed, "threads": THREADS}
        facts = {"digest": digest_of(questions)} | asked_facts | _training(checkpoint)
        mixed = read_mixed_questions(asked, questions, KNOWN, UNSEEN)
        resting = ask_about_rest(method, mixed, benchmark.seed) if mixed else None
        alone = read_gripper_questions(asked, (KNOWN, TRUTH), (UNSEEN, UNSEEN_TRUTH))
        gripper = ask_gripper([method], alone, benchmark.n_samples, benchmark.seed)
        write_answers(GOAL / name, predictions, facts, resting, gripper)
        run.log({"latency_s": float(np.median(predictions.seconds)), "n_parameters": method.n_parameters})


def _checkpoint(name: str) -> Path | None:
    weights = method_spec(name).weights
    return Path(model_folder(weights)) if weights else None


def _training(checkpoint: Path | None) -> dict[str, float | int]:
    """Steps and seconds of the training, as the checkpoint tells them."""
    meta = read_json(checkpoint / "meta.json") if checkpoint else {}
    return {key: meta[key] for key in ("steps", "train_s", "seconds_per_step", "trained_s") if key in meta}


if __name__ == "__main__":
    run_stage(lambda: main(sys.argv[1] if len(sys.argv) > 1 else ""))
