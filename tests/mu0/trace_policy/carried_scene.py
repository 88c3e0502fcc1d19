"""A known carrying motion: down to a grasp, up, across with a turn, down, let go, away."""

import itertools

import numpy as np

from mu0.trace_policy.ur3 import ur3_embodiment
from tests.mu0.trace_policy.toy_world import CORNERS_M, PLACE_M, START, TARGET_M, moved, pose_at

GRASP_YAW_RAD, N = 0.8, 12
GRASP, RELEASE = 2 * N, 5 * N


def carried_scene() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Gripper points, target points (point, time, 3), tool poses."""
    x, y, z = TARGET_M
    corners = [
        START,
        np.array([x, y, 0.16, GRASP_YAW_RAD]),
        np.array([x, y, z, GRASP_YAW_RAD]),
        np.array([x, y, 0.2, GRASP_YAW_RAD]),
        np.array([*PLACE_M[:2], 0.22, 0.0]),
        np.array([*PLACE_M[:2], 0.13, 0.0]),
        np.array([*(PLACE_M[:2] - [0, 0.05]), 0.24, 0.0]),
    ]
    pairs = itertools.pairwise(corners)
    commands = [a + share * (b - a) for a, b in pairs for share in np.linspace(0, 1, N, endpoint=False)]
    tool = np.stack([pose_at(*command) for command in commands])
    rides = np.clip(np.arange(len(tool)), GRASP, RELEASE)
    target = tool[rides] @ np.linalg.inv(tool[GRASP])
    points_m = np.stack([(TARGET_M + CORNERS_M) @ pose[:3, :3].T + pose[:3, 3] for pose in target], axis=1)
    return moved(ur3_embodiment().points_m(tool[0], 0.0), tool), points_m, tool
