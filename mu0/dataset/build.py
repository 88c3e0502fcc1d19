"""Building a trace dataset: index with splits, statistics over the training episodes, and a summary.

index.parquet           a row per slot of every usable episode, with its split
episodes.parquet        a row per episode: used or not, and why
normalizer_stats.json   what the training episodes are normalised by
summary.json            counts, and the scale of a step
"""

from pathlib import Path

import pandas as pd

from mu0.dataset.index import USED, build_index
from mu0.dataset.rows import WindowShape
from mu0.dataset.statistics import compute_statistics
from mu0.episodes.read import read_episode
from mu0.errors import StageError
from mu0.files import atomic_folder, write_json
from mu0.params.world_model import TraceDatasetParams
from mu0.progress import track


def build_trace_dataset(episodes: Path, goal: Path, params: TraceDatasetParams) -> None:
    """Write the dataset of all episodes below `episodes` into `goal`, in one step.

    Raises:
        StageError: The quality table of the episodes is missing.
        DatasetError: No episode can be used.
    """
    shape = WindowShape(params.history_len, params.future_len, params.min_future_steps)
    index = build_index(
        _read_quality(episodes / "quality.parquet"),
        episodes,
        shape,
        val_share=params.val_share,
        test_share=params.test_share,
        seed=params.seed,
    )
    table = index.episodes
    trained = table[(table["status"] == USED) & (table["split"] == "train")]
    folders = [episodes / name for name in sorted(trained["episode_id"])]
    statistics = compute_statistics(
        (read_episode(folder) for folder in track(folders, "statistics")),
        history_len=params.history_len,
        future_len=params.future_len,
        seed=params.seed,
    )
    summary = index.summary() | {"delta_scale": statistics.delta_scale.tolist()}
    with atomic_folder(goal) as folder:
        index.slots.to_parquet(folder / "index.parquet", index=False)
        index.episodes.to_parquet(folder / "episodes.parquet", index=False)
        statistics.write(folder / "normalizer_stats.json")
        write_json(folder / "summary.json", summary)


def _read_quality(path: Path) -> pd.DataFrame:
    if not path.exists():
        raise StageError(
            f"{path} is missing.",
            expected="the quality table of the stage extracted_traces",
            remedy="run `mu0 run`, which builds what is missing.",
        )
    return pd.read_parquet(path)
