"""Collecting clips: every source in params.yaml, one folder per clip, one index row per clip found.

A clip that cannot be read becomes a row with its reason and the others go on. Clips are made in the clip
cache and linked into the outputs at the end, so outputs appear complete or not at all, and a collection that
was interrupted goes on with the clips that are missing.
"""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from itertools import count, islice
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from mu0.errors import Mu0Error, SourceError
from mu0.files import atomic_folder, read_json, remembered_sha256_of_tree, sha256_of, write_json
from mu0.params.raw_videos import DatasetSource, FilesSource, RawVideosParams, SimulatedSource, Source
from mu0.progress import track
from mu0.sources.clip.cache import cache_key, link_file, link_tree, only_collector
from mu0.sources.clip.on_disk import read_clip
from mu0.sources.faults import READING, fault_of
from mu0.sources.item import AbstractSource, SourceItem, broken_item, content_fingerprint, safe_name
from mu0.sources.registry import READERS, code_of, open_source

INDEX_SCHEMA = pa.schema(
    [
        *(pa.field(name, pa.string()) for name in ("clip_id", "source", "status", "reason")),
        *(pa.field(name, pa.int64()) for name in ("n_frames", "width_px", "height_px")),
        *(pa.field(name, pa.float64()) for name in ("fps_hz", "median_depth_m")),
        *(pa.field(name, pa.bool_()) for name in ("has_depth", "has_poses", "has_robot")),
        *(pa.field(name, pa.string()) for name in ("instruction", "scene_id", "embodiment")),
        *(pa.field(name, pa.string()) for name in ("intrinsics_source", "hand_eye_source", "licence")),
        pa.field("simulated", pa.bool_()),
        pa.field("demonstrator_success", pa.bool_()),  # null where nobody demonstrated
    ]
)
TRUTH_README = (
    "Exact tracks of the simulated clips. Only audits may read them; empty without simulated sources.\n"
)


@dataclass(frozen=True)
class Found:
    """A clip in the cache, or why there is none."""

    clip_id: str
    source: str
    entry: Path
    fault: Mu0Error | None
    simulated: bool


def collect_clips(params: RawVideosParams, clips: Path, tracks: Path, cache: Path) -> pd.DataFrame:
    """Make the clips of all sources.

    Args:
        params: The section `raw_videos` of params.yaml.
        clips: Where clips go: `<clips>/<source>/<clip_id>/` and `<clips>/index.parquet`.
        tracks: Where exact tracks of simulated clips go: `<tracks>/<source>/<clip_id>.npz`.
        cache: Where finished clips are kept between runs.

    Returns:
        The index, one row per clip found.

    Raises:
        SourceError: No clip at all came out; a source that cannot be read is a row, and the others go on.
        SimulationError: The simulator cannot run here.
    """
    with only_collector(cache, clips, tracks):
        found: list[Found] = []
        for name, source in params.sources.items():
            found += _collect(name, source, cache, params.workers)
        if not any(clip.fault is None for clip in found):
            raise _no_clips(params, found)
        with atomic_folder(clips) as new_clips, atomic_folder(tracks) as new_tracks:
            (new_tracks / "README.md").write_text(TRUTH_README)
            rows = [_publish(clip, new_clips, new_tracks) for clip in found]
            index = new_clips / "index.parquet"
            pq.write_table(pa.Table.from_pylist(rows, INDEX_SCHEMA), index)
            write_json(new_clips / "contents.json", _contents(found) | {index.name: sha256_of(index)})
        return read_index(clips)


def read_index(clips: Path) -> pd.DataFrame:
    """The index of collected clips.

    Raises:
        SourceError: The index is missing.
    """
    path = clips / "index.parquet"
    if not path.is_file():
        raise SourceError(
            f"{path} is missing.", expected="collected clips", remedy="run `mu0 run raw_videos`."
        )
    return pq.read_table(path).to_pandas(types_mapper={pa.bool_(): pd.BooleanDtype()}.get)


def _collect(name: str, params: Source, cache: Path, workers: int) -> list[Found]:
    if isinstance(params, SimulatedSource):
        from mu0.sources.recording import record_source  # the simulator is imported only when asked for

        entries = record_source(name, params, cache, workers)
        return [
            Found(f"{name}_{index:05d}", name, entry, fault, simulated=True)
            for index, (entry, fault) in enumerate(entries)
        ]
    items = list(_listed(name, params))
    threads = workers if READERS[params.kind].threads else 1
    with ThreadPoolExecutor(threads) as pool:
        try:
            made = pool.map(lambda item: _collect_item(name, params, item, cache), items)
            return list(track(made, f"reading {name}", total=len(items)))
        finally:
            pool.shutdown(cancel_futures=True)


