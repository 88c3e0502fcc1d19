"""Futures drawn into the picture: where the gripper is expected to go, and where the thing."""

from dataclasses import replace

import cv2
import numpy as np
from jaxtyping import Float

from mu0.geometry.camera import trace_from_uvz
from mu0.records import Observation
from mu0.trace_policy.sources import Futures
from mu0.trace_policy.view import CalibratedView

GRIPPER_RGB, TARGET_RGB = (80, 200, 255), (255, 170, 40)
SUBPIXEL_BITS = 3


def with_futures(observation: Observation, futures: Futures, view: CalibratedView) -> Observation:
    """The observation with one line per sample: the mean of the gripper's points, and of the target's."""
    image = observation.image.copy()
    for of_part, colour in ((futures.gripper_m, GRIPPER_RGB), (futures.target_m, TARGET_RGB)):
        for path_m, valid in zip(of_part.mean(axis=1), futures.valid, strict=True):
            points_px = _in_pixels(path_m[valid], view)
            cv2.polylines(image, [points_px], False, colour, 1, cv2.LINE_AA, SUBPIXEL_BITS)  # noqa: FBT003
    return replace(observation, image=image)


def _in_pixels(path_m: Float[np.ndarray, "step 3"], view: CalibratedView) -> np.ndarray:
    """Whole numbers of eighths of a pixel; what is not in front of the camera is left out."""
    uvz = view.uvz(path_m)
    pixel = trace_from_uvz(uvz, view.height_px, view.width_px)[uvz[:, 2] > 0, :2]
    return np.round(pixel.clip(-view.width_px, 2 * view.width_px) * 2**SUBPIXEL_BITS).astype(np.int32)
