"""Resting points for the tiny dataset: four in every anchor frame of one episode."""

from pathlib import Path

import numpy as np

from mu0.episodes.read import read_episode
from mu0.episodes.resting import RestingRows, write_places
from mu0.episodes.write import EXTRAS_FOLDER

PLACES = np.array([[2, 3, 1.0], [16, 12, 1.5], [30.5, 20, 2.0], [8, 22, 0.75]], np.float32)


def add_resting(episode: Path, places: np.ndarray = PLACES) -> None:
    """Resting points at the same places in every anchor frame."""
    samples = read_episode(episode).samples
    assert samples is not None
    frames = np.array(samples.frame_indices)
    n = len(places) * len(frames)
    rows = RestingRows(
        frame_indices=frames.astype(np.int32),
        offsets=np.arange(0, n + 1, len(places), dtype=np.int64),
        places=np.tile(places, (len(frames), 1)).astype(np.float32),
        cluster_ids=np.full(n, -1, np.int32),
        track_ids=np.arange(n, dtype=np.int32),
        confidence=np.ones(n, np.float16),
    )
    write_places(episode / EXTRAS_FOLDER, rows)
