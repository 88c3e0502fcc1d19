"""Small datasets in the true layouts of DROID, EgoDex, AgiBot World and EgoVerse, written from their specs.

Every recording is the same: `N_FRAMES` frames of 64 x 48 pixels, a dark pattern, and before it a bright
square of 8 x 8 pixels that moves right by 4 pixels per frame and down by 1.
"""

import json
import struct
import warnings
from pathlib import Path
from typing import Any

import cv2
import h5py
import numpy as np
import zarr
from zarr.core.dtype import VariableLengthBytes

from mu0.sources.containers.encoding import write_video

H, W, N_FRAMES = 48, 64, 12
SQUARE_PX = 8
STEP_PX = 4
PATTERN = cv2.GaussianBlur(
    np.random.default_rng(0).integers(0, 256, (H, W, 3)).astype(np.float32), (0, 0), 1.5
)
PATTERN = cv2.normalize(PATTERN, None, 10, 110, cv2.NORM_MINMAX).astype(np.uint8)
INTRINSICS = np.array([[60.0, 0, 31.5], [0, 60.0, 23.5], [0, 0, 1]])
MISSING = (1 << 64) - 1


def picture(number: int) -> np.ndarray:
    image = PATTERN.copy()
    x, y = expected_corner(number)
    image[y : y + SQUARE_PX, x : x + SQUARE_PX] = 215 + PATTERN[:SQUARE_PX, :SQUARE_PX] // 3
    return image


def square_corner(image: np.ndarray) -> tuple[int, int]:
    """X and y of the bright square's upper left pixel."""
    rows, columns = np.nonzero(image[..., 1] > 145)
    return int(columns.min()), int(rows.min())


def expected_corner(number: int) -> tuple[int, int]:
    return 4 + STEP_PX * number % 48, 8 + number % 24


def jpeg(number: int) -> bytes:
    return cv2.imencode(".jpg", picture(number), [cv2.IMWRITE_JPEG_QUALITY, 95])[1].tobytes()


def world_from_camera(n: int = N_FRAMES) -> np.ndarray:
    """A camera that moves along x by 1 cm per frame and turns about y by 0.01 rad per frame."""
    poses = np.tile(np.eye(4), (n, 1, 1))
    angle = 0.01 * np.arange(n)
    poses[:, 0, 0] = poses[:, 2, 2] = np.cos(angle)
    poses[:, 0, 2], poses[:, 2, 0] = np.sin(angle), -np.sin(angle)
    poses[:, 0, 3] = 0.01 * np.arange(n)
    return poses


# ---------------------------------------------------------------- DROID: TFRecord of tf.train.Example


def slow_crc32c(content: bytes) -> int:
    """CRC-32C bit by bit, from the polynomial's definition; shares nothing with the code under test."""
    crc = 0xFFFFFFFF
    for byte in content:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
    return ~crc & 0xFFFFFFFF


def framed(content: bytes) -> bytes:
    """One TFRecord frame."""

    def masked(part: bytes) -> bytes:
        crc = slow_crc32c(part)
        return struct.pack("<I", ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF)

    length = struct.pack("<Q", len(content))
    return length + masked(length) + content + masked(content)


def varint(number: int) -> bytes:
    number &= (1 << 64) - 1
    out = bytearray()
    while number >= 0x80:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*out, number])


def field(number: int, content: bytes) -> bytes:
    return varint(number << 3 | 2) + varint(len(content)) + content


def bytes_feature(values: list[bytes]) -> bytes:
    return field(1, b"".join(field(1, value) for value in values))


def float_feature(values: list[float]) -> bytes:
    return field(2, field(1, struct.pack(f"<{len(values)}f", *values)))


def int_feature(values: list[int]) -> bytes:
    return field(3, field(1, b"".join(varint(value) for value in values)))


def example(features: dict[str, bytes]) -> bytes:
    entries = (field(1, field(1, name.encode()) + field(2, feature)) for name, feature in features.items())
    return field(1, b"".join(entries))


