"""Small LeRobotDatasets in the true layouts of v2.0, v2.1 and v3.0, written with pyarrow and PyAV alone.

Frame `number` of episode `episode` shows a bright square whose place tells both; its depth is a ramp that
tells both as well.
"""

import json
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

H, W, SIDE = 48, 96, 8
FPS = 10
TOP, WRIST, DEPTH = "observation.images.top", "observation.images.wrist", "observation.images.top_depth"
TASKS = ("pick up the cup", "open the drawer")
QUANTISATION = {"video.depth_min": 0.01, "video.depth_max": 10.0, "video.shift": 3.5, "video.use_log": True}
COUNTERS = ("frame_index", "episode_index", "index", "task_index")


def picture(episode: int, number: int) -> np.ndarray:
    image = np.full((H, W, 3), (40, 60, 50), np.uint8)
    x, y = 2 + 4 * number, 2 + 10 * episode
    image[y : y + SIDE, x : x + SIDE] = 230
    return image


def seen_in(image: np.ndarray) -> tuple[int, int]:
    """Episode and frame number that a picture shows."""
    rows, columns = np.nonzero(image[..., 1] > 150)
    return round((rows.mean() - 5.5) / 10), round((columns.mean() - 5.5) / 4)


def depth_m(episode: int, number: int) -> np.ndarray:
    ramp = np.linspace(0.5, 2.0, H * W).reshape(H, W) + 0.1 * episode + 0.01 * number
    ramp[:2] = 0
    return np.round(ramp, 3)


def quantised(metres: np.ndarray) -> np.ndarray:
    """LeRobot's 12-bit logarithmic code."""
    low, high = np.log(0.01 + 3.5), np.log(10 + 3.5)
    code = np.rint(4095 * (np.log(metres + 3.5) - low) / (high - low))
    return np.clip(code, 0, 4095).astype(np.uint16)


def encode(
    path: Path, images: list[np.ndarray], codec: str = "libx264", pixels: str = "yuv420p", fps: int = FPS
) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    options = {
        "libx264": {"crf": "8", "g": "2", "bf": "0"},
        "hevc": {"x265-params": "lossless=1:log-level=none"},
    }
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=fps, options=options.get(codec, {}))
        stream.height, stream.width = images[0].shape[:2]
        stream.pix_fmt = pixels
        for number, image in enumerate(images):
            layout = pixels if image.ndim == 2 else "rgb24"
            frame = av.VideoFrame.from_ndarray(image, format=layout)
            frame.pts, frame.time_base = number, Fraction(1, fps)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


def video_feature(
    pixels: str = "yuv420p", shape: tuple[int, int, int] = (H, W, 3), **info: Any
) -> dict[str, Any]:
    names = ["height", "width", "channels"]
    return {"dtype": "video", "shape": list(shape), "names": names, "info": {"video.pix_fmt": pixels, **info}}


def image_feature(channels: int) -> dict[str, Any]:
    return {"dtype": "image", "shape": [H, W, channels], "names": ["height", "width", "channels"]}


def base_features(robot_size: tuple[int, int] = (7, 7)) -> dict[str, Any]:
    features: dict[str, Any] = {
        "observation.state": {"dtype": "float32", "shape": [robot_size[0]], "names": None},
        "action": {"dtype": "float32", "shape": [robot_size[1]], "names": None},
        "timestamp": {"dtype": "float32", "shape": [1], "names": None},
    }
    return features | {name: {"dtype": "int64", "shape": [1], "names": None} for name in COUNTERS}


def rows(episode: int, length: int, first: int, features: dict[str, Any]) -> dict[str, pa.Array]:
    """The Parquet columns of an episode, images included."""
    steps = np.arange(length)
    columns: dict[str, pa.Array] = {
        "timestamp": pa.array((steps / FPS).astype(np.float32)),
        "frame_index": pa.array(steps),
        "episode_index": pa.array(np.full(length, episode)),
        "index": pa.array(first + steps),
        "task_index": pa.array(np.full(length, episode % 2)),
    }
    for name, offset in (("observation.state", 0.0), ("action", 0.5)):
        size = features[name]["shape"][0]
        values = np.repeat(100 * episode + steps + offset, size).astype(np.float32)
        columns[name] = pa.FixedSizeListArray.from_arrays(pa.array(values), size)
    for name, feature in features.items():
        if feature["dtype"] == "image":
            make = depth_png if feature["shape"][2] == 1 else colour_png
            cells = [{"bytes": make(episode, number), "path": None} for number in steps.tolist()]
            columns[name] = pa.array(cells, pa.struct({"bytes": pa.binary(), "path": pa.string()}))
    return columns


def colour_png(episode: int, number: int) -> bytes:
    return cv2.imencode(".png", picture(episode, number)[..., ::-1])[1].tobytes()


def depth_png(episode: int, number: int) -> bytes:
    return cv2.imencode(".png", np.rint(1000 * depth_m(episode, number)).astype(np.uint16))[1].tobytes()


def images_of(key: str, feature: dict[str, Any], episode: int, length: int) -> list[np.ndarray]:
    """What the video of a feature shows."""
    pixels = feature["info"]["video.pix_fmt"]
    if pixels == "gray12le":
        return [quantised(depth_m(episode, number)) for number in range(length)]
    if pixels == "gray16le":
        return [np.rint(1000 * depth_m(episode, number)).astype(np.uint16) for number in range(length)]
    return [picture(episode, number) for number in range(length)]


