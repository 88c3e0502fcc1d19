"""Recording many scenes over several processes; what is in the cache already is kept.

A scene is a folder of the cache, published at once when it is complete. Its name is a hash of its job, of the
code that records it and of the libraries it uses, so an interrupted recording goes on where it was, and a
change of labels or splits records nothing again.
"""

import os
from collections.abc import Iterator, Sequence
from concurrent.futures import as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import asdict
from pathlib import Path

from mu0.envs.rendering import choose_renderer
from mu0.errors import SimulationError
from mu0.files import atomic_folder
from mu0.processes.pool import WorkerPool
from mu0.progress import track
from mu0.sources.clip.cache import CLIP_CODE, cache_keys
from mu0.tau0.data.one_scene import record_scene
from mu0.tau0.data.scene_files import write_scene
from mu0.tau0.data.scene_plan import SceneJob

MODULES = ("chunks", "clumsy", "labels", "one_scene", "scene_files", "scene_plan", "subgoals", "tape")
CODE = ("envs", "dataset/array_files.py", *(f"tau0/data/{name}.py" for name in MODULES), *CLIP_CODE)


def record_scenes(jobs: Sequence[SceneJob], cache: Path, workers: int) -> list[Path]:
    """Record what is missing.

    Args:
        jobs: Scenes.
        cache: Where they are kept.
        workers: Processes; 1 records in this one.

    Returns:
        The folder of each scene.

    Raises:
        SimulationError: A scene cannot be recorded, or a worker process died.
    """
    entries = [cache / key for key in cache_keys(map(asdict, jobs), CODE)]
    missing = [(job, entry) for job, entry in zip(jobs, entries, strict=True) if not entry.exists()]
    for _ in track(_run(missing, workers), "recording scenes", total=len(missing)):
        pass
    return entries


Work = tuple[SceneJob, Path]


def _run(missing: list[Work], workers: int) -> Iterator[None]:
    if workers == 1 or len(missing) < 2:
        yield from map(_record, missing)
        return
    choose_renderer()  # once, for all workers
    with WorkerPool(workers, start=_start_worker) as pool:
        try:
            for future in as_completed([pool.submit(_record, work) for work in missing]):
                yield future.result()
        except BrokenProcessPool as error:
            raise SimulationError(
                f"A worker process of the simulator died: {error}.",
                expected=f"{workers} processes that record scenes",
                remedy="memory is the usual cause: lower tau0_data.workers or image_size_px in params.yaml.",
            ) from error


def _start_worker() -> None:
    os.environ["LP_NUM_THREADS"] = "0"  # one process per core beats Mesa's own threads


def _record(work: Work) -> None:
    job, entry = work
    with atomic_folder(entry) as new:
        write_scene(new, job, record_scene(job))
