"""The arm's tasks: how often their demonstrators succeed, and how many steps a second their worlds take.

Demonstrators play seeds 0, 1, … to the end of their scripts, without disturbances unless `--disturbed`. For
throughput, gymnasium environments with two 128 x 128 cameras make small random moves, first one process, then
one on each core; both are timed after a warm-up, by the clock and by what the processor worked for them,
which other work on the machine changes less. Prints one JSON object; `--out` writes it to a file as well.

    python benchmarks/ur3_suite.py demonstrators --tasks pick pour --episodes 50 --out demonstrators.json
    python benchmarks/ur3_suite.py demonstrators --tasks pour --episodes 50 --set n_almonds=60
    python benchmarks/ur3_suite.py throughput --seconds 20 --processes 2 --out throughput.json
"""

import argparse
import json
import os
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import psutil
from gymnasium.vector import AsyncVectorEnv

from mu0.envs.levels import LEVEL_NAMES
from mu0.envs.ur3.arm_world import ArmWorld
from mu0.envs.ur3.gymnasium_env import vectorised
from mu0.envs.ur3.kinematics import ROBOTS
from mu0.envs.ur3.tasks import TASKS, Task
from mu0.evaluation.statistics.wilson import wilson_interval

WARM_UP_STEPS = 5
MOVE = 0.01  # standard deviation of the random moves [m, rad]


def play(task: Task, world: ArmWorld, seed: int, *, disturbed: bool) -> dict[str, Any]:
    """One episode: success and score at its end, and the step that first succeeded."""
    world.reset(seed)
    rng = np.random.default_rng(seed) if disturbed else None
    first: int | None = None
    for _, _, executed in task.demonstrate(world, rng):
        world.advance(executed)
        if first is None and world.is_success():
            first = world.n_steps
    episode = {
        "seed": seed,
        "success": world.is_success(),
        "score": world.score(),
        "first_success_step": first,
        "steps": world.n_steps,
    }
    print(task.name, episode, file=sys.stderr, flush=True)
    return episode


def demonstrators(arguments: argparse.Namespace) -> dict[str, Any]:
    """Success of every task's demonstrator."""
    settings = {name: int(value) for name, _, value in (text.partition("=") for text in arguments.set)}
    found: dict[str, Any] = {}
    for name in arguments.tasks:
        task = TASKS[name]
        world = task.make(render=False, level=arguments.level, robot=ROBOTS[arguments.robot], **settings)
        began = time.process_time()
        seeds = range(arguments.first_seed, arguments.first_seed + arguments.episodes)
        episodes = [play(task, world, seed, disturbed=arguments.disturbed) for seed in seeds]
        n_right = sum(episode["success"] for episode in episodes)
        rate = wilson_interval(n_right, len(episodes))
        steps = sum(episode["steps"] for episode in episodes)
        found[name] = {
            "settings": settings,
            "level": arguments.level,
            "robot": arguments.robot,
            "disturbed": arguments.disturbed,
            "n": len(episodes),
            "n_success": n_right,
            "wilson_95": [rate.low, rate.high],
            "mean_score": float(np.mean([episode["score"] for episode in episodes])),
            "lowest_score": min(episode["score"] for episode in episodes),
            "steps_per_second_of_processor": steps / (time.process_time() - began),
            "failed_seeds": [episode["seed"] for episode in episodes if not episode["success"]],
            "episodes": episodes,
        }
    return found


def speed(name: str, n_processes: int, seconds: float) -> dict[str, float]:
    """Steps a second of all environments together, and of one while a processor works for it."""
    environments = vectorised(name, n_processes)
    rng = np.random.default_rng(0)
    try:
        seen, _ = environments.reset(seed=0)
        n_action = environments.single_action_space.shape[0]
        n_steps, began, worked_s = -WARM_UP_STEPS, 0.0, 0.0
        while n_steps < 1 or time.perf_counter() - began < seconds:
            if n_steps == 0:
                began, worked_s = time.perf_counter(), processor_s(environments)
            action = seen["state"][:, :n_action] + rng.normal(0, MOVE, (n_processes, n_action))
            seen, *_ = environments.step(action.astype(np.float32))
            n_steps += 1
        taken_s, worked_s = time.perf_counter() - began, processor_s(environments) - worked_s
    finally:
        environments.close()
    total = n_processes * n_steps
    return {"per_second": total / taken_s, "per_second_of_processor": total / worked_s}


def processor_s(environments: AsyncVectorEnv) -> float:
    """What the processes of the environments have worked so far [s]."""
    times = [psutil.Process(process.pid).cpu_times() for process in environments.processes]
    return sum(each.user + each.system for each in times)


def throughput(arguments: argparse.Namespace) -> dict[str, Any]:
    """Steps per second of every task, alone and on all cores."""
    found: dict[str, Any] = {"load_average_1_min": os.getloadavg()[0], "processes": arguments.processes}
    for name in arguments.tasks:
        alone = speed(name, 1, arguments.seconds)
        together = speed(name, arguments.processes, arguments.seconds)
        ratio = together["per_second"] / alone["per_second"]
        found[name] = {"one": alone, "all": together, "ratio": ratio}
    return found


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("what", choices=("demonstrators", "throughput"))
    parser.add_argument("--tasks", nargs="+", choices=tuple(TASKS), default=list(TASKS))
    parser.add_argument("--episodes", type=int, default=50)
    parser.add_argument("--first-seed", type=int, default=0)
    parser.add_argument("--level", choices=LEVEL_NAMES, default="in_distribution")
    parser.add_argument("--robot", choices=tuple(ROBOTS), default="ur3e")
    parser.add_argument("--disturbed", action="store_true")
    parser.add_argument("--set", nargs="*", default=[], metavar="NAME=NUMBER", help="of the task's world")
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args()
    result = {"demonstrators": demonstrators, "throughput": throughput}[arguments.what](arguments)
    text = json.dumps(result, indent=2)
    print(text)
    if arguments.out:
        arguments.out.write_text(text + "\n")


if __name__ == "__main__":
    main()
