"""Pictures as a stem looks at them: square and small, the same in training and on the robot."""

import cv2
import numpy as np
import torch
from jaxtyping import UInt8


def squared(image: UInt8[np.ndarray, "h w 3"], side_px: int) -> UInt8[np.ndarray, "side side 3"]:
    """The whole picture in a square; what is not square is squeezed, as by the world model."""
    if image.shape[:2] == (side_px, side_px):
        return image
    return np.asarray(cv2.resize(image, (side_px, side_px), interpolation=cv2.INTER_AREA), np.uint8)


def batch_of_one(image: UInt8[np.ndarray, "h w 3"]) -> UInt8[torch.Tensor, "1 3 h w"]:
    """One picture as networks take them."""
    return torch.from_numpy(np.array(image)).permute(2, 0, 1)[None]
