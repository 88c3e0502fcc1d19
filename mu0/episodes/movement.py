"""movement_statistics.npz: how far points and camera moved.

Source
    reference/traceextract.md §1.3. Unlike the official writer, displacements and the image size they are
    compared with are in the same pixels.
"""

import numpy as np
from jaxtyping import Float

from mu0.geometry.rigid import invert, rotation_angle_rad


def movement_statistics(
    camera_from_world: Float[np.ndarray, "t 4 4"],
    max_displacement_px: Float[np.ndarray, " n"],
    size_px: tuple[int, int],
) -> dict[str, np.ndarray]:
    """The content of movement_statistics.npz, in the official order of keys.

    Args:
        camera_from_world: Camera of each frame.
        max_displacement_px: Largest displacement of each point, static ones included; empty if unknown.
        size_px: Image height and width.
    """
    statistics: dict[str, np.ndarray] = {}
    if len(max_displacement_px):
        share = max_displacement_px / max(size_px)
        statistics["total_unique_kps"] = np.array(len(share), np.int64)
        statistics["n_above_005"] = np.array((share > 0.05).sum(), np.int64)
        statistics["n_above_010"] = np.array((share > 0.10).sum(), np.int64)
    if len(camera_from_world) < 2:
        return statistics
    camera = camera_from_world.astype(np.float64)
    centre = invert(camera)[:, :3, 3]
    turn = camera[1:, :3, :3] @ np.swapaxes(camera[:-1, :3, :3], 1, 2)
    steps = {
        "trans": np.linalg.norm(np.diff(centre, axis=0), axis=-1).astype(np.float32),
        "rot": rotation_angle_rad(turn).astype(np.float32),
    }
    suffix = {"trans": "", "rot": "_rad"}
    for name, step in steps.items():
        statistics[f"cam_{name}_step{suffix[name]}"] = step
    for measure, reduce in (("total", np.sum), ("mean", np.mean), ("max", np.max)):
        for name, step in steps.items():
            statistics[f"cam_{name}_{measure}{suffix[name]}"] = np.array(reduce(step), np.float32)
    return statistics
