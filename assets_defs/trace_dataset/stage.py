"""Stage `trace_dataset`: episodes and captions -> index with splits, normalisation statistics, summary."""

from pathlib import Path

import pandas as pd

from assets_defs.entry import run_stage
from assets_defs.sections import section
from mu0.dataset.index import USED, build_index
from mu0.dataset.rows import WindowShape
from mu0.dataset.statistics import compute_statistics
from mu0.episodes.read import read_episode
from mu0.errors import StageError
from mu0.files import atomic_folder, write_json
from mu0.params.world_model import TraceDatasetParams
from mu0.progress import track

EPISODES = Path("data/extracted_traces")
GOAL = Path("data/trace_dataset")


def main() -> None:
    """Build the trace dataset."""
    params = section("trace_dataset", TraceDatasetParams)
    shape = WindowShape(params.history_len, params.future_len, params.min_future_steps)
    index = build_index(
        _read_quality(EPISODES / "quality.parquet"),
        EPISODES,
        shape,
        val_share=params.val_share,
        test_share=params.test_share,
        seed=params.seed,
    )
    episodes = index.episodes
    trained = episodes[(episodes["status"] == USED) & (episodes["split"] == "train")]
    folders = [EPISODES / name for name in sorted(trained["episode_id"])]
    statistics = compute_statistics(
        (read_episode(folder) for folder in track(folders, "statistics")),
        history_len=params.history_len,
        future_len=params.future_len,
        seed=params.seed,
    )
    with atomic_folder(GOAL) as folder:
        index.slots.to_parquet(folder / "index.parquet", index=False)
        index.episodes.to_parquet(folder / "episodes.parquet", index=False)
        statistics.write(folder / "normalizer_stats.json")
        write_json(
            folder / "summary.json", index.summary() | {"delta_scale": statistics.delta_scale.tolist()}
        )


def _read_quality(path: Path) -> pd.DataFrame:
    if not path.exists():
        raise StageError(
            f"{path} is missing.",
            expected="the quality table of the stage extracted_traces",
            remedy="run `mu0 run`, which builds what is missing.",
        )
    return pd.read_parquet(path)


if __name__ == "__main__":
    run_stage(main)
