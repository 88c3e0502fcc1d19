"""Milliseconds per plan of the UR3 policies, part by part, as JSON on stdout.

    python benchmarks/action_latency.py [--threads 1] [--repeats 30]

Needs the trained models in `models/` (run `mu0 run` first).
"""

import argparse
import json
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch

from mu0.policy.trace_conditioned_policy import TraceConditionedPolicy
from mu0.records import Observation

WORLD_MODEL = Path("models/world_model")
WARM_UP = 3


def median_ms(call: Callable[[], object], repeats: int) -> float:
    """Median wall time of `call`."""
    times_s = []
    for i in range(WARM_UP + repeats):
        started = time.perf_counter()
        call()
        if i >= WARM_UP:
            times_s.append(time.perf_counter() - started)
    return 1000 * float(np.median(times_s))


def main() -> None:
    """Measure both variants."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--repeats", type=int, default=30)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    rng = np.random.default_rng(0)
    result: dict[str, object] = {"threads": arguments.threads, "repeats": arguments.repeats}
    for variant in ("mu0", "no_trace"):
        policy = TraceConditionedPolicy.load(Path(f"models/action_expert_ur3_{variant}"), WORLD_MODEL)
        height, width = policy.front_size_px
        observation = Observation(
            image=rng.integers(0, 256, (height, width, 3), dtype=np.uint8),
            instruction="put the red apple into the sink",
            wrist_image=rng.integers(0, 256, (64, 64, 3), dtype=np.uint8),
            proprioception=rng.normal(size=9).astype(np.float32),
        )
        policy.reset(0)
        result[variant] = {
            "plan_ms": median_ms(
                lambda p=policy, o=observation: p.predict_action_chunk(o), arguments.repeats
            ),
            "features_ms": median_ms(
                lambda p=policy, o=observation: p.extractor(o.image[None], [o.instruction]), arguments.repeats
            ),
        }
    print(json.dumps(result, indent=2))


if __name__ == "__main__":
    main()
