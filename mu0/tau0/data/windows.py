"""Windows: a moment, the pictures and commands that follow it, and what of them may be learned from.

    frame   0   2   4   ...  16        pictures, every second frame at 10 Hz: 1 + 8
    row      0 1 2 3 ...   15          command q leads from frame q to frame q + 1
    progress of row q                  the label of frame q + 1: what the command has led to

Facts of each kind (the masks of the loss follow from them; reference/tau0.md §3)

    kind            views          cloned   conditions   progress
    demonstration   front, wrist   1        yes          yes        a failed one is not cloned
    fault           front, wrist   0        yes          yes
    rollout         front, wrist   0        yes          yes
    branch          front, wrist   0        yes          yes
    umi             wrist          .5       no           no         `umi_action_weight`
    hand            front          0        no           no

Behind the end of a recording the last frame and the last command stand again, and are marked as not real.
"""

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd
from jaxtyping import Bool, Float, UInt8

from mu0.dataset.splits import Split
from mu0.errors import DatasetError
from mu0.files import read_json
from mu0.tau0.data.collect import ABOUT, read_tables
from mu0.tau0.data.scene_files import scene_numbers, scene_pictures

SCENES_IN_MEMORY = 8
NO_ACTIONS = ("hand",)
Label = Literal["overall", "released"]


@dataclass(frozen=True)
class Span:
    """How far a window reaches: rows of commands, and every how many frames a picture."""

    n_rows: int = 16
    frame_stride: int = 2


@dataclass(frozen=True)
class WindowKey:
    """Which window: a recording by its place in the table, and the frame it begins with."""

    place: int
    start: int


@dataclass(frozen=True)
class Supervised:
    """What may be learned from a window.

    Attributes:
        views: Cameras whose pictures are there.
        cloned: Weight of its commands as something to imitate; 0: they are not.
        conditions: Its commands are what led to its pictures, so that these may be imagined from them.
        progress: Its labels are known.
    """

    views: tuple[str, ...]
    cloned: float
    conditions: bool
    progress: bool


@dataclass(frozen=True)
class Window:
    """One window; see the module's text. Without commands (hand video) the arrays of rows are None."""

    kind: str
    task: str
    scene_id: str
    instruction: str
    supervised: Supervised
    pictures: dict[str, UInt8[np.ndarray, "f h w 3"]]
    is_frame_real: Bool[np.ndarray, " f"]
    is_row_real: Bool[np.ndarray, " n"]
    state: Float[np.ndarray, " state"] | None
    wanted: Float[np.ndarray, "n action"] | None
    executed: Float[np.ndarray, "n action"] | None
    progress: Float[np.ndarray, " n"] | None


class Tau0Windows:
    """The windows of one split of a folder that the stage `tau0_data` wrote.

    Args:
        folder: Of the data.
        split: train, val or test.
        span: How far a window reaches.
        label: Which progress (`mu0.tau0.data.labels`).

    Raises:
        DatasetError: The folder is none of these, or the split has no recording.
    """

    def __init__(self, folder: Path, split: Split, span: Span = Span(), label: Label = "overall") -> None:
        tables = read_tables(folder)
        rows = tables.recordings
        self.recordings: pd.DataFrame = rows[rows["split"] == split].reset_index(drop=True)
        if self.recordings.empty:
            raise DatasetError(
                f"{folder} has no recording in the split {split}.",
                expected="at least three scenes of a kind, so that each split gets one",
                remedy="ask for more scenes in tau0_data of params.yaml.",
            )
        self.folder, self.span = folder, span
        self.umi_weight = float(read_json(folder / ABOUT)["umi_action_weight"])
        labels = tables.frames.groupby(["scene_id", "recording"])[label]
        self._labels: dict[Any, np.ndarray] = {key: part.to_numpy() for key, part in labels}

    def n_starts(self, place: int) -> int:
        """In how many frames of a recording a window may begin: one real step at least follows."""
        told = self.recordings.iloc[place]
        return 1 if told["kind"] == "branch" else max(1, int(told["n_frames"]) - 1)

    def supervised(self, place: int) -> Supervised:
        """What may be learned from a recording."""
        told = self.recordings.iloc[place]
        kind, views = str(told["kind"]), tuple(str(told["views"]).split("+"))
        if kind == "hand":
            return Supervised(views, 0.0, conditions=False, progress=False)
        if kind == "umi":
            return Supervised(views, self.umi_weight, conditions=False, progress=False)
        cloned = float(kind == "demonstration" and bool(told["success"]))
        return Supervised(views, cloned, conditions=True, progress=True)

    def window(self, key: WindowKey) -> Window:
        """Read a window.

        Raises:
            DatasetError: It begins where none may.
            SourceError: A video is damaged.
        """
        told = self.recordings.iloc[key.place]
        if not 0 <= key.start < self.n_starts(key.place):
            raise DatasetError(
                f"No window of recording {key.place} begins with frame {key.start}.",
                expected=f"a frame from 0 to {self.n_starts(key.place) - 1}",
                remedy="choose one of them.",
            )
        last, n_rows = int(told["n_frames"]) - 1, self.span.n_rows
        rows = key.start + np.arange(n_rows)
        frames = key.start + np.arange(0, n_rows + 1, self.span.frame_stride)
        seen = int(told["first_row"]) + np.minimum(frames, last)
        facts = self.supervised(key.place)
        scene = self.folder / "scenes" / str(told["scene_id"])
        labels = self._labels.get((told["scene_id"], told["recording"]))
        return Window(
            kind=str(told["kind"]),
            task=str(told["task"]),
            scene_id=str(told["scene_id"]),
            instruction=str(told["instruction"]),
            supervised=facts,
            pictures={view: _pictures(scene, view)[seen] for view in facts.views},
            is_frame_real=frames <= last,
            is_row_real=rows < last,
            progress=None if labels is None else labels[np.minimum(rows + 1, last)].astype(np.float32),
            **self._numbers(scene, told, rows, last),
        )

    def _numbers(self, scene: Path, told: "pd.Series[Any]", rows: np.ndarray, last: int) -> dict[str, Any]:
        names = ("state", "wanted", "executed")
        if told["kind"] in NO_ACTIONS:
            return dict.fromkeys(names)
        arrays, first = scene_numbers(scene), int(told["first_row"])
        at = first + np.minimum(rows, last)
        return {
            "state": arrays["state"][first + rows[0]],
            "wanted": arrays["wanted"][at],
            "executed": arrays["executed"][at],
        }


@lru_cache(maxsize=2 * SCENES_IN_MEMORY)
def _pictures(scene: Path, view: str) -> UInt8[np.ndarray, "t h w 3"]:
    """Decoding a scene takes as long as recording a few steps; its windows share it."""
    return scene_pictures(scene, view)
