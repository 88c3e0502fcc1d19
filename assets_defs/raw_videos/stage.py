"""Stage raw_videos: the sources in params.yaml -> clips, their index, and the truth of simulated ones."""

import logging
from pathlib import Path

from assets_defs.entry import run_stage
from assets_defs.sections import section
from mu0.params.raw_videos import RawVideosParams
from mu0.sources.collect import collect_clips
from mu0.sources.told import lines_of

CLIPS = Path("data/raw_videos")
TRACKS = Path("data/ground_truth_tracks")
CACHE = Path(".mu0_cache/clips")


def main() -> None:
    """Collect the clips and tell what they are, what was not used, and how many failed and why."""
    index = collect_clips(section("raw_videos", RawVideosParams), CLIPS, TRACKS, CACHE)
    failed = index[index["status"] == "failed"]
    for row in failed.itertuples():
        logging.warning("%s/%s failed: %s", row.source, row.clip_id, row.reason)
    for line in lines_of(index):
        logging.info("%s", line)
    logging.info("%d clips, %d failed, %d frames", len(index), len(failed), index["n_frames"].sum())


if __name__ == "__main__":
    run_stage(main)
