"""How the front camera moves during an episode: not at all, as if held in a calm hand, or on an orbit.

The orbit swings around what the camera looks at and comes nearer and leaves again: a kind of motion that no
training source shows, for evaluations of what was never seen.
"""

import numpy as np
from jaxtyping import Float

from mu0.envs.camera import look_at

SWAY_M = np.array([0.06, 0.13, 0.05])
TARGET_SWAY_M = np.array([0.02, 0.03, 0.01])
SLOWEST_HZ, FASTEST_HZ = 0.07, 0.16
ORBIT_RAD, DOLLY_SHARE = 0.45, 0.15  # to either side; of the distance
ORBIT_HZ = (0.05, 0.09)


class CameraPath:
    """A smooth path: each coordinate sways as a sine of its own slow frequency and phase."""

    def __init__(
        self,
        eye_m: Float[np.ndarray, " 3"],
        target_m: Float[np.ndarray, " 3"],
        *,
        moving: bool,
        rng: np.random.Generator,
        orbiting: bool = False,
    ) -> None:
        self._centre_m = np.concatenate([eye_m, target_m])
        self._sway_m = np.concatenate([SWAY_M, TARGET_SWAY_M]) * float(moving)
        self._frequency_hz = rng.uniform(SLOWEST_HZ, FASTEST_HZ, 6)
        self._phase_rad = rng.uniform(0, 2 * np.pi, 6)
        self._orbits = orbiting

    def camera_from_world(self, time_s: float) -> Float[np.ndarray, "4 4"]:
        """The pose at `time_s`."""
        angle = 2 * np.pi * self._frequency_hz * time_s + self._phase_rad
        place = self._centre_m + self._sway_m * np.sin(angle)
        eye, target = place[:3], place[3:]
        return look_at(self._on_orbit(eye, target, time_s) if self._orbits else eye, target)

    def _on_orbit(
        self, eye_m: Float[np.ndarray, " 3"], target_m: Float[np.ndarray, " 3"], time_s: float
    ) -> Float[np.ndarray, " 3"]:
        """The eye, turned about the vertical through the target and moved along the line of sight."""
        slow, fast = ORBIT_HZ
        turn = ORBIT_RAD * np.sin(2 * np.pi * fast * time_s + self._phase_rad[0])
        reach = 1 - DOLLY_SHARE * np.sin(2 * np.pi * slow * time_s + self._phase_rad[1])
        arm = (eye_m - target_m) * reach
        cos, sin = np.cos(turn), np.sin(turn)
        return target_m + np.array([cos * arm[0] - sin * arm[1], sin * arm[0] + cos * arm[1], arm[2]])