def droid_episode(
    n: int = N_FRAMES, texts: tuple[str, str, str] = ("open the drawer", "", "pull it"), **more: Any
) -> bytes:
    features = {
        f"steps/observation/{camera}": bytes_feature([jpeg(number) for number in range(n)])
        for camera in ("exterior_image_1_left", "wrist_image_left")
    }
    for ending, text in zip(("", "_2", "_3"), texts, strict=True):
        features[f"steps/language_instruction{ending}"] = bytes_feature([b""] + [text.encode()] * (n - 1))
    features["steps/observation/cartesian_position"] = float_feature([0.5] * 6 * n)
    features["steps/is_first"] = int_feature([1] + [0] * (n - 1))
    path = b"gs://droid/r2d2-data-full/AUTOLab/success/2023-11-11/Sat_Nov_11_16:50:39_2023/trajectory.h5"
    features["episode_metadata/file_path"] = bytes_feature([path])
    return example(features | more)


def write_droid(folder: Path, shards: list[list[bytes] | None], **info: Any) -> Path:
    """A dataset of these shards; None is a shard of two episodes that was not downloaded."""
    folder.mkdir(parents=True, exist_ok=True)
    lengths = [str(2 if episodes is None else len(episodes)) for episodes in shards]
    split = {
        "name": "train",
        "shardLengths": lengths,
        "filepathTemplate": "{DATASET}-{SPLIT}.{FILEFORMAT}-{SHARD_X_OF_Y}",
        "numBytes": "1",
    }
    content = {"name": "droid_101", "fileFormat": "tfrecord", "splits": [split | info], "version": "1.0.1"}
    (folder / "dataset_info.json").write_text(json.dumps(content))
    for index, episodes in enumerate(shards):
        if episodes is not None:
            name = f"droid_101-train.tfrecord-{index:05d}-of-{len(shards):05d}"
            (folder / name).write_bytes(b"".join(framed(episode) for episode in episodes))
    return folder


# ---------------------------------------------------------------- EgoDex: mp4 + hdf5


def write_egodex(
    folder: Path, task: str = "part1/add_remove_lid", number: str = "0", n_poses: int = N_FRAMES
) -> Path:
    stem = folder / task / number
    stem.parent.mkdir(parents=True, exist_ok=True)
    write_video(stem.with_suffix(".mp4"), [picture(i) for i in range(N_FRAMES)], 30.0)
    with h5py.File(stem.with_suffix(".hdf5"), "w") as file:
        file["camera/intrinsic"] = INTRINSICS.astype(np.float32)
        file["transforms/camera"] = world_from_camera(n_poses).astype(np.float32)
        file["transforms/leftHand"] = world_from_camera(n_poses).astype(np.float32)
        file["confidences/leftHand"] = np.ones(n_poses, np.float32)
        file.attrs["llm_type"] = "reversible"
        file.attrs["llm_description"] = "Put the lid on."
        file.attrs["llm_description2"] = "Take the lid off."
        file.attrs["which_llm_description"] = "2"
        file.attrs["session_name"] = "session 7"
    return folder


# ---------------------------------------------------------------- AgiBot World


def write_agibot_simple(
    folder: Path, task: str = "327", episode: str = "648642", text: str = "pick\nthe cup\n"
) -> Path:
    place = folder / task / episode
    place.mkdir(parents=True)
    write_video(place / "obs.mp4", [picture(i) for i in range(N_FRAMES)], 30.0)
    (place / "task.txt").write_text(text)
    return folder


