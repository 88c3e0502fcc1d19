"""DROID (and any RLDS dataset of the same feature names): one clip per episode of its TFRecord shards.

    <folder>/[1.0.1/]dataset_info.json, <name>-train.tfrecord-00000-of-02048, ...

An episode is one tf.train.Example whose features hold all steps in a row: JPEG bytes under
`steps/observation/<camera>`, up to three sentences under `steps/language_instruction{,_2,_3}` (repeated at
each step). DROID records at 15 Hz. Clips are named `droid_shard<5 digits>_ep<3 digits>`, as the official
extractor names them.

What RLDS does not hold is flagged: there are no intrinsics, no depth and no camera poses (give a
`calibration` or an `assumed_fov_deg`). A calibration with `camera_from_base` gives the poses of an exterior
camera, one with `hand_eye` those of the wrist camera, through `steps/observation/cartesian_position` (x, y, z
[m] and Euler angles xyz [rad] of the gripper in the base). Robot states themselves are not in the clip: its
robot log describes our own UR3.

Nothing goes missing in silence: a shard that is not there, an episode behind the cut of a cut-off shard, and
an episode with a wrong checksum are rows of the index with their reason.
"""

import hashlib
import re
from collections.abc import Iterator
from functools import partial
from itertools import groupby
from pathlib import Path
from typing import final

import numpy as np
from scipy.spatial.transform import Rotation

from mu0.errors import SourceError
from mu0.geometry.rigid import from_parts, invert
from mu0.params.raw_videos import DroidSource
from mu0.sources.calibration import read_calibration
from mu0.sources.clip.on_disk import Clip, ClipInfo, FrameTimes
from mu0.sources.containers.tfrecord import Feature, RecordSpan, list_records, parse_example, read_record
from mu0.sources.containers.timing import even_indices
from mu0.sources.dataset_clip import RecordedCamera, clip_camera
from mu0.sources.droid.shards import Shard, find_info, list_shards
from mu0.sources.item import AbstractSource, SourceItem, broken_item
from mu0.sources.jpeg_video import jpeg_size_px, write_jpeg_clip
from mu0.text_files import Text, decode_text

CAMERAS = ("exterior_image_1_left", "exterior_image_2_left", "wrist_image_left")
WRIST_CAMERA = CAMERAS[2]
GRIPPER_KEY = "steps/observation/cartesian_position"
LANGUAGE_KEYS = tuple(f"steps/language_instruction{ending}" for ending in ("", "_2", "_3"))
PATH_KEY = "episode_metadata/file_path"
SPLIT = "train"
FPS_HZ = 15.0
LICENCE = "CC BY 4.0"
MISSING_PARTS = "the data hold no intrinsics, depth or camera poses; robot states were left out"


@final
class DroidReader(AbstractSource):
    """The source of kind `droid`."""

    def __init__(self, name: str, params: DroidSource) -> None:
        self._name = name
        self._params = params
        self._camera = params.camera or CAMERAS[0]
        if self._camera not in CAMERAS:
            raise SourceError(
                f"`raw_videos.sources.{name}.camera` is {self._camera!r}.",
                expected=f"one of {', '.join(CAMERAS)}",
                remedy="correct it in params.yaml.",
            )

    def items(self) -> Iterator[SourceItem]:
        """One item per episode, and one per row of missing shards.

        Raises:
            SourceError: The metadata are missing, damaged, or name files outside the folder.
        """
        shards = list_shards(find_info(Path(self._params.folder)), SPLIT)
        for is_there, group in groupby(shards, lambda shard: shard.path.is_file()):
            if is_there:
                for shard in group:
                    yield from self._items_of(shard)
            else:
                yield _missing_shards(list(group))

    def _items_of(self, shard: Shard) -> Iterator[SourceItem]:
        records = list_records(shard.path)
        for number, span in enumerate(records.spans):
            clip_id = _clip_id(shard.index, number)
            yield SourceItem(
                clip_id,
                fingerprint=partial(_fingerprint, span),
                write=partial(self._write, span, clip_id),
            )
        for number in range(len(records.spans), shard.n_episodes):
            yield broken_item(
                _clip_id(shard.index, number), records.fault or _too_few(shard, len(records.spans))
            )

    def _write(self, span: RecordSpan, clip_id: str, folder: Path) -> Clip:
        features = _read_features(span, self._camera)
        key = f"steps/observation/{self._camera}"
        images = features.get(key)
        if not isinstance(images, list) or not images:
            raise SourceError(
                f"{span.path}: the episode at byte {span.offset} has no feature {key}.",
                expected="one JPEG per step",
                remedy=f"name another `camera` in params.yaml ({', '.join(CAMERAS)}).",
            )
        picked = even_indices(len(images), FPS_HZ, self._params.resample_hz)
        texts = instructions(features)
        place = f"of the episode at byte {span.offset} of {span.path}"
        size_px = jpeg_size_px(f"Step 0 {place}", images[0])
        info = ClipInfo(
            clip_id=clip_id,
            source=self._name,
            fps_hz=self._params.resample_hz or FPS_HZ,
            n_frames=0,
            width_px=0,
            height_px=0,
            instruction=texts[0] if texts else "",
            scene_id=f"{self._name}/{_scene(features) or clip_id}",
            licence=self._params.licence or LICENCE,
            note=_note(features, texts),
        )
        return write_jpeg_clip(
            folder,
            info,
            ((f"Step {step} {place}", images[step]) for step in picked),
            FrameTimes(picked, picked / FPS_HZ),
            clip_camera(self._params, size_px, self._recorded(features, len(images)), picked),
        )

    def _recorded(self, features: dict[str, Feature], n_steps: int) -> RecordedCamera:
        """The wrist camera's poses, where a calibration says how it sits on the gripper."""
        if self._camera != WRIST_CAMERA or not self._params.calibration:
            return RecordedCamera()
        camera_from_gripper = read_calibration(
            Path(self._params.calibration), self._camera
        ).camera_from_gripper
        states = np.asarray(features.get(GRIPPER_KEY, []), np.float64)
        if camera_from_gripper is None or states.size != 6 * n_steps:
            return RecordedCamera()
        states = states.reshape(n_steps, 6)
        base_from_gripper = from_parts(Rotation.from_euler("xyz", states[:, 3:]).as_matrix(), states[:, :3])
        poses = camera_from_gripper @ invert(base_from_gripper)
        return RecordedCamera(camera_from_world=poses, hand_eye_source="calibration")


