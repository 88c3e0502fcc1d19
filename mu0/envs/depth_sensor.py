"""Depth as a structured-light sensor gives it: noise that grows with distance, whole millimetres, a range.

The standard deviation is 1.2 mm + 1.9 mm x (z - 0.4)^2 with z in metres.

Source: Nguyen, Izadi, Lovell, "Modeling Kinect Sensor Noise for Improved 3D Reconstruction and Tracking",
3DIMPVT 2012 (axial noise).
"""

import numpy as np
from jaxtyping import Float

RANGE_M = (0.3, 5.0)
RESOLUTION_M = 0.001


def sense_depth(depth_m: Float[np.ndarray, "h w"], rng: np.random.Generator) -> Float[np.ndarray, "h w"]:
    """A noisy float32 copy of an exact depth; 0 where the sensor sees nothing."""
    sigma_m = 0.0012 + 0.0019 * (depth_m - 0.4) ** 2
    noisy = depth_m + sigma_m * rng.standard_normal(depth_m.shape, dtype=np.float32)
    rounded = np.rint(noisy / RESOLUTION_M) * RESOLUTION_M
    is_seen = (depth_m > RANGE_M[0]) & (depth_m < RANGE_M[1])
    return np.where(is_seen, rounded, 0.0).astype(np.float32)
