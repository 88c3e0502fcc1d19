"""The episode while it grows: in memory, or in its files if the clip is too long for that.

    EpisodeInMemory   frames, depth and rows are arrays; `content` is what `write_episode` takes
    EpisodeInFiles    frames, depth and rows go straight into the files of the episode; vectors of a few bytes
                      per frame or track are all that stays

The official files come out equal byte by byte. The re-timing map is a part of mu0.json in the one and files
of `mu0_samples/` in the other, which also tells there when each point was lost and found (`life.npy`).
"""

from abc import ABC, abstractmethod
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import final

import numpy as np
from jaxtyping import Float32, Int32

from mu0.episodes.arrays import EpisodeArrays, SampleExtras, Samples
from mu0.episodes.hand_skeletons import HandSkeletons, write_hands
from mu0.episodes.joined_samples import SampledPart, joined_parts
from mu0.episodes.resting import PlaceRows, RestingRows, UntrustedRows, joined_places
from mu0.episodes.retiming import Retiming
from mu0.episodes.sidecar import SIDECAR_NAME, Sidecar, sidecar_text
from mu0.episodes.stream import NpyWriter
from mu0.episodes.stream_samples import SampleStream
from mu0.episodes.write import EXTRAS_FOLDER, write_cameras, write_motion, write_texts
from mu0.params.extract import ExtractParams
from mu0.sources.clip.on_disk import Clip
from mu0.traceextract.backends.interfaces import Footage, Reconstruction
from mu0.traceextract.footage import read_footage, store_footage
from mu0.traceextract.quality.provenance import sidecar_of


@dataclass(frozen=True)
class WholeClip:
    """What is known of a clip once all its windows are done.

    Attributes:
        clip: The source.
        footage: All its kept frames.
        reconstruction: Depth and camera path of all frames.
        acceleration: Mean acceleration of moving points [px per frame^2].
        movement: Content of movement_statistics.npz.
        life: What happened to every track, by frame (`LifeCycle.table`).
        hands: Its hands, if somebody looked for them.
    """

    clip: Clip
    footage: Footage
    reconstruction: Reconstruction
    acceleration: Float32[np.ndarray, " t"]
    movement: dict[str, np.ndarray]
    life: Int32[np.ndarray, "e 3"]
    hands: HandSkeletons | None = None

    @property
    def intrinsics(self) -> Float32[np.ndarray, "t 3 3"]:
        """The pinhole matrix of every frame."""
        lens = self.reconstruction.intrinsics[None].astype(np.float32)
        return np.repeat(lens, len(self.reconstruction.camera_from_world), 0)

    @property
    def camera_from_world(self) -> Float32[np.ndarray, "t 4 4"]:
        """The camera path, as it is written."""
        return self.reconstruction.camera_from_world.astype(np.float32)


class AbstractGrowingEpisode(ABC):
    """Takes a clip in, its rows window by window, and at last what is known of the whole clip."""

    @abstractmethod
    def read(self, clip: Clip, target_fps_hz: float) -> Footage:
        """The kept frames, where this episode keeps them; raises as `read_footage`."""

    @abstractmethod
    def add(self, samples: Samples, extras: SampleExtras, retiming: Retiming) -> None:
        """Append rows, in the order of time; frames and tracks have the clip's own numbers."""

    @abstractmethod
    def add_places(self, rows: PlaceRows) -> None:
        """Append places beside the rows, in the order of time, under the clip's own numbers."""

    @abstractmethod
    def finish(self, whole: WholeClip, params: ExtractParams) -> None:
        """Complete the episode."""