def instructions(features: dict[str, Feature]) -> list[str]:
    """The distinct instructions of an episode: of each language key the first text that is not empty."""
    return list(dict.fromkeys(found.text.strip() for found in _texts(features) if found.text.strip()))


def _texts(features: dict[str, Feature]) -> list[Text]:
    """Of each language key the first text that is not empty, in whatever encoding it was written."""
    firsts = []
    for key in LANGUAGE_KEYS:
        values = features.get(key, [])
        firsts += [value for value in values if isinstance(value, bytes) and value.strip()][:1]
    return [decode_text(value) for value in firsts]


def _read_features(span: RecordSpan, camera: str) -> dict[str, Feature]:
    try:
        return parse_example(
            read_record(span), {f"steps/observation/{camera}", GRIPPER_KEY, PATH_KEY, *LANGUAGE_KEYS}
        )
    except ValueError as error:
        raise SourceError(
            f"{span.path}: the record at byte {span.offset} is no tf.train.Example: {error}.",
            expected="an RLDS episode",
            remedy="download this file again.",
        ) from error


def _recording(features: dict[str, Feature]) -> str:
    value = features.get(PATH_KEY, [])
    return value[0].decode(errors="backslashreplace") if isinstance(value, list) and value else ""


def _scene(features: dict[str, Feature]) -> str:
    """Laboratory and day, from `.../<lab>/success/<date>/...`; a robot seldom moves within a day."""
    match = re.search(r"([^/]+)/(?:success|failure)/(\d{4}-\d\d-\d\d)/", _recording(features))
    return f"{match[1]}_{match[2]}" if match else ""


def _note(features: dict[str, Feature], texts: list[str]) -> str:
    parts = [MISSING_PARTS]
    if not texts:
        parts.append("no instruction")
    if len(texts) > 1:
        parts.append(f"other instructions: {' | '.join(texts[1:])}")
    parts += [f"an instruction {found.note}" for found in _texts(features) if found.note]
    if "/failure/" in _recording(features):
        parts.append("recorded as a failure")
    return "; ".join(parts)


def _fingerprint(span: RecordSpan) -> str:
    """Of the record's length and stored checksum, so that listing does not read gigabytes."""
    return hashlib.sha256(f"{span.length} {span.masked_crc}".encode()).hexdigest()


def _clip_id(shard: int, number: int) -> str:
    return f"droid_shard{shard:05d}_ep{number:03d}"


def _missing_shards(shards: list[Shard]) -> SourceItem:
    first, last = shards[0], shards[-1]
    n_episodes = sum(shard.n_episodes for shard in shards)
    name = f"droid_shard{first.index:05d}" + (f"_to_{last.index:05d}" if last is not first else "")
    fault = SourceError(
        f"{len(shards)} shards with {n_episodes} episodes are missing: {first.path.name}"
        + (f" to {last.path.name}" if last is not first else "")
        + f" in {first.path.parent}.",
        expected="the shards that dataset_info.json names",
        remedy="download them, or go on without them.",
    )
    return broken_item(name, fault)


def _too_few(shard: Shard, n_found: int) -> SourceError:
    return SourceError(
        f"{shard.path} holds {n_found} of {shard.n_episodes} episodes.",
        expected=f"{shard.n_episodes} episodes, as dataset_info.json says",
        remedy="download this file again.",
    )
