"""The options of the accuracy benchmarks, and their clips measured by some processes side by side."""

import argparse
import os
import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import TypeVar

from trace_accuracy_clips import HELD_OUT, TUNING, plans

from mu0.processes.pool import WorkerPool

Found = TypeVar("Found")


def read_options(description: str | None, out: Path) -> argparse.Namespace:
    """The command line; `seed` is where the asked clips begin, `seeds` says so in words."""
    parser = argparse.ArgumentParser(
        description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--out", type=Path, default=out)
    parser.add_argument("--clips", type=int, default=20)
    parser.add_argument("--tuning", action="store_true", help="the clips that settings may be chosen on")
    parser.add_argument("--cache", type=Path, help="keep recorded clips here (110 MB each)")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--fit-confidence", action="store_true", help="print the table for confidence.py")
    parser.add_argument("--only", default="", help="clips whose name contains this")
    options = parser.parse_args()
    options.seed = TUNING if options.tuning else HELD_OUT
    options.seeds = f"{'tuning' if options.tuning else 'held out'}, from {options.seed}"
    return options


def measure_all(measure: Callable[..., Found], options: argparse.Namespace) -> Iterator[Found]:
    """`measure(plan, cache=..., fits=...)` of every asked clip, in their order; progress goes to stderr."""
    asked = [plan for plan in plans(options.seed, options.clips) if options.only in plan.name]
    os.environ["LP_NUM_THREADS"] = "0"
    with WorkerPool(options.workers) as pool:
        work = partial(measure, cache=options.cache, fits=options.fit_confidence)
        for number, (plan, found) in enumerate(zip(asked, pool.map(work, asked), strict=True), start=1):
            sys.stderr.write(f"{number}/{len(asked)} {plan.name}\n")
            yield found
