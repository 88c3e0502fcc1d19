"""Stage demonstrations: robot clips -> a LeRobotDataset v3.0, the failed ones labelled."""

import logging
from pathlib import Path

from assets_defs.entry import run_stage
from assets_defs.sections import section
from mu0.params.action_expert import DemonstrationsParams
from mu0.params.raw_videos import RawVideosParams, SimulatedSource
from mu0.sources.demonstrations import Kept, write_demonstrations

CLIPS = Path("data/raw_videos")
DEMONSTRATIONS = Path("data/demonstrations")


def main() -> None:
    """Write the demonstrations of the source that params.yaml names."""
    params = section("demonstrations", DemonstrationsParams)
    recorded = section("raw_videos", RawVideosParams).sources.get(params.source)
    dataset = write_demonstrations(
        CLIPS,
        params.source,
        DEMONSTRATIONS,
        Kept(
            failures=params.keep_failures,
            cameras=params.cameras,
            depth=params.depth,
            recorded=recorded if isinstance(recorded, SimulatedSource) else None,
        ),
    )
    n_frames = sum(record.length for record in dataset.episodes)
    n_failed = len(dataset.episodes) - len(dataset.not_failed())
    logging.info(
        "%d demonstrations (%d failed), %d frames, %d tasks",
        len(dataset.episodes), n_failed, n_frames, len(dataset.tasks),
    )  # fmt: skip


if __name__ == "__main__":
    run_stage(main)