def codec_of(feature: dict[str, Any]) -> tuple[str, str]:
    pixels = feature["info"]["video.pix_fmt"]
    return {"gray12le": "hevc", "gray16le": "ffv1"}.get(pixels, "libx264"), pixels


def write_v2(root: Path, version: str, lengths: list[int], cameras: dict[str, Any], **info: Any) -> Path:
    """A v2.0 or v2.1 dataset: one Parquet file and one mp4 per camera and episode."""
    features = {**cameras, **base_features(info.pop("robot_size", (7, 7)))}
    first = 0
    for episode, length in enumerate(lengths):
        path = root / f"data/chunk-000/episode_{episode:06d}.parquet"
        path.parent.mkdir(parents=True, exist_ok=True)
        pq.write_table(pa.table(rows(episode, length, first, features)), path)
        for key, feature in cameras.items():
            if feature["dtype"] == "video":
                path = root / f"videos/chunk-000/{key}/episode_{episode:06d}.mp4"
                encode(path, images_of(key, feature, episode, length), *codec_of(feature))
        first += length
    texts = [{"episode_index": e, "tasks": [TASKS[e % 2]], "length": n} for e, n in enumerate(lengths)]
    write_lines(root / "meta/episodes.jsonl", texts)
    write_lines(root / "meta/tasks.jsonl", [{"task_index": n, "task": task} for n, task in enumerate(TASKS)])
    if version == "v2.1":
        write_lines(
            root / "meta/episodes_stats.jsonl",
            [{"episode_index": e, "stats": {}} for e in range(len(lengths))],
        )
    else:
        (root / "meta/stats.json").write_text("{}")
    template = "{episode_chunk:03d}/episode_{episode_index:06d}.parquet"
    paths = {
        "data_path": f"data/chunk-{template}",
        "video_path": "videos/chunk-{episode_chunk:03d}/{video_key}/episode_{episode_index:06d}.mp4",
    }
    write_info(root, version, lengths, features, {**paths, "total_chunks": 1, **info})
    return root


def write_v3(root: Path, lengths: list[int], cameras: dict[str, Any], **info: Any) -> Path:
    """A v3.0 dataset: all episodes in one Parquet file and one mp4 per camera."""
    features = {**cameras, **base_features(info.pop("robot_size", (7, 7)))}
    firsts = np.concatenate([[0], np.cumsum(lengths)]).tolist()
    tables = [pa.table(rows(e, n, firsts[e], features)) for e, n in enumerate(lengths)]
    (root / "data/chunk-000").mkdir(parents=True)
    with pq.ParquetWriter(root / "data/chunk-000/file-000.parquet", tables[0].schema) as writer:
        for table in tables:
            writer.write_table(table)
    records: list[dict[str, Any]] = []
    for episode, length in enumerate(lengths):
        record: dict[str, Any] = {
            "episode_index": episode, "tasks": [TASKS[episode % 2]], "length": length,
            "data/chunk_index": 0, "data/file_index": 0,
            "dataset_from_index": firsts[episode], "dataset_to_index": firsts[episode] + length,
            "stats/action/min": [0.0], "meta/episodes/chunk_index": 0, "meta/episodes/file_index": 0,
        }  # fmt: skip
        for key, feature in cameras.items():
            if feature["dtype"] == "video":
                record |= {f"videos/{key}/chunk_index": 0, f"videos/{key}/file_index": 0}
                record[f"videos/{key}/from_timestamp"] = firsts[episode] / FPS
                record[f"videos/{key}/to_timestamp"] = firsts[episode + 1] / FPS
        records.append(record)
    for key, feature in cameras.items():
        if feature["dtype"] == "video":
            images = [image for e, n in enumerate(lengths) for image in images_of(key, feature, e, n)]
            encode(root / f"videos/{key}/chunk-000/file-000.mp4", images, *codec_of(feature))
    (root / "meta/episodes/chunk-000").mkdir(parents=True)
    pq.write_table(pa.Table.from_pylist(records), root / "meta/episodes/chunk-000/file-000.parquet")
    tasks = pa.table({"task_index": pa.array([0, 1]), "__index_level_0__": pa.array(TASKS)})
    pq.write_table(tasks, root / "meta/tasks.parquet")
    (root / "meta/stats.json").write_text("{}")
    paths = {
        "data_path": "data/chunk-{chunk_index:03d}/file-{file_index:03d}.parquet",
        "video_path": "videos/{video_key}/chunk-{chunk_index:03d}/file-{file_index:03d}.mp4",
    }
    write_info(root, "v3.0", lengths, features, {**paths, **info})
    return root


def write_info(
    root: Path, version: str, lengths: list[int], features: dict[str, Any], more: dict[str, Any]
) -> None:
    info = {
        "codebase_version": version, "robot_type": "franka", "fps": FPS, "features": features,
        "total_episodes": len(lengths), "total_frames": sum(lengths), "total_tasks": 2, "chunks_size": 1000,
        "splits": {"train": f"0:{len(lengths)}"},
    }  # fmt: skip
    (root / "meta/info.json").write_text(json.dumps({**info, **more}, indent=4))


def write_lines(path: Path, objects: list[dict[str, Any]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(item) + "\n" for item in objects))
