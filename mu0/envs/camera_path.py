"""How the front camera moves during an episode: not at all, or as if held in a calm hand."""

import numpy as np
from jaxtyping import Float

from mu0.envs.camera import look_at

SWAY_M = np.array([0.06, 0.13, 0.05])
TARGET_SWAY_M = np.array([0.02, 0.03, 0.01])
SLOWEST_HZ, FASTEST_HZ = 0.07, 0.16


class CameraPath:
    """A smooth path: each coordinate sways as a sine of its own slow frequency and phase."""

    def __init__(
        self,
        eye_m: Float[np.ndarray, " 3"],
        target_m: Float[np.ndarray, " 3"],
        *,
        moving: bool,
        rng: np.random.Generator,
    ) -> None:
        self._centre_m = np.concatenate([eye_m, target_m])
        self._sway_m = np.concatenate([SWAY_M, TARGET_SWAY_M]) * float(moving)
        self._frequency_hz = rng.uniform(SLOWEST_HZ, FASTEST_HZ, 6)
        self._phase_rad = rng.uniform(0, 2 * np.pi, 6)

    def camera_from_world(self, time_s: float) -> Float[np.ndarray, "4 4"]:
        """The pose at `time_s`."""
        angle = 2 * np.pi * self._frequency_hz * time_s + self._phase_rad
        place = self._centre_m + self._sway_m * np.sin(angle)
        return look_at(place[:3], place[3:])
