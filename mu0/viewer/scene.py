"""Scenes: one moment in 3D, ready for the viewer page.

A scene holds the coloured point cloud of an anchor frame and layers of traces [m] in that camera's frame
(x right, y down, z forward). `assets/scene.js` draws it; arrays travel as base64, so that a page is one file.

Entry points
    unproject_uvz   traces in uvz -> metres
    make_scene      moment -> scene
"""

import base64
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from jaxtyping import Float, UInt8

CLOUD_WIDTH_PX = 160
FLAT_DEPTH_M = 1.0
FLAT_FOCAL = 1.0  # of the image width, for pictures whose camera nobody knows
MAX_DEPTH_MM = 65535
OPACITY_DIGITS = 3


@dataclass(frozen=True)
class Layer:
    """Traces of one method; `colour` None means violet (now) to red (end).

    `opacity` fades single keypoints; all are drawn in full when it is left out.
    """

    name: str
    xyz_m: Float[np.ndarray, "sample q step 3"]
    colour: str | None = None
    shown: bool = True
    opacity: Float[np.ndarray, " q"] | None = None


def assumed_intrinsics(width_px: int, height_px: int) -> Float[np.ndarray, "3 3"]:
    """Intrinsics for a picture whose camera is unknown: 53° horizontally, centred."""
    focal_px = FLAT_FOCAL * width_px
    return np.array([[focal_px, 0, width_px / 2], [0, focal_px, height_px / 2], [0, 0, 1.0]])


def unproject_uvz(
    uvz: Float[np.ndarray, "*batch 3"], intrinsics: Float[np.ndarray, "3 3"], size_px: tuple[int, int]
) -> Float[np.ndarray, "*batch 3"]:
    """Absolute uvz -> metres in the anchor camera; `size_px` is (width, height)."""
    width_px, height_px = size_px
    x_px = (uvz[..., 0] + 1) / 2 * width_px
    y_px = (uvz[..., 1] + 1) / 2 * height_px
    z_m = uvz[..., 2]
    x_m = (x_px - intrinsics[0, 2]) / intrinsics[0, 0] * z_m
    y_m = (y_px - intrinsics[1, 2]) / intrinsics[1, 1] * z_m
    return np.stack([x_m, y_m, z_m], axis=-1)


def make_scene(
    title: str,
    image: UInt8[np.ndarray, "h w 3"],
    layers: list[Layer],
    *,
    instruction: str = "",
    depth_m: Float[np.ndarray, "h w"] | None = None,
    intrinsics: Float[np.ndarray, "3 3"] | None = None,
) -> dict[str, Any]:
    """Pack a moment for the page.

    Args:
        title: What the scene is called on the page.
        image: The anchor frame.
        layers: Traces to draw, the most important first.
        instruction: The sentence that goes with it.
        depth_m: Depth of the anchor frame, 0 or NaN where missing; without it the picture is a flat pane at
            `FLAT_DEPTH_M`.
        intrinsics: Of the anchor frame; assumed when unknown.

    Returns:
        JSON-ready content of one entry of `window.MU0_SCENES`.
    """
    height_px, width_px = image.shape[:2]
    known = assumed_intrinsics(width_px, height_px) if intrinsics is None else intrinsics
    return {
        "title": title,
        "instruction": instruction,
        "focal": float(known[1, 1]) / height_px,
        "cloud": _pack_cloud(image, depth_m, known),
        "layers": [_pack_layer(layer) for layer in layers],
    }


def _pack_layer(layer: Layer) -> dict[str, Any]:
    packed: dict[str, Any] = {
        "name": layer.name,
        "shape": list(layer.xyz_m.shape[:3]),
        "xyz": _base64(layer.xyz_m.astype("<f4")),
        "shown": layer.shown,
    }
    if layer.colour is not None:
        packed["colour"] = layer.colour
    if layer.opacity is not None:
        packed["opacity"] = np.round(layer.opacity.astype(float), OPACITY_DIGITS).tolist()
    return packed


def _pack_cloud(
    image: UInt8[np.ndarray, "h w 3"],
    depth_m: Float[np.ndarray, "h w"] | None,
    intrinsics: Float[np.ndarray, "3 3"],
) -> dict[str, Any]:
    height_px, width_px = image.shape[:2]
    scale = min(1.0, CLOUD_WIDTH_PX / width_px)
    size = (max(1, round(width_px * scale)), max(1, round(height_px * scale)))
    colours = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
    depth = (
        np.full(image.shape[:2], FLAT_DEPTH_M)
        if depth_m is None
        else np.nan_to_num(depth_m.astype(np.float32))
    )
    # nearest, not mean: a mean over an edge invents points that float between object and background
    depth = cv2.resize(depth.astype(np.float32), size, interpolation=cv2.INTER_NEAREST)
    focal_x, focal_y = intrinsics[0, 0] * scale, intrinsics[1, 1] * scale
    return {
        "width": size[0],
        "height": size[1],
        "intrinsics": [focal_x, focal_y, intrinsics[0, 2] * scale, intrinsics[1, 2] * scale],
        "spacing": 1.0 / focal_y,
        "depth_mm": _base64(np.clip(np.rint(depth * 1000), 0, MAX_DEPTH_MM).astype("<u2")),
        "rgb": _base64(colours),
    }


def _base64(array: np.ndarray) -> str:
    return base64.b64encode(np.ascontiguousarray(array).tobytes()).decode("ascii")
