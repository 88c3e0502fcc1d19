"""A square that slides over a wall, as pictures and depth: its left border tells which frame one looks at."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from mu0.params.raw_videos import FilesSource
from mu0.sources.clip.on_disk import Clip, read_clip
from mu0.sources.own_files.reader import find_items, write_item

HEIGHT, WIDTH, SIDE = 24, 48, 8
NEAR_M, FAR_M = 1.0, 1.5
CAMERA = {"fx": 40.0, "fy": 40.0, "cx": 23.5, "cy": 11.5, "fps": 10.0}
NO_RATE = "nothing tells the rate: 10 Hz was assumed"


def border_px(number: int) -> int:
    return 2 + 2 * number


def picture(number: int) -> np.ndarray:
    image = np.full((HEIGHT, WIDTH, 3), 40, np.uint8)
    image[8 : 8 + SIDE, border_px(number) : border_px(number) + SIDE] = 200
    return image


def depth_m(number: int) -> np.ndarray:
    depth = np.full((HEIGHT, WIDTH), FAR_M, np.float32)
    depth[8 : 8 + SIDE, border_px(number) : border_px(number) + SIDE] = NEAR_M
    return depth


def units(number: int, per_m: float = 1000.0) -> np.ndarray:
    return np.rint(depth_m(number) * per_m).astype(np.uint16)


def save(path: Path, image: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix == ".npy":
        np.save(path, image)
    else:
        assert cv2.imwrite(str(path), image)


def recording(
    folder: Path,
    colour: Iterable[int] = range(8),
    depth: Iterable[int] = range(8),
    *,
    per_m: float = 1000.0,
    camera: dict[str, Any] | None = None,
) -> Path:
    """color/000000.png ..., depth/000000.png ... and camera.json."""
    for number in colour:
        save(folder / f"color/{number:06d}.png", picture(number))
    for number in depth:
        save(folder / f"depth/{number:06d}.png", units(number, per_m))
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "camera.json").write_text(json.dumps(CAMERA if camera is None else camera))
    return folder


def collected(root: Path, clip_id: str = "", **options: Any) -> Clip:
    """The only clip of a source, or the one of this name."""
    items = [item for item in find_items(root) if clip_id in {"", item.clip_id}]
    assert len(items) == 1, [item.clip_id for item in items]
    params = FilesSource.model_validate({"kind": "files", "folder": str(root), **options})
    goal = root.parent / "out" / items[0].clip_id
    write_item(items[0], goal, "mine", params.frame_rate_hz, params)
    return read_clip(goal)


def numbers_shown(clip: Clip) -> list[int]:
    """Which pictures the clip's frames are."""
    return [int((np.flatnonzero(frame[10, :, 0] > 120)[0] - 2) // 2) for frame in clip.frames()]


def numbers_in_depth(clip: Clip) -> list[int]:
    """Which depth images the clip's are."""
    found = clip.depth_m()
    assert found is not None
    return [int((np.flatnonzero(depth[10] < 0.9 * depth.max())[0] - 2) // 2) for depth in found]


def depths_m(clip: Clip) -> tuple[float, float]:
    """The two depths of the scene as the clip holds them."""
    found = clip.depth_m()
    assert found is not None
    return round(float(found.min()), 3), round(float(found.max()), 3)
