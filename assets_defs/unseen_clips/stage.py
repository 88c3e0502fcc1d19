"""Stage `unseen_clips`: simulated clips with objects and camera motion of no training source -> episodes."""

import shutil
from pathlib import Path

import pandas as pd

from assets_defs.entry import run_stage
from mu0.dataset.index import build_index
from mu0.dataset.rows import WindowShape
from mu0.files import atomic_file, sha256_of, sha256_of_tree, write_json
from mu0.params import load_params
from mu0.sources.unseen import collect_unseen
from mu0.traceextract.batch.extract_all import extract_all
from mu0.traceextract.captions.official_files import write_captions

GOAL = Path("data/benchmark/unseen")
WORK = Path(".mu0_cache/unseen_clips")
CLIP_CACHE, EPISODE_CACHE, CAPTION_CACHE = (
    Path(".mu0_cache/clips"),
    Path(".mu0_cache/episodes"),
    Path(".mu0_cache/captions"),
)


def main() -> None:
    """Record, extract, caption and index what nobody is trained on."""
    params = load_params()
    collect_unseen(params.benchmark, WORK / "raw_videos", WORK / "ground_truth_tracks", CLIP_CACHE)
    extract_all(WORK / "raw_videos", GOAL / "extracted_traces", EPISODE_CACHE, params.extract)
    write_captions(GOAL / "extracted_traces", GOAL / "captions", params.captions, CAPTION_CACHE)
    data = params.trace_dataset
    index = build_index(
        pd.read_parquet(GOAL / "extracted_traces/quality.parquet"),
        GOAL / "extracted_traces",
        WindowShape(data.history_len, data.future_len, data.min_future_steps),
        val_share=0.0,
        test_share=0.0,
        seed=data.seed,
    )
    with atomic_file(GOAL / "index.parquet") as temporary:
        index.slots.assign(split="test").to_parquet(temporary, index=False)
    contents = {name: sha256_of_tree(GOAL / name) for name in ("extracted_traces", "captions")}
    write_json(GOAL / "contents.json", contents | {"index.parquet": sha256_of(GOAL / "index.parquet")})
    shutil.rmtree(WORK)


if __name__ == "__main__":
    run_stage(main)
