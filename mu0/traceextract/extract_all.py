"""All clips into episodes: in parallel, incrementally, each on its own.

Every clip ends as exactly one row of quality.parquet: ok, rejected or failed with its reason. A failing clip
does not stop the others. Ctrl-C lets the running clips finish, drops the waiting ones, and leaves the output
untouched; the next run finds the finished ones in the cache. Nothing depends on the number of workers.
"""

import logging
import multiprocessing
import signal
import time
from collections.abc import Callable, Hashable, Iterator
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, replace
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any

import pandas as pd

from mu0.episodes.arrays import EpisodeArrays
from mu0.episodes.sidecar import Sidecar
from mu0.episodes.write import naming_a_full_disk
from mu0.errors import ExtractionError, Mu0Error
from mu0.files import atomic_folder, sha256_of, write_json
from mu0.params.extract import ExtractParams
from mu0.progress import track
from mu0.sources.clip import Clip, read_clip
from mu0.traceextract.cache import EpisodeCache, clip_key, code_version
from mu0.traceextract.quality_row import QualityRow
from mu0.traceextract.quality_table import summary, write_quality

ENGINE = "mu0.traceextract.engine:extract_clip"
CONTENTS_NAME = "contents.json"  # hash of every episode and table: what consumers depend on
Engine = Callable[[Clip, ExtractParams], tuple[EpisodeArrays | None, Sidecar | None, dict[str, Any]]]
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Outcome:
    """What became of one clip.

    Attributes:
        row: Its line in quality.parquet.
        key: Its address in the cache; None if it failed.
        was_cached: True if nothing had to be computed.
    """

    row: QualityRow
    key: str | None = None
    was_cached: bool = False


def extract_all(
    raw_videos: Path, output: Path, cache_root: Path, params: ExtractParams, *, engine: str = ENGINE
) -> dict[str, object]:
    """Extract every usable clip and publish the episodes in one step.

    Args:
        raw_videos: Folder with index.parquet and the clips, `<source>/<clip_id>`.
        output: Folder to (re)place: `<source>/<clip_id>` per episode and quality.parquet.
        cache_root: Folder of the episode cache.
        params: Section `extract`.
        engine: "module:function" that turns a clip into an episode.

    Returns:
        Totals for reports/extraction/metrics.json.

    Raises:
        ExtractionError: A worker process was killed.
        EpisodeError: The disk is full; the old output is untouched.
    """
    index = pd.read_parquet(raw_videos / "index.parquet")
    clips = index[index["status"] == "ok"].sort_values(["source", "clip_id"])
    folders = {raw_videos / row["source"] / row["clip_id"]: row for row in clips.to_dict("records")}
    found = {folder: _cached(folder, EpisodeCache(cache_root), params) for folder in folders}
    missing = {folder: row for folder, row in folders.items() if found[folder] is None}
    work = partial(extract_one, cache_root=cache_root, params=params, code=code_version(), engine=engine)
    outcomes = [outcome for outcome in found.values() if outcome is not None]
    outcomes += _extract_missing(missing, work, params.workers)
    outcomes.sort(key=lambda outcome: (outcome.row.source, outcome.row.clip_id))
    _publish(outcomes, index, output, EpisodeCache(cache_root))
    return summary([outcome.row for outcome in outcomes]) | {
        "n_computed": sum(not outcome.was_cached for outcome in outcomes),
        "n_from_cache": sum(outcome.was_cached for outcome in outcomes),
    }


def _cached(clip_folder: Path, cache: EpisodeCache, params: ExtractParams) -> Outcome | None:
    """What the cache holds, asked without workers: a run that has nothing to do starts none."""
    if not clip_folder.is_dir():  # the worker will say so
        return None
    key = clip_key(clip_folder, params, code_version())
    row = cache.find(key)
    return None if row is None else Outcome(row, key, was_cached=True)


