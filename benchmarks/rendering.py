"""Frames per second of colour and depth: OpenGL and the ray caster side by side, on all cores.

Each worker process renders the UR3e tabletop as the recorder does; one frame is a colour and a depth picture
together. Prints one JSON object; `--out` writes it to a file as well.

    python benchmarks/rendering.py --seconds 5 --out rendering.json
"""

import argparse
import json
import os
import time
from pathlib import Path

from mu0.envs.rendering import RAYCAST, available_renderers, choose_renderer, open_renderer
from mu0.envs.ur3.environment import Ur3Environment
from mu0.processes.pool import WorkerPool


def measure(name: str, size_px: int, seconds: float, start_at: float) -> tuple[int, float]:
    """Frames rendered by one process, and the seconds that took; all processes begin at `start_at`."""
    environment = Ur3Environment(size_px, render=False)
    environment.reset(0)
    camera = environment.front_camera()
    renderer = open_renderer(
        environment.model, environment.data, width_px=size_px, height_px=size_px, name=name
    )
    renderer.render(camera)
    time.sleep(max(0.0, start_at - time.time()))
    began, n_frames = time.perf_counter(), 0
    while time.perf_counter() - began < seconds:
        renderer.render(camera)
        n_frames += 1
    return n_frames, time.perf_counter() - began


def frames_per_second(name: str, size_px: int, processes: int, seconds: float) -> float:
    """The sum over processes that render at the same time."""
    os.environ["LP_NUM_THREADS"] = "0"
    start_at = time.time() + 5.0  # long enough for every process to start
    with WorkerPool(processes) as pool:
        asked = [pool.submit(measure, name, size_px, seconds, start_at) for _ in range(processes)]
        counts = [future.result() for future in asked]
    return round(sum(n_frames / duration for n_frames, duration in counts), 1)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--size-px", type=int, default=128)
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args()
    chosen = choose_renderer()
    names = dict.fromkeys([chosen, RAYCAST])
    result = {
        "what": "frames per second, one frame = colour + depth",
        "size_px": arguments.size_px,
        "processes": arguments.processes,
        "load_average_1_min": os.getloadavg()[0],
        "renderers": {status.name: status.works or status.reason for status in available_renderers()},
        "frames_per_second": {
            name: {
                "one_process": frames_per_second(name, arguments.size_px, 1, arguments.seconds),
                "all_processes": frames_per_second(
                    name, arguments.size_px, arguments.processes, arguments.seconds
                ),
            }
            for name in names
        },
    }
    text = json.dumps(result, indent=2)
    print(text)
    if arguments.out:
        arguments.out.write_text(text + "\n")


if __name__ == "__main__":
    main()