def write_agibot_raw(
    folder: Path, task: str = "327", episode: str = "648642", n_poses: int = N_FRAMES
) -> Path:
    videos = folder / f"observations/{task}/{episode}/videos"
    cameras = folder / f"parameters/{task}/{episode}/parameters/camera"
    (folder / "task_info").mkdir(parents=True, exist_ok=True)
    (folder / f"observations/{task}/{episode}/depth").mkdir(parents=True)
    videos.mkdir(parents=True)
    cameras.mkdir(parents=True)
    write_video(videos / "head_color.mp4", [picture(i) for i in range(N_FRAMES)], 30.0)
    intrinsic = {"fx": 60.0, "fy": 60.0, "ppx": 31.5, "ppy": 23.5, "k1": 0.0}
    (cameras / "head_intrinsic_params.json").write_text(json.dumps({"intrinsic": intrinsic}))
    extrinsics = [
        {"extrinsic": {"rotation_matrix": pose[:3, :3].tolist(), "translation_vector": pose[:3, 3].tolist()}}
        for pose in world_from_camera(n_poses)
    ]
    (cameras / "head_extrinsic_params_aligned.json").write_text(json.dumps(extrinsics))
    actions = [
        {"start_frame": 0, "end_frame": 6, "action_text": "Grasp the cup", "skill": "Pick"},
        {"start_frame": 6, "end_frame": 12, "action_text": "Put it down", "skill": "Place"},
    ]
    entry = {
        "episode_id": int(episode),
        "task_name": "Tidy the table",
        "init_scene_text": "A cup stands on a table",
        "label_info": {"action_config": actions},
    }
    (folder / f"task_info/task_{task}.json").write_text(json.dumps([entry]))
    return folder


# ---------------------------------------------------------------- EgoVerse: Zarr v3


def write_egoverse(
    folder: Path, name: str = "2026-01-12-03-47-29-664000.zarr", n: int = N_FRAMES, **more: Any
) -> Path:
    """An episode as EgoVerse's own writer lays it out: padded to 100 frames, one shard, a JPEG per chunk."""
    n_padded = -(-n // 100) * 100
    attributes = {
        "embodiment": "human_bimanual",
        "total_frames": n,
        "fps": 30,
        "task_name": "fold_clothes",
        "task_description": "folding a shirt",
        "intrinsics": {"front_1": np.hstack([INTRINSICS, np.zeros((3, 1))]).tolist()},
    }
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # byte strings have no Zarr v3 specification yet
        store = zarr.open_group(str(folder / name), mode="w", zarr_format=3, attributes=attributes | more)
        _write_texts(store, "images.front_1", [jpeg(min(i, n - 1)) for i in range(n_padded)])
        span = {"text": "grasp the shirt", "start_idx": 0, "end_idx": 6}
        _write_texts(store, "annotations", [json.dumps(span).encode()])
        half = 0.5 * 0.01 * np.arange(n)
        track = np.zeros((n_padded, 7))
        track[:n, 0] = 0.01 * np.arange(n)
        track[:n, 3], track[:n, 5] = np.cos(half), np.sin(half)
        stamps = np.zeros(n_padded, np.int64)
        stamps[:n] = 1_700_000_000_000_000_000 + 33_333_333 * np.arange(n)
        for key, array in (("obs_head_pose", track), ("obs_rgb_timestamps_ns", stamps)):
            store.create_array(key, data=array, chunks=(100, *array.shape[1:]), shards=array.shape)
    return folder / name


def _write_texts(store: Any, key: str, values: list[bytes], *, is_sharded: bool = True) -> None:
    """Byte strings, one per chunk."""
    array = store.create_array(
        key,
        shape=(len(values),),
        chunks=(1,),
        shards=(len(values),) if is_sharded else None,
        dtype=VariableLengthBytes(),
        overwrite=True,
    )
    content = np.empty(len(values), object)
    content[:] = values
    array[:] = content


def unshard(episode: Path, n: int) -> None:
    """Store the frames anew with one file per chunk."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        store = zarr.open_group(str(episode), mode="r+")
        _write_texts(store, "images.front_1", [jpeg(i) for i in range(n)], is_sharded=False)


def drop_frames(episode: Path, numbers: list[int]) -> None:
    """Mark chunks as missing in the shard's index, with a right checksum."""
    shard = episode / "images.front_1/c/0"
    content = shard.read_bytes()
    n_chunks = json.loads((episode / "images.front_1/zarr.json").read_text())["shape"][0]
    index = np.frombuffer(content[-16 * n_chunks - 4 : -4], "<u8").reshape(n_chunks, 2).copy()
    index[numbers] = MISSING
    body = index.tobytes()
    shard.write_bytes(content[: -len(body) - 4] + body + struct.pack("<I", slow_crc32c(body)))
