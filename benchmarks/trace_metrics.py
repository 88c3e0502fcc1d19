"""Trace metrics: ours against a plain Python double loop, same inputs, same run.

    python benchmarks/trace_metrics.py --out trace_metrics.json

Both compute ADE, FDE, DTW / T and discrete Fréchet at the horizons 8, 16 and 32. The double loop runs the two
dynamic programs once per horizon, as a first implementation would. The largest difference is printed with the
ratio, so that speed cannot hide an error.
"""

import argparse
import json
import math
import sys
import time
from pathlib import Path

import numpy as np

from mu0.evaluation.traces.metrics import METRICS, trace_errors

HORIZONS = (8, 16, 32)
N_FAST, N_SLOW = 4096, 24
REPEATS = 7


def double_loop(a: np.ndarray, b: np.ndarray) -> list[float]:
    """ADE, FDE, DTW / T and Fréchet of one pair of traces."""
    n = len(a)
    distance = [[math.dist(p, q) for q in b.tolist()] for p in a.tolist()]
    total = [[math.inf] * (n + 1) for _ in range(n + 1)]
    leash = [[math.inf] * (n + 1) for _ in range(n + 1)]
    total[0][0] = leash[0][0] = 0.0
    for i in range(1, n + 1):
        for j in range(1, n + 1):
            cost = distance[i - 1][j - 1]
            total[i][j] = cost + min(total[i - 1][j], total[i][j - 1], total[i - 1][j - 1])
            leash[i][j] = max(cost, min(leash[i - 1][j], leash[i][j - 1], leash[i - 1][j - 1]))
    return [sum(distance[i][i] for i in range(n)) / n, distance[-1][-1], total[n][n] / n, leash[n][n]]


def main() -> int:
    """Measure both and write the JSON file."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args()
    rng = np.random.default_rng(0)
    truth = rng.normal(size=(N_FAST, 32, 3)).cumsum(axis=1)
    predicted = truth + rng.normal(size=truth.shape)
    valid = np.arange(32) < rng.integers(10, 33, size=N_FAST)[:, None]  # prefixes, as in stored episodes

    slow_times, fast_times = [], []
    for _ in range(
        REPEATS
    ):  # taking turns; CPU time, both on one thread, so that a busy machine does not count
        started = time.process_time()
        slow = [
            [double_loop(predicted[n, :h][valid[n, :h]], truth[n, :h][valid[n, :h]]) for n in range(N_SLOW)]
            for h in HORIZONS
        ]
        middle = time.process_time()
        errors = trace_errors(predicted, truth, valid, HORIZONS)
        slow_times.append((middle - started) / N_SLOW)
        fast_times.append((time.process_time() - middle) / N_FAST)
    slow_s, fast_s = min(slow_times), min(fast_times)
    ours = np.stack([getattr(errors, name)[:, :N_SLOW] for name in METRICS], axis=-1)
    result = {
        "double_loop_us_per_trajectory": 1e6 * slow_s,
        "ours_us_per_trajectory": 1e6 * fast_s,
        "ratio": slow_s / fast_s,
        "target_ratio": 50,
        "largest_difference": float(np.abs(ours - np.array(slow)).max()),
        "n_trajectories": {"double_loop": N_SLOW, "ours": N_FAST},
    }
    if arguments.out:
        arguments.out.write_text(json.dumps(result, indent=2) + "\n")
    print(json.dumps(result, indent=2))
    return 0 if result["ratio"] >= 50 and result["largest_difference"] < 1e-6 else 1


if __name__ == "__main__":
    sys.exit(main())
