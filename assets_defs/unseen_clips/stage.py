"""Stage `unseen_clips`: simulated clips with objects and camera motion of no training source -> episodes."""

import shutil
from pathlib import Path

import pandas as pd

from assets_defs.benchmark_folders import UNSEEN, UNSEEN_ROOT, UNSEEN_TRUTH
from assets_defs.entry import run_stage
from assets_defs.sections import section
from mu0.dataset.index import build_index
from mu0.dataset.rows import WindowShape
from mu0.files import atomic_file, sha256_of, sha256_of_tree, write_json
from mu0.params.benchmark import BenchmarkParams
from mu0.params.extract import CaptionsParams, ExtractParams
from mu0.params.world_model import TraceDatasetParams
from mu0.sources.unseen import collect_unseen
from mu0.traceextract.batch.extract_all import extract_all
from mu0.traceextract.captions.official_files import write_captions

WORK = Path(".mu0_cache/unseen_clips")
CLIP_CACHE, EPISODE_CACHE, CAPTION_CACHE = (
    Path(".mu0_cache/clips"),
    Path(".mu0_cache/episodes"),
    Path(".mu0_cache/captions"),
)


def main() -> None:
    """Record, extract, caption and index what nobody is trained on."""
    benchmark, data = section("benchmark", BenchmarkParams), section("trace_dataset", TraceDatasetParams)
    collect_unseen(benchmark, WORK / "raw_videos", UNSEEN_TRUTH, CLIP_CACHE)
    extract_all(WORK / "raw_videos", UNSEEN.episodes, EPISODE_CACHE, section("extract", ExtractParams))
    write_captions(UNSEEN.episodes, UNSEEN.captions, section("captions", CaptionsParams), CAPTION_CACHE)
    index = build_index(
        pd.read_parquet(UNSEEN.episodes / "quality.parquet"),
        UNSEEN.episodes,
        WindowShape(data.history_len, data.future_len, data.min_future_steps),
        val_share=0.0,
        test_share=0.0,
        seed=data.seed,
    )
    with atomic_file(UNSEEN.index) as temporary:
        index.slots.assign(split="test").to_parquet(temporary, index=False)
    folders = (UNSEEN.episodes, UNSEEN.captions, UNSEEN_TRUTH)
    contents = {folder.name: sha256_of_tree(folder) for folder in folders}
    write_json(UNSEEN_ROOT / "contents.json", contents | {UNSEEN.index.name: sha256_of(UNSEEN.index)})
    shutil.rmtree(WORK)


if __name__ == "__main__":
    run_stage(main)
