"""EgoVerse: one Zarr v3 group per episode, its frames as JPEGs.

    <folder>/<episode>[.zarr]/zarr.json      total_frames, fps, embodiment, task_name, task_description, ...
                              images.<camera>/         one JPEG per chunk, all chunks in one shard
                              obs_head_pose/           pose of the front camera, see `cameras`
                              obs_rgb_timestamps_ns/   when each frame was taken
                              annotations/             JSON texts {"text", "start_idx", "end_idx"}

Arrays may be longer than the episode (writers fill up the last shard with repeated frames): only the first
`total_frames` entries count.

A frame whose chunk is missing never shifts time: the episode is cut there into clips of consecutive frames
(`<episode>` where it is whole, else `<episode>_f<first frame>`), and `times.npz` holds the frames' true
numbers. Pieces shorter than ten frames are left out and told. An episode that lacks more than a fifth of its
frames is a row of the index with that reason.

Source: github.com/GaTech-RL2/EgoVerse, CONTRIBUTING_DATA.md and rldb/zarr/zarr_writer.py.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, final

import numpy as np
from jaxtyping import Bool, Int

from mu0.errors import SourceError
from mu0.files import inside
from mu0.params.raw_videos import EgoVerseSource
from mu0.sources.clip.on_disk import Clip, ClipInfo, FrameTimes
from mu0.sources.containers.timing import even_indices
from mu0.sources.dataset_clip import RecordedCamera, clip_camera
from mu0.sources.egoverse.arrays import Arrays, require_zarr
from mu0.sources.egoverse.cameras import poses_from_track, read_intrinsics
from mu0.sources.egoverse.shards import read_layout, stored_frames
from mu0.sources.item import (
    AbstractSource,
    SourceItem,
    broken_item,
    content_fingerprint,
    require_folder,
    safe_name,
)
from mu0.sources.jpeg_video import jpeg_size_px, write_jpeg_clip
from mu0.text_files import load_json

DEFAULT_CAMERA = "front_1"
DEFAULT_FPS_HZ = 30.0
MAX_MISSING_SHARE = 0.2
MIN_PIECE_FRAMES = 10


@dataclass(frozen=True)
class Piece:
    """Consecutive frames of an episode, `first` to `last` inclusive, and what lies around them."""

    episode: Path
    attributes: dict[str, Any]
    first: int
    last: int
    note: str

    @property
    def clip_id(self) -> str:
        """The episode's name, and the first frame where this is only a part of it."""
        name = safe_name(self.episode.name.removesuffix(".zarr"))
        return f"{name}_f{self.first:06d}" if self.note else name