def _extract_missing(
    missing: dict[Path, dict[Hashable, object]], work: Callable[[Path], Outcome], workers: int
) -> list[Outcome]:
    if not missing:
        return []
    with _executor(workers) as executor:
        try:
            waiting = {executor.submit(work, folder): row for folder, row in missing.items()}
            finished = track(as_completed(waiting), "extracting traces", len(waiting))
            return [_outcome(future, waiting[future]) for future in finished]
        except KeyboardInterrupt:
            executor.shutdown(wait=True, cancel_futures=True)
            raise


def extract_one(
    clip_folder: Path, *, cache_root: Path, params: ExtractParams, code: str, engine: str
) -> Outcome:
    """Turn one clip into an entry of the cache, unless it is there; runs in a worker.

    Raises:
        Mu0Error: The clip cannot be read or tracked, or the disk is full.
    """
    cache = EpisodeCache(cache_root)
    key = clip_key(clip_folder, params, code)
    with cache.lock(key):  # also when found: its owner may still be writing
        if row := cache.find(key):
            return Outcome(row, key, was_cached=True)
        started = time.perf_counter()
        arrays, sidecar, verdict = _engine(engine)(read_clip(clip_folder), params)
        row = QualityRow(**verdict)
        if row.seconds_per_frame is None:
            row = replace(row, seconds_per_frame=(time.perf_counter() - started) / max(row.n_frames, 1))
        if row.status != "failed":
            cache.store(key, row, arrays, sidecar)
        return Outcome(row, key)


def _engine(name: str) -> Engine:
    module, _, function = name.partition(":")
    return getattr(import_module(module), function)


def _executor(workers: int) -> Executor:
    if workers == 1:
        return ThreadPoolExecutor(1, initializer=_one_thread)
    context = multiprocessing.get_context("spawn")  # a fork would inherit the locks of OpenCV's threads
    return ProcessPoolExecutor(workers, mp_context=context, initializer=_start_worker)


def _start_worker() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches every process; the parent decides
    _one_thread()


def _one_thread() -> None:
    import cv2

    cv2.setNumThreads(1)  # one thread per worker: workers are the parallelism, and results stay equal


def _outcome(future: Future[Outcome], clip: dict[Hashable, object]) -> Outcome:
    """The result of a worker, or the row of a failed clip."""
    error = future.exception()
    if error is None:
        return future.result()
    if isinstance(error, BrokenProcessPool):
        raise ExtractionError(
            "A worker process was killed while it extracted a clip.",
            expected="enough memory for `extract.workers` clips at a time",
            remedy="lower extract.workers in params.yaml and run again; finished clips are kept.",
        ) from error
    name = f"{clip['source']}/{clip['clip_id']}"
    if isinstance(error, Mu0Error):
        reason = f"{type(error).__name__}: {error.found}"
        log.warning("%s failed. %s", name, error)
    else:
        reason = f"unexpected {type(error).__name__}: {error}"
        log.error("%s failed.", name, exc_info=error)
    row = QualityRow(
        clip_id=str(clip["clip_id"]),
        source=str(clip["source"]),
        scene_id=str(clip["scene_id"]),
        embodiment=str(clip["embodiment"]),
        simulated=bool(clip["simulated"]),
        status="failed",
        reason=reason,
    )
    return Outcome(row)


def _publish(outcomes: list[Outcome], index: pd.DataFrame, output: Path, cache: EpisodeCache) -> None:
    with naming_a_full_disk(output), atomic_folder(output) as folder:
        contents = {}
        for row, key in _published(outcomes):
            cache.link(key, folder / row.source / row.clip_id)
            contents[f"{row.source}/{row.clip_id}"] = cache.digest(key)
        tables = write_quality(folder, [outcome.row for outcome in outcomes], index)
        write_json(folder / CONTENTS_NAME, contents | {path.name: sha256_of(path) for path in tables})


def _published(outcomes: list[Outcome]) -> Iterator[tuple[QualityRow, str]]:
    for outcome in outcomes:
        if outcome.row.status == "ok" and outcome.key is not None:
            yield outcome.row, outcome.key
