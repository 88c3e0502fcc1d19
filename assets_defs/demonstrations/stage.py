"""Stage demonstrations: successful robot clips -> a LeRobotDataset v3.0."""

import logging
from pathlib import Path

from assets_defs.entry import run_stage
from assets_defs.sections import section
from mu0.params.action_expert import DemonstrationsParams
from mu0.sources.demonstrations import write_demonstrations

CLIPS = Path("data/raw_videos")
DEMONSTRATIONS = Path("data/demonstrations")


def main() -> None:
    """Write the demonstrations of the source that params.yaml names."""
    dataset = write_demonstrations(
        CLIPS, section("demonstrations", DemonstrationsParams).source, DEMONSTRATIONS
    )
    n_frames = sum(record.length for record in dataset.episodes)
    logging.info(
        "%d demonstrations, %d frames, %d tasks", len(dataset.episodes), n_frames, len(dataset.tasks)
    )


if __name__ == "__main__":
    run_stage(main)
