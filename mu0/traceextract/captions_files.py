"""Captions on disk: the official JSON file of each episode and one table over all.

    <source>/<clip_id>/curated_training_texts.json   official keys, indent 2, ASCII
    captions.parquet                                 one row per text record

Source
    reference/traceextract.md §4.6.
"""

import json
from pathlib import Path

import pandas as pd

from mu0.episodes.read import list_episodes, read_episode
from mu0.files import atomic_folder
from mu0.params.extract import CaptionsParams
from mu0.progress import track
from mu0.traceextract.captions import EpisodeCaptions, Record, caption_episode

TEXTS_NAME = "curated_training_texts.json"
TABLE_NAME = "captions.parquet"
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
}
MERGED = -1  # merge windows have no chunk of their own


def write_captions(episodes: Path, output: Path, params: CaptionsParams) -> int:
    """Caption every episode below a folder and publish all texts in one step.

    Args:
        episodes: data/extracted_traces.
        output: data/captions, replaced.
        params: Section `captions`.

    Returns:
        Number of text records.

    Raises:
        EpisodeError: An episode is damaged.
    """
    rows: list[Record] = []
    with atomic_folder(output) as folder:
        for path in track(list_episodes(episodes), "captions"):
            episode = read_episode(path)
            captions = caption_episode(episode, params)
            goal = folder / path.relative_to(episodes) / TEXTS_NAME
            goal.parent.mkdir(parents=True)
            goal.write_text(training_text(path.name, episode.n_frames, captions))
            rows += table_rows(episode.sidecar.episode_id, captions)
        table = pd.DataFrame(rows, columns=list(COLUMNS)).astype(COLUMNS)
        table.to_parquet(folder / TABLE_NAME, index=False)
    return len(rows)


def training_text(video_id: str, n_frames: int, captions: EpisodeCaptions) -> str:
    """The text of curated_training_texts.json."""
    content = {
        "video_id": video_id,
        "n_frames": n_frames,
        "chunk_texts": captions.chunk_texts,
        "merged_texts": captions.merged_texts,
    }
    return json.dumps(content, indent=2)


def table_rows(episode_id: str, captions: EpisodeCaptions) -> list[Record]:
    """Rows of captions.parquet: chunks first, then merge windows."""
    embodiment = captions.chunk_texts[0]["embodiment_type"]
    rows: list[Record] = []
    for kind, records in (("chunk", captions.chunk_texts), ("merged", captions.merged_texts)):
        for record in records:
            row = {name: record.get(name) for name in COLUMNS}
            row |= {"episode_id": episode_id, "kind": kind, "embodiment_type": embodiment}
            rows.append(row | {"chunk_id": record.get("chunk_id", MERGED)})
    return rows
