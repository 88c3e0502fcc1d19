"""Samples of a long episode, written window by window.

Each window brings rows of the 14 official arrays, of our own columns and of the re-timing map; they are
appended to the files, so that memory holds one window at a time. In an episode of one window the same files
come from `write_episode`; the official ones are equal byte by byte.

    mu0_samples/track_ids.npy, confidence.npy                      one value per row
    mu0_samples/future_frame.npy, history_frame.npy, run_offsets.npy   the re-timing map (`StoredRetiming`)
    mu0_samples/resting/, untrusted/                               places beside the rows (`PlaceRows`)
"""

from collections import Counter
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import final

import numpy as np

from mu0.episodes.arrays import EXTRA_NAMES, SAMPLE_NAMES, SampleExtras, Samples
from mu0.episodes.resting import PLACE_NAMES, VERSION_NAME, PlaceRows
from mu0.episodes.retiming import Retiming, StoredRetiming
from mu0.episodes.stream import NpyWriter
from mu0.episodes.write import EXTRAS_FOLDER

RETIMING_NAMES = ("future_frame", "history_frame", "run_offsets")  # its track ids are one of our columns
CUMULATIVE = ("offsets", "run_offsets")  # begin with 0; later windows go on where the last one ended


@final
class SampleStream:
    """The files of `samples/` and `mu0_samples/` while they grow.

    A context manager: call `add` for every window that has rows, in the order of time; at the end the files
    are completed. Without any rows the folder `samples/` stays empty, as the official writer leaves it.
    """

    def __init__(self, episode: Path) -> None:
        """Make the folder `samples/` in the folder of the episode."""
        self._episode = episode
        self._writers: dict[str, NpyWriter] = {}
        self._files = ExitStack()
        self._path_step = 0.0
        self.n_rows = 0
        self._n_places: Counter[str] = Counter()
        (episode / "samples").mkdir()

    def add(self, samples: Samples, extras: SampleExtras, retiming: Retiming) -> None:
        """Append one window; frames, rows and tracks are numbered over the whole episode already.

        Args:
            samples: Its rows; `offsets` starts at 0.
            extras: Our own columns, complete.
            retiming: Clock time of its rows; `run_offsets` starts at 0.
        """
        self._path_step = retiming.path_step
        for name in SAMPLE_NAMES:
            self._append("samples", name, getattr(samples, name), self.n_rows)
        for name in EXTRA_NAMES:
            self._append(EXTRAS_FOLDER, name, getattr(extras, name), self.n_rows)
        for name in RETIMING_NAMES:
            self._append(EXTRAS_FOLDER, name, getattr(retiming, name), self.n_rows)
        self.n_rows += samples.n_rows

    def add_places(self, rows: PlaceRows) -> None:
        """Append the places of one window; frames and tracks are numbered over the whole episode already."""
        folder = f"{EXTRAS_FOLDER}/{rows.FOLDER}"
        for name in PLACE_NAMES:
            self._append(folder, name, getattr(rows, name), self._n_places[folder])
        if not self._n_places[folder]:
            np.save(self._episode / folder / f"{VERSION_NAME}.npy", np.int32(rows.schema_version))
        self._n_places[folder] += rows.n_rows

    def _append(self, folder: str, name: str, values: np.ndarray, n_before: int) -> None:
        file = f"{folder}/{name}.npy"
        if file not in self._writers:
            (self._episode / folder).mkdir(parents=True, exist_ok=True)
            writer = NpyWriter(self._episode / file, values.shape[1:], values.dtype)
            self._writers[file] = self._files.enter_context(writer)
            if name in CUMULATIVE:
                self._writers[file].append(np.zeros(1, values.dtype))
        if name in CUMULATIVE:
            values = n_before + values[1:]
        self._writers[file].append(values)

    def retiming(self) -> StoredRetiming | None:
        """The re-timing map in the completed files; None if there are no rows."""
        if not self.n_rows:
            return None
        return StoredRetiming.open(self._episode, EXTRAS_FOLDER, self._path_step)

    def __enter__(self) -> "SampleStream":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._files.__exit__(kind, error, trace)
