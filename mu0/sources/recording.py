"""Recording simulated clips into the clip cache, over several processes; what is there already is kept."""

import os
from collections.abc import Iterator
from concurrent.futures import as_completed
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path

import numpy as np

from mu0.envs.rendering import choose_renderer
from mu0.errors import Mu0Error, SimulationError
from mu0.files import atomic_folder, write_json
from mu0.params.raw_videos import SimulatedSource
from mu0.processes.pool import WorkerPool
from mu0.progress import track
from mu0.sources.clip.cache import SIMULATION_CODE, cache_keys
from mu0.sources.clip.checks import write_arrays
from mu0.sources.clip.on_disk import ClipInfo, RobotLog, write_clip
from mu0.sources.simulated import RecordedClip, record_clip

LICENCE = "Apache-2.0"


def record_source(
    name: str, params: SimulatedSource, cache: Path, workers: int
) -> list[tuple[Path, Mu0Error | None]]:
    """Record what is missing of a simulated source.

    Args:
        name: The source's name in params.yaml.
        params: Its section.
        cache: The clip cache.
        workers: Processes; 1 records in this one.

    Returns:
        Per clip by index: its cache entry, and why it could not be recorded where it could not.

    Raises:
        SimulationError: A worker process died.
    """
    numbered = ({"source": name, "params": params.facts(), "index": index} for index in range(params.n_clips))
    entries = [cache / key for key in cache_keys(numbered, SIMULATION_CODE)]
    missing = [index for index, entry in enumerate(entries) if not entry.exists()]
    jobs = [(name, params, index, entries[index]) for index in missing]
    faults = dict(track(_run(jobs, workers), f"recording {name}", total=len(jobs)))
    return [(entry, faults.get(index)) for index, entry in enumerate(entries)]


Job = tuple[str, SimulatedSource, int, Path]


def _run(jobs: list[Job], workers: int) -> Iterator[tuple[int, Mu0Error | None]]:
    if workers == 1 or len(jobs) < 2:
        yield from map(_record, jobs)
        return
    choose_renderer()  # once, for all workers
    with WorkerPool(workers, start=_start_worker) as pool:
        try:
            for future in as_completed([pool.submit(_record, job) for job in jobs]):
                yield future.result()
        except BrokenProcessPool as error:
            raise SimulationError(
                f"A worker process of the simulator died: {error}.",
                expected=f"{workers} processes that record clips",
                remedy="memory is the usual cause: lower raw_videos.workers or image_size_px in params.yaml.",
            ) from error


def _start_worker() -> None:
    os.environ["LP_NUM_THREADS"] = "0"  # one process per core beats Mesa's own threads


def _record(job: Job) -> tuple[int, Mu0Error | None]:
    name, params, index, entry = job
    try:
        with atomic_folder(entry) as new:
            store_recording(new, name, record_clip(params, index))
    except Mu0Error as error:
        return index, error
    return index, None


def store_recording(entry: Path, source: str, recorded: RecordedClip) -> None:
    """Write a simulated clip and its truth into a cache entry."""
    info = ClipInfo(
        clip_id=recorded.clip_id,
        source=source,
        fps_hz=recorded.fps_hz,
        n_frames=len(recorded.frames),
        width_px=recorded.frames.shape[2],
        height_px=recorded.frames.shape[1],
        instruction=recorded.instruction,
        embodiment=recorded.embodiment,
        scene_id=recorded.scene_id,
        licence=LICENCE,
        hand_eye_source="data" if recorded.camera_poses_known and recorded.embodiment == "ur3" else "none",
        simulated=True,
    )
    robot = None
    if recorded.robot_state is not None and recorded.robot_action is not None:
        robot = RobotLog(recorded.robot_state.astype(np.float32), recorded.robot_action.astype(np.float32))
    write_clip(
        entry / "clip",
        info,
        recorded.frames,
        depth_m=recorded.depth_m,
        intrinsics=recorded.intrinsics,
        camera_from_world=recorded.camera_from_world if recorded.camera_poses_known else None,
        wrist_frames=recorded.wrist_frames,
        robot=robot,
    )
    write_arrays(
        entry / "truth.npz",
        points_world=recorded.truth.points_world.astype(np.float32),
        visible=recorded.truth.visible,
        entity=recorded.truth.entity.astype(np.int32),
        is_moving=recorded.truth.is_moving,
        camera_from_world=recorded.camera_from_world.astype(np.float64),
        intrinsics=recorded.intrinsics.astype(np.float64),
        phase=np.array(recorded.phases),
        target_name=np.array([recorded.target_name]),
    )
    write_json(entry / "facts.json", {"demonstrator_success": bool(recorded.success)})
