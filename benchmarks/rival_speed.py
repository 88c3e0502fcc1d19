"""One prediction of μ0 and of TraceGen, same question, random weights: times side by side.

    python benchmarks/rival_speed.py --preset small --threads 1 --out rival_speed.json

TraceGen is timed as its preset trains it, with 100 Euler steps and with as many as μ0 takes; and with the
published 1600 tokens of the whole grid for as many steps as μ0 takes, because 100 of those take minutes.
Weights do not matter for time.
"""

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np
import torch
from prediction_speed import median_seconds

from mu0.baselines.tracegen.config import preset as tracegen_preset
from mu0.baselines.tracegen.model import TraceGen
from mu0.baselines.tracegen.predictor import TraceGenPredictor
from mu0.dataset.statistics import NormalizerStats
from mu0.interfaces import AbstractTracePredictor
from mu0.model.predictor import TracePredictor
from mu0.model.presets import preset
from mu0.model.tokenizer import train_tokenizer
from mu0.model.world_model import TraceWorldModel
from mu0.records import Observation, Queries

INSTRUCTION = "put the red apple into the sink"
STATISTICS = NormalizerStats(1.0, 1.0, 1.0, 1, 8, 32, depth_log_min=-0.5, depth_log_max=0.6)


def question(size_px: int, n_queries: int) -> tuple[Observation, Queries]:
    """Noise as picture and depth; keypoints on two object-sized places, as in our clips."""
    rng = np.random.default_rng(0)
    centres = rng.choice([[-0.3, 0.2], [0.4, -0.1]], n_queries)
    uv = centres + rng.uniform(-0.2, 0.2, (n_queries, 2))
    anchors = np.column_stack([uv, rng.uniform(0.5, 1.0, n_queries)])
    image = rng.integers(0, 256, (size_px, size_px, 3), dtype=np.uint8)
    depth_m = rng.uniform(0.5, 1.5, (size_px, size_px)).astype(np.float32)
    return Observation(image, INSTRUCTION, depth_m), Queries(anchors)


def methods(preset_name: Any) -> dict[str, AbstractTracePredictor]:
    """Everything that is timed."""
    config = preset(preset_name)
    tokenizer = train_tokenizer([INSTRUCTION], config.vocabulary_size, config.max_text_tokens)
    mu0 = TracePredictor(TraceWorldModel(config, tokenizer, STATISTICS))
    found: dict[str, AbstractTracePredictor] = {"mu0": mu0}
    rival = TraceGen(tracegen_preset(preset_name), tokenizer, STATISTICS)
    for n_steps in (rival.config.euler_steps, config.euler_steps):
        found[f"tracegen_{n_steps}_steps"] = TraceGenPredictor(rival, n_steps=n_steps)
    published = tracegen_preset(preset_name, empty_cells="nearest", frames_in_channels=2, grid_patch=2)
    whole_grid = TraceGen(published, tokenizer, STATISTICS)
    found[f"tracegen_1600_tokens_{config.euler_steps}_steps"] = TraceGenPredictor(
        whole_grid, n_steps=config.euler_steps
    )
    return found


def main() -> None:
    """Measure and write one JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--preset", default="small", choices=["tiny", "small"])
    parser.add_argument("--samples", type=int, default=5)
    parser.add_argument("--queries", type=int, default=16)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    torch.manual_seed(0)
    seen, queries = question(preset(arguments.preset).image_size_px, arguments.queries)
    seconds = {}
    for name, predictor in methods(arguments.preset).items():
        seconds[name] = median_seconds(
            lambda p=predictor: p.predict(seen, queries, arguments.samples, 0), arguments.repeats
        )
    times_mu0 = {name: value / seconds["mu0"] for name, value in seconds.items()}
    result = {"preset": arguments.preset, "samples": arguments.samples, "queries": arguments.queries}
    result |= {"threads": arguments.threads, "seconds": seconds, "times_mu0": times_mu0}
    text = json.dumps(result, indent=2)
    if arguments.out:
        arguments.out.write_text(text + "\n")
    print(text)


if __name__ == "__main__":
    main()
