"""All clips into episodes: in parallel, incrementally, each on its own.

Every clip ends as exactly one row of quality.parquet: ok, rejected or failed with its reason. A failing clip
does not stop the others. Ctrl-C drops the running and the waiting clips and leaves the output untouched; the
next run finds the finished ones in the cache. Nothing depends on the number of workers.

Runs may share a cache and an output: a clip that another run is extracting is left for last and then found
finished, and only one run publishes at a time.
"""

import logging
import shutil
import time
from collections.abc import Callable, Hashable, Iterator
from concurrent.futures import Future, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any

import pandas as pd

from mu0.episodes.write import naming_a_full_disk
from mu0.errors import ExtractionError, Mu0Error, WeightsError
from mu0.file_lock import locked
from mu0.files import atomic_folder, sha256_of, write_json
from mu0.params.extract import ExtractParams
from mu0.progress import track
from mu0.sources.clip.on_disk import Clip, read_clip
from mu0.traceextract.batch.episode_cache import EpisodeCache, clip_key, code_version
from mu0.traceextract.batch.workers import start_workers
from mu0.traceextract.quality.row import QualityRow
from mu0.traceextract.quality.table import summary, write_quality

ENGINE = "mu0.traceextract.engine:extract_episode"
CONTENTS_NAME = "contents.json"  # hash of every episode and table: what consumers depend on
# clip, params and an empty folder -> quality row; the folder `episode` in it holds the episode if it is ok
Engine = Callable[[Clip, ExtractParams, Path], dict[str, Any]]
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
        engine: "module:function", an `Engine`.

    Returns:
        Totals for reports/extraction/metrics.json.

    Raises:
        ExtractionError: A worker process was killed.
        EpisodeError: The disk is full; the old output is untouched.
    """
    EpisodeCache(cache_root).sweep()
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
    missing: dict[Path, dict[Hashable, object]], work: Callable[..., Outcome | None], workers: int
) -> list[Outcome]:
    outcomes: list[Outcome] = []
    if not missing:
        return outcomes
    with start_workers(workers) as executor:
        for waits in (False, True):
            waiting = {executor.submit(work, folder, waits=waits): folder for folder in missing}
            what = "waiting for another run" if waits else "extracting traces"
            for future in track(as_completed(waiting), what, len(waiting)):
                if outcome := _outcome(future, missing[waiting[future]]):
                    outcomes.append(outcome)
                    del missing[waiting[future]]
            if not missing:
                break
    return outcomes


def extract_one(
    clip_folder: Path,
    *,
    cache_root: Path,
    params: ExtractParams,
    code: str,
    engine: str,
    waits: bool = True,
) -> Outcome | None:
    """Turn one clip into an entry of the cache, unless it is there; runs in a worker.

    Returns:
        What became of it; None if another run is extracting it and this one does not wait.

    Raises:
        Mu0Error: The clip cannot be read or tracked, or the disk is full.
    """
    cache = EpisodeCache(cache_root)
    key = clip_key(clip_folder, params, code)
    with cache.lock(key) if waits else cache.lock_if_free(key) as is_ours:
        if row := cache.find(key):
            return Outcome(row, key, was_cached=True)
        if is_ours is False:
            return None
        started = time.perf_counter()
        with cache.work_folder(key) as folder:
            with naming_a_full_disk(folder):
                row = QualityRow(**_engine(engine)(read_clip(clip_folder), params, folder))
            if row.seconds_per_frame is None:
                row = replace(row, seconds_per_frame=(time.perf_counter() - started) / max(row.n_frames, 1))
            if row.status != "failed":
                cache.store(key, row, folder)
        return Outcome(row, key)


def _engine(name: str) -> Engine:
    module, _, function = name.partition(":")
    return getattr(import_module(module), function)


def _outcome(future: Future[Outcome | None], clip: dict[Hashable, object]) -> Outcome | None:
    """The result of a worker, or the row of a failed clip; None if another run has the clip."""
    error = future.exception()
    if error is None:
        return future.result()
    if isinstance(error, BrokenProcessPool):
        raise ExtractionError(
            "A worker process was killed while it extracted a clip.",
            expected="enough memory for `extract.workers` clips at a time",
            remedy="lower extract.workers in params.yaml and run again; finished clips are kept.",
        ) from error
    if isinstance(error, WeightsError):
        raise error  # no clip can do without them
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
        note=str(clip.get("reason") or ""),  # of a clip that could be read, its reader's note
    )
    return Outcome(row)


def _publish(outcomes: list[Outcome], index: pd.DataFrame, output: Path, cache: EpisodeCache) -> None:
    with naming_a_full_disk(output), _alone(output, cache), atomic_folder(output) as folder:
        contents = {}
        for row, key in _published(outcomes):
            cache.link(key, folder / row.source / row.clip_id)
            contents[f"{row.source}/{row.clip_id}"] = cache.digest(key)
        tables = write_quality(folder, [outcome.row for outcome in outcomes], index)
        write_json(folder / CONTENTS_NAME, contents | {path.name: sha256_of(path) for path in tables})


@contextmanager
def _alone(output: Path, cache: EpisodeCache) -> Iterator[None]:
    """Publish while no other run does, without what killed ones left beside the output."""
    with locked(cache.root / "publish.lock"):
        for left in sorted(output.parent.glob(f".{output.name}.*")):
            if left.is_dir():
                shutil.rmtree(left, ignore_errors=True)
        yield


def _published(outcomes: list[Outcome]) -> Iterator[tuple[QualityRow, str]]:
    for outcome in outcomes:
        if outcome.row.status == "ok" and outcome.key is not None:
            yield outcome.row, outcome.key
