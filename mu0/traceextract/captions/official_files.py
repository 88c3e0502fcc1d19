"""Captions on disk: the official files of each episode, one table over all, and a summary that adds up.

    <source>/<clip_id>/curated_training_texts.json   what training reads; official keys, indent 2, ASCII
    <source>/<clip_id>/curated_captions.json         the same with how it came about
    <source>/<clip_id>/curated/                      chunks_meta, segments_meta, merged_windows; with a model
                                                     also chunk_captions/, frames/ and masks/
    captions.parquet                                 one row per text record, who wrote it, and what failed
    summary.json                                     counts that add up to the rows of the table
    contents.json                                    hash of every episode's folder and of the table

The folder appears in one step at the end: a run that fails leaves the captions of the run before. Of two runs
on one folder the second waits for the first.

Source
    reference/traceextract.md §4.6.
"""

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pandas as pd

from mu0.episodes.read import list_episodes, read_episode
from mu0.file_lock import locked
from mu0.files import atomic_folder, sha256_of, sha256_of_tree, write_json
from mu0.params.extract import CaptionsParams
from mu0.progress import track
from mu0.traceextract.captions.captioners.registry import load_captioner
from mu0.traceextract.captions.episode_captions import EpisodeCaptions, Told, caption_episodes, plan_episode
from mu0.traceextract.captions.official_records import (
    Record,
    caption_record,
    chunk_meta,
    chunk_text,
    debug_record,
    merged_records,
    picture_files,
    segments_meta,
    training_record,
)
from mu0.traceextract.captions.totals import Totals

TEXTS_NAME, DEBUG_NAME = "curated_training_texts.json", "curated_captions.json"
TABLE_NAME, SUMMARY_NAME, CONTENTS_NAME = "captions.parquet", "summary.json", "contents.json"
COLUMNS = {
    "episode_id": "str",
    "kind": "str",
    "chunk_id": "int64",
    "start_idx": "int64",
    "end_idx": "int64",
    "instruction_1": "str",
    "instruction_2": "str",
    "instruction_3": "str",
    "skill_labels": "object",
    "embodiment_type": "str",
    "objects": "object",
    "captioner": "str",
    "model": "str",
    "licence": "str",
    "status": "str",
    "error": "str",
}
MERGED = -1  # merge windows have no chunk of their own


def write_captions(episodes: Path, output: Path, params: CaptionsParams, cache: Path) -> Totals:
    """Caption every episode below a folder and publish all texts in one step.

    Args:
        episodes: data/extracted_traces.
        output: data/captions, replaced.
        params: Section `captions`.
        cache: Where answers of models are kept from run to run.

    Raises:
        EpisodeError: An episode is damaged.
        CaptionError: The captioner cannot work at all, or has described nothing and there is no fallback.
    """
    captioner = load_captioner(params, cache)
    totals = Totals()
    rows: list[Record] = []
    paths = list_episodes(episodes)
    together = params.openai.concurrency if params.captioner == "openai" else 1
    groups = [paths[first : first + together] for first in range(0, len(paths), together)]
    with _alone(output), atomic_folder(output) as folder:
        contents = {}
        for group in track(groups, "captions"):
            plans = [plan_episode(read_episode(path), params) for path in group]
            for path, captions in zip(group, caption_episodes(plans, captioner, params), strict=True):
                name = path.relative_to(episodes).as_posix()
                write_episode_captions(folder / name, name, captions, params)
                contents[name] = sha256_of_tree(folder / name)
                episode_id = captions.plan.episode.sidecar.episode_id
                rows += table_rows(episode_id, captions, params)
                totals.add(episode_id, captions)
        totals.refuse_nothing(params)
        table = pd.DataFrame(rows, columns=list(COLUMNS)).astype(COLUMNS)
        table.to_parquet(folder / TABLE_NAME, index=False)
        write_json(folder / SUMMARY_NAME, totals.summary(params))
        write_json(folder / CONTENTS_NAME, contents | {TABLE_NAME: sha256_of(folder / TABLE_NAME)})
    totals.tell(captioner.report())
    return totals


@contextmanager
def _alone(output: Path) -> Iterator[None]:
    """One run per output folder; unfinished folders that a killed run left beside it are removed."""
    with locked(output.with_name(f".{output.name}.lock")):
        for path in output.parent.glob(f".{output.name}.*"):
            if path.is_dir():
                shutil.rmtree(path)
        yield


def write_episode_captions(
    folder: Path, episode_id: str, captions: EpisodeCaptions, params: CaptionsParams
) -> None:
    """Write the official files of one episode; pictures only if a model was to look at them."""
    plan, curated = captions.plan, folder / "curated"
    has_pictures = params.captioner != "template"
    curated.mkdir(parents=True)
    video_id = folder.name
    acceleration = np.asarray(plan.episode.acceleration)
    _write(folder / TEXTS_NAME, training_record(captions, video_id, params))
    _write(folder / DEBUG_NAME, debug_record(captions, episode_id, params, has_pictures=has_pictures))
    _write(
        curated / "chunks_meta.json",
        [chunk_meta(video_id, view.chunk, acceleration) for view in plan.views],
    )
    _write(curated / "segments_meta.json", segments_meta(plan, params))
    _write(curated / "merged_windows.json", merged_records(captions))
    if not has_pictures:
        return
    for view, told in zip(plan.views, captions.chunks, strict=True):
        if told.caption:
            name = f"chunk_captions/chunk_{view.chunk.chunk_id:03d}.json"
            _write(curated / name, caption_record(told.caption))
        for picture in view.pictures:
            path = folder / picture_files(view)[picture.label]
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(picture.png)


def _write(path: Path, content: object) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content, indent=2))


def table_rows(episode_id: str, captions: EpisodeCaptions, params: CaptionsParams) -> list[Record]:
    """Rows of captions.parquet: chunks first, then merge windows; failed ones have empty texts."""
    plan = captions.plan
    rows: list[Record] = []
    for view, told in zip(plan.views, captions.chunks, strict=True):
        record = chunk_text(view, told, params) if told.caption else {}
        objects = list(told.caption.objects) if told.caption else []
        row = {"kind": "chunk", "chunk_id": view.chunk.chunk_id, "objects": objects}
        rows.append(record | row | _span(view.chunk.start_idx, view.chunk.end_idx) | _story(told))
    for record, merged in zip(merged_records(captions), captions.merged, strict=True):
        own = [captions.chunks[i].caption for i in _ids(record)]
        objects = list(dict.fromkeys(name for caption in own if caption for name in caption.objects))
        row = {"kind": "merged", "chunk_id": MERGED, "objects": objects}
        row["embodiment_type"] = next((caption.embodiment_type for caption in own if caption), "unknown")
        rows.append(record | row | _story(merged))
    blank: Record = dict.fromkeys(COLUMNS, "") | {"skill_labels": [], "embodiment_type": "unknown"}
    return [{name: (blank | row)[name] for name in COLUMNS} | {"episode_id": episode_id} for row in rows]


def _span(start_idx: int, end_idx: int) -> Record:
    return {"start_idx": start_idx, "end_idx": end_idx}


def _ids(record: Record) -> list[int]:
    ids = record["source_chunk_ids"]
    assert isinstance(ids, list)
    return ids


def _story(told: Told[object]) -> Record:
    origin = told.origin
    reason = told.failure.reason if told.failure else ""
    return {
        "captioner": origin.captioner,
        "model": origin.model,
        "licence": origin.licence,
        "status": told.status,
        "error": reason,
    }
