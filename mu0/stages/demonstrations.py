"""Stage demonstrations: successful robot clips -> a LeRobotDataset v3.0."""

import logging
from pathlib import Path

from mu0.params import load_params
from mu0.sources.demonstrations import write_demonstrations
from mu0.stages.entry import run_stage

CLIPS = Path("data/raw_videos")
DEMONSTRATIONS = Path("data/demonstrations")


def main() -> None:
    """Write the demonstrations of the source that params.yaml names."""
    dataset = write_demonstrations(CLIPS, load_params().demonstrations.source, DEMONSTRATIONS)
    n_frames = sum(record.length for record in dataset.episodes)
    logging.info(
        "%d demonstrations, %d frames, %d tasks", len(dataset.episodes), n_frames, len(dataset.tasks)
    )


if __name__ == "__main__":
    run_stage(main)