def _listed(name: str, params: FilesSource | DatasetSource) -> Iterator[SourceItem]:
    """The items of a source; one that cannot be listed, or not to its end, is a row and stops no other."""
    try:
        yield from _chosen(open_source(name, params), params)
    except (SourceError, *READING) as error:
        yield broken_item(safe_name(f"{name}_not_listed"), fault_of(error, params.folder))


def _chosen(source: AbstractSource, params: FilesSource | DatasetSource) -> Iterator[SourceItem]:
    """The items that the params ask for; an id that is taken or unsafe becomes a fault."""
    stop = None if params.max_clips is None else params.first + params.max_clips
    taken: set[str] = set()
    for item in islice(source.items(), params.first, stop):
        if item.clip_id in taken or item.clip_id != safe_name(item.clip_id):
            fault = _bad_name(item)
            item = replace(item, clip_id=_free_name(item.clip_id, taken), fault=fault)
        taken.add(item.clip_id)
        yield item


def _free_name(clip_id: str, taken: set[str]) -> str:
    name = safe_name(clip_id)
    return next(free for number in count(2) if (free := f"{name}_{number}") not in taken)


def _bad_name(item: SourceItem) -> SourceError:
    return SourceError(
        f"The clip's name {item.clip_id!r} is used twice or cannot be a folder's name.",
        expected="one clip per name, of letters, digits, `_`, `-` and `.`",
        remedy="remove the double entry from the dataset's metadata.",
    )


def _collect_item(name: str, params: FilesSource | DatasetSource, item: SourceItem, cache: Path) -> Found:
    entry = cache / "none"
    try:
        if item.fault is not None:
            raise item.fault
        entry = cache / _key(name, params, item)
        if not entry.exists():
            with atomic_folder(entry) as new:
                item.write(new / "clip")
                write_json(new / "facts.json", {"demonstrator_success": None})
    except Mu0Error as error:
        return Found(item.clip_id, name, entry, error, simulated=False)
    except READING as error:
        return Found(item.clip_id, name, entry, fault_of(error, f"{name}/{item.clip_id}"), simulated=False)
    return Found(item.clip_id, name, entry, None, simulated=False)


def _key(name: str, params: FilesSource | DatasetSource, item: SourceItem) -> str:
    """The cache key of a clip; which other clips are taken, and where the folder lies, does not matter."""
    facts = {
        "source": name,
        "params": params.model_dump(exclude={"folder", "max_clips", "first", "calibration"}),
        "calibration": content_fingerprint(Path(params.calibration)) if params.calibration else "",
        "clip_id": item.clip_id,
        "content": item.fingerprint(),
    }
    return cache_key(facts, code_of(params.kind))


def _publish(found: Found, clips: Path, tracks: Path) -> dict[str, Any]:
    """Link one clip into the outputs and return its row."""
    if found.fault is not None:
        return _failed_row(found)
    info = read_clip(found.entry / "clip").info
    link_tree(found.entry / "clip", clips / found.source / info.clip_id)
    if (truth := found.entry / "truth.npz").exists():
        (tracks / found.source).mkdir(exist_ok=True)
        link_file(truth, tracks / found.source / f"{info.clip_id}.npz")
    facts = read_json(found.entry / "facts.json")
    shared = {name: getattr(info, name) for name in INDEX_SCHEMA.names if hasattr(info, name)}
    return {**shared, **facts, "status": "ok", "reason": info.note}


def _contents(found: list[Found]) -> dict[str, str]:
    """Hash of every clip: what consumers depend on, so that DVC looks at one file and not at thousands."""
    ok = [clip for clip in found if clip.fault is None]
    return {f"{clip.source}/{clip.clip_id}": remembered_sha256_of_tree(clip.entry / "clip") for clip in ok}


def _failed_row(found: Found) -> dict[str, Any]:
    return {
        "clip_id": found.clip_id,
        "source": found.source,
        "status": "failed",
        "reason": str(found.fault),
        "n_frames": 0,
        "width_px": 0,
        "height_px": 0,
        "fps_hz": 0.0,
        "median_depth_m": 0.0,
        "has_depth": False,
        "has_poses": False,
        "has_robot": False,
        "instruction": "",
        "scene_id": "",
        "embodiment": "unknown",
        "intrinsics_source": "none",
        "hand_eye_source": "none",
        "licence": "",
        "simulated": found.simulated,
        "demonstrator_success": None,
    }


def _no_clips(params: RawVideosParams, found: list[Found]) -> Mu0Error:
    if len(found) == 1 and found[0].fault is not None:
        return found[0].fault
    reasons = "".join(
        f"\n    {clip.source}/{clip.clip_id}: {clip.fault and clip.fault.found}" for clip in found[:5]
    )
    return SourceError(
        f"No clip came out of the sources {', '.join(params.sources)}; {len(found)} failed.{reasons}",
        expected="at least one clip",
        remedy="put a video into data/videos, or name a simulated source under raw_videos in params.yaml.",
    )