@final
class EgoVerseReader(AbstractSource):
    """The source of kind `egoverse`."""

    def __init__(self, name: str, params: EgoVerseSource) -> None:
        self._name = name
        self._params = params
        self._camera = (params.camera or DEFAULT_CAMERA).removeprefix("images.")
        require_zarr()

    def items(self) -> Iterator[SourceItem]:
        """One item per episode, or per piece of an episode that lacks frames.

        Raises:
            SourceError: The folder is missing, or no episode lies in it.
        """
        folder = require_folder(Path(self._params.folder), "EgoVerse: <episode>.zarr folders")
        episodes = sorted(path.parent for path in folder.glob("*/zarr.json"))
        if not episodes:
            raise SourceError(
                f"{folder} holds no EgoVerse episodes (found 0).",
                expected="folders <episode>.zarr with a zarr.json each",
                remedy="correct `folder` in params.yaml.",
            )
        for episode in episodes:
            try:
                pieces = self._pieces(inside(folder, episode.name))
            except SourceError as error:
                yield broken_item(safe_name(episode.name.removesuffix(".zarr")), error)
                continue
            for piece in pieces:
                yield SourceItem(
                    piece.clip_id,
                    fingerprint=partial(self._fingerprint, piece),
                    write=partial(self._write, piece),
                )

    def _pieces(self, episode: Path) -> list[Piece]:
        attributes = _attributes(inside(episode, "zarr.json"))
        n_frames = int(attributes["total_frames"])
        layout = read_layout(inside(episode, f"images.{self._camera}"))
        if layout.n_entries < n_frames:
            raise SourceError(
                f"{layout.folder} has {layout.n_entries} entries for {n_frames} frames.",
                expected="one JPEG per frame, as total_frames says",
                remedy="download this episode again.",
            )
        stored = stored_frames(layout, n_frames)
        n_missing = int((~stored).sum())
        if n_missing > MAX_MISSING_SHARE * n_frames:
            raise SourceError(
                f"{episode} lacks {n_missing} of {n_frames} frames.",
                expected=f"at most {MAX_MISSING_SHARE:.0%} missing frames",
                remedy="download this episode again.",
            )
        return _cut(episode, attributes, stored)

    def _fingerprint(self, piece: Piece) -> str:
        names = ("annotations", "obs_head_pose", "obs_rgb_timestamps_ns", f"images.{self._camera}")
        files = [
            path for name in names for path in sorted((piece.episode / name).rglob("*")) if path.is_file()
        ]
        return content_fingerprint(piece.episode / "zarr.json", *files, first=piece.first, last=piece.last)

    def _write(self, piece: Piece, folder: Path) -> Clip:
        arrays = Arrays(piece.episode, int(piece.attributes["total_frames"]))
        fps_hz = float(piece.attributes.get("fps") or DEFAULT_FPS_HZ)
        picked = piece.first + even_indices(piece.last - piece.first + 1, fps_hz, self._params.resample_hz)
        place = f"of {piece.episode / f'images.{self._camera}'}"
        (first_jpeg,) = arrays.frames(self._camera, picked[:1])
        size_px = jpeg_size_px(f"Frame {picked[0]} {place}", first_jpeg)
        recorded, notes = self._recorded(piece, arrays, size_px)
        texts = arrays.annotations()
        info = ClipInfo(
            clip_id=piece.clip_id,
            source=self._name,
            fps_hz=self._params.resample_hz or fps_hz,
            n_frames=0,
            width_px=0,
            height_px=0,
            instruction=instruction(piece.attributes),
            embodiment="human_hand"
            if str(piece.attributes.get("embodiment", "")).startswith("human")
            else "unknown",
            scene_id=f"{self._name}/{safe_name(piece.episode.name.removesuffix('.zarr'))}",
            licence=self._params.licence,
            note="; ".join(note for note in (piece.note, *notes, _actions(texts)) if note),
        )
        frames = zip(picked, arrays.frames(self._camera, picked), strict=True)
        return write_jpeg_clip(
            folder,
            info,
            ((f"Frame {number} {place}", jpeg) for number, jpeg in frames),
            FrameTimes(picked, arrays.times_s(fps_hz)[picked]),
            clip_camera(self._params, size_px, recorded, picked),
        )

    def _recorded(
        self, piece: Piece, arrays: Arrays, size_px: tuple[int, int]
    ) -> tuple[RecordedCamera, list[str]]:
        intrinsics, note = read_intrinsics(str(piece.episode), piece.attributes, self._camera, size_px)
        track = arrays.head_track() if self._camera == DEFAULT_CAMERA else None
        if track is None:
            return RecordedCamera(intrinsics), [note]
        poses, lost = poses_from_track(track[piece.first : piece.last + 1])
        if poses is not None:  # numbered like the recording's frames
            poses = np.concatenate([np.tile(poses[:1], (piece.first, 1, 1)), poses])
        return RecordedCamera(intrinsics, poses), [note, lost]


def instruction(attributes: dict[str, Any]) -> str:
    """What the episode is about, in the dataset's own words."""
    text = next(
        (attributes[key] for key in ("task_description", "task_name", "task") if attributes.get(key)), ""
    )
    return str(text).replace("_", " ").strip()


def _attributes(path: Path) -> dict[str, Any]:
    try:
        content = load_json(path)
        attributes: dict[str, Any] = content["attributes"]
        if int(attributes["total_frames"]) < 1:
            raise ValueError("total_frames < 1")  # noqa: TRY301 - told below
    except (ValueError, KeyError, TypeError) as error:
        raise SourceError(
            f"{path} does not describe an EgoVerse episode: {error!r}.",
            expected="a Zarr v3 group with the attributes total_frames and fps",
            remedy="download this episode again.",
        ) from error
    return attributes


def _cut(episode: Path, attributes: dict[str, Any], stored: Bool[np.ndarray, " t"]) -> list[Piece]:
    """The runs of stored frames; one piece without a note where nothing is missing."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], stored, [False]]).astype(np.int8)))
    runs: Int[np.ndarray, "runs 2"] = edges.reshape(-1, 2)
    if len(runs) == 1 and stored.all():
        return [Piece(episode, attributes, 0, len(stored) - 1, "")]
    missing = np.flatnonzero(~stored)
    named = ", ".join(map(str, missing[:5])) + (", ..." if len(missing) > 5 else "")
    short = [run for run in runs if run[1] - run[0] < MIN_PIECE_FRAMES]
    left_out = f"; {len(short)} pieces under {MIN_PIECE_FRAMES} frames were left out" if short else ""
    note = f"of {len(stored)}: {len(missing)} frames are missing ({named}){left_out}"
    pieces = [
        Piece(episode, attributes, int(start), int(end) - 1, f"frames {start} to {end - 1} {note}")
        for start, end in runs
        if end - start >= MIN_PIECE_FRAMES
    ]
    if not pieces:
        raise SourceError(
            f"{episode} lacks {len(missing)} of {len(stored)} frames; no {MIN_PIECE_FRAMES} are consecutive.",
            expected=f"pieces of at least {MIN_PIECE_FRAMES} frames",
            remedy="download this episode again.",
        )
    return pieces


def _actions(texts: list[dict[str, Any]]) -> str:
    steps = [f"{text.get('start_idx')}-{text.get('end_idx')} {text.get('text')}" for text in texts]
    return "actions: " + " | ".join(steps) if steps else ""
