"""Milliseconds per plan of UR3 policies, each also as a multiple of the first, as JSON on stdout.

    python benchmarks/action_latency.py [--threads 1] [--repeats 30]
    python benchmarks/action_latency.py --experts FOLDER ... --world-model FOLDER

Without folders, the trained models in `models/` (run `mu0 run` first). The policies take turns, so that what
else runs on the machine slows them alike; a median over the turns is told.
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

EXPERTS = [Path(f"models/action_expert_ur3_{variant}") for variant in ("no_trace", "mu0")]
WARM_UP = 3


def elapsed_ms(call: Callable[[], object]) -> float:
    """Wall time of one call."""
    started = time.perf_counter()
    call()
    return 1000 * (time.perf_counter() - started)


def observation_for(policy: TraceConditionedPolicy) -> Observation:
    """A noisy picture of the size that the policy knows."""
    rng = np.random.default_rng(0)
    height, width = policy.front_size_px
    return Observation(
        image=rng.integers(0, 256, (height, width, 3), dtype=np.uint8),
        instruction="put the red apple into the sink",
        wrist_image=rng.integers(0, 256, (64, 64, 3), dtype=np.uint8),
        proprioception=rng.normal(size=policy.state_dim).astype(np.float32),
    )


def calls_of(policy: TraceConditionedPolicy, seen: Observation) -> dict[str, Callable[[], object]]:
    """What is timed: a plan, and of policies that look through the frozen μ0 the features alone."""
    calls: dict[str, Callable[[], object]] = {"plan_ms": lambda: policy.predict_action_chunk(seen)}
    if extractor := policy.extractor:
        calls["features_ms"] = lambda: extractor(seen.image[None], [seen.instruction])
    return calls


def main() -> None:
    """Measure all in turns."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--repeats", type=int, default=30)
    parser.add_argument("--experts", type=Path, nargs="+", default=EXPERTS)
    parser.add_argument("--world-model", type=Path, default=Path("models/world_model"))
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    calls = {}
    for folder in arguments.experts:
        policy = TraceConditionedPolicy.load(folder, arguments.world_model)
        policy.reset(0)
        calls[folder.name] = calls_of(policy, observation_for(policy))
    times_ms: dict[str, dict[str, list[float]]] = {name: {part: [] for part in calls[name]} for name in calls}
    for turn in range(WARM_UP + arguments.repeats):
        for name, parts in calls.items():
            for part, call in parts.items():
                taken_ms = elapsed_ms(call)
                if turn >= WARM_UP:
                    times_ms[name][part].append(taken_ms)
    medians = {
        name: {part: float(np.median(taken)) for part, taken in parts.items()}
        for name, parts in times_ms.items()
    }
    first_ms = medians[arguments.experts[0].name]["plan_ms"]
    told = {name: parts | {"of_first": parts["plan_ms"] / first_ms} for name, parts in medians.items()}
    print(json.dumps({"threads": arguments.threads, "repeats": arguments.repeats} | told, indent=2))


if __name__ == "__main__":
    main()