@final
class EpisodeInMemory(AbstractGrowingEpisode):
    """Arrays; `content` tells them once the episode is finished."""

    def __init__(self) -> None:
        """Nothing is known yet."""
        self._parts: list[SampledPart] = []
        self._places: list[PlaceRows] = []
        self._content: tuple[EpisodeArrays, Sidecar] | None = None
        self.hands: HandSkeletons | None = None

    def read(self, clip: Clip, target_fps_hz: float) -> Footage:
        """The kept frames as arrays."""
        return read_footage(clip, target_fps_hz)

    def add(self, samples: Samples, extras: SampleExtras, retiming: Retiming) -> None:
        """Keep some rows."""
        self._parts.append((samples, extras, retiming))

    def add_places(self, rows: PlaceRows) -> None:
        """Keep some places."""
        self._places.append(rows)

    def finish(self, whole: WholeClip, params: ExtractParams) -> None:
        """Put the content of the files together."""
        samples, extras, retiming = joined_parts(self._parts)
        depth = whole.reconstruction.depth_m
        arrays = EpisodeArrays(
            images=whole.footage.frames,
            depth_m=None if depth is None else depth.astype(np.float16),
            intrinsics=whole.intrinsics,
            camera_from_world=whole.camera_from_world,
            acceleration=whole.acceleration,
            samples=samples,
            extras=extras,
            movement=whole.movement,
            resting=joined_places(self._places, RestingRows),
            untrusted=joined_places(self._places, UntrustedRows),
        )
        sidecar = sidecar_of(whole.clip, whole.footage, whole.reconstruction, retiming, params)
        self._content, self.hands = (arrays, sidecar), whole.hands

    def content(self) -> tuple[EpisodeArrays, Sidecar]:
        """What the files of the finished episode hold."""
        assert self._content is not None, "the episode is not finished"
        return self._content


@final
class EpisodeInFiles(AbstractGrowingEpisode):
    """A folder that fills; a context manager. It is an episode once it is finished."""

    def __init__(self, folder: Path, scratch: Path) -> None:
        """Make the folder.

        Args:
            folder: The episode; must not exist.
            scratch: For decoded depth; nobody needs it afterwards.
        """
        folder.mkdir(parents=True)
        scratch.mkdir(parents=True, exist_ok=True)
        self._folder, self._scratch = folder, scratch
        self._open_files = ExitStack()
        self._rows = self._open_files.enter_context(SampleStream(folder))

    def read(self, clip: Clip, target_fps_hz: float) -> Footage:
        """The kept frames in images.npy, their depth in the scratch folder."""
        return store_footage(clip, target_fps_hz, self._folder / "images.npy", self._scratch)

    def add(self, samples: Samples, extras: SampleExtras, retiming: Retiming) -> None:
        """Append some rows to the files."""
        self._rows.add(samples, extras, retiming)

    def add_places(self, rows: PlaceRows) -> None:
        """Append some places to the files."""
        self._rows.add_places(rows)

    def finish(self, whole: WholeClip, params: ExtractParams) -> None:
        """Write everything else; mu0.json comes last."""
        self._open_files.close()
        self._store_depth(whole.reconstruction)
        width, height = whole.footage.image_size_px
        write_cameras(self._folder, (height, width), whole.intrinsics, whole.camera_from_world)
        write_motion(self._folder, whole.acceleration, whole.movement)
        (self._folder / EXTRAS_FOLDER).mkdir(exist_ok=True)
        np.save(self._folder / EXTRAS_FOLDER / "life.npy", whole.life)
        if whole.hands is not None:
            write_hands(self._folder, whole.hands)
        retiming = self._rows.retiming()
        sidecar = sidecar_of(whole.clip, whole.footage, whole.reconstruction, retiming, params)
        write_texts(self._folder, sidecar.instruction, None, sidecar)
        (self._folder / SIDECAR_NAME).write_text(sidecar_text(sidecar), encoding="utf-8")

    def _store_depth(self, reconstruction: Reconstruction) -> None:
        if reconstruction.depth_m is None:
            return
        path = self._folder / "depth.npy"
        with NpyWriter(path, reconstruction.depth_m.shape[1:], np.float16) as writer:
            for image in reconstruction.depth_m:
                writer.append(image.astype(np.float16)[None])

    def __enter__(self) -> "EpisodeInFiles":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._open_files.__exit__(kind, error, trace)
