"""Stand-ins for VGGT and SpatialTrackerV2: they read depth and frame number out of the colours, correctly.

red = depth / 4 m, blue = frame number / 255. Like the networks, they answer every call in a frame of its own
(VGGT in a scale of its own, too), and for the size of image that they were given.
"""

import numpy as np
import torch
from scipy.spatial.transform import Rotation

FOCAL_SHARE = 0.9  # of the image's width
RNG = np.random.default_rng(0)


def path(frames: np.ndarray) -> np.ndarray:
    """The true camera: world_from_camera."""
    time = np.asarray(frames, float)[:, None] / 30
    poses = np.tile(np.eye(4), (len(time), 1, 1))
    poses[:, :3, 3] = np.concatenate([np.sin(time), 0.3 * time, 0.1 * np.cos(time)], 1)
    turn = np.concatenate([0.1 * time, 0.2 * np.sin(time), 0 * time], 1)
    poses[:, :3, :3] = Rotation.from_rotvec(turn).as_matrix()
    return poses


def _answer(images: torch.Tensor, scale: float):
    """Depth, camera_from_world and intrinsics in a random frame and the given scale."""
    assert images.ndim == 5
    assert images.shape[0] == 1
    assert images.shape[2] == 3
    assert 0 <= images.min() <= images.max() <= 1
    n, _, h, w = images.shape[1:]
    assert h % 14 == w % 14 == 0
    frames = (255 * images[0, :, 2].mean((1, 2))).round().numpy()
    gauge = np.eye(4)
    gauge[:3, :3] = Rotation.random(rng=RNG).as_matrix()
    gauge[:3, 3] = RNG.normal(size=3)
    world_from_camera = gauge @ path(frames)
    world_from_camera[:, :3, 3] *= scale
    focal = torch.tensor([[FOCAL_SHARE * w, 0, w / 2], [0, FOCAL_SHARE * w, h / 2], [0, 0, 1]])
    return scale * 4 * images[0, :, 0], world_from_camera, focal.repeat(n, 1, 1)


class _Model(torch.nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.weight = torch.nn.Parameter(torch.ones(1))

    @classmethod
    def from_pretrained(cls, place: str):
        assert place
        return cls()


class VGGT(_Model):
    """As vggt.models.vggt.VGGT; the pose encoding here is simply the flattened matrices."""

    def forward(self, images: torch.Tensor) -> dict[str, torch.Tensor]:
        depth, world_from_camera, intrinsics = _answer(images, float(np.exp(RNG.normal())))
        camera_from_world = torch.from_numpy(np.linalg.inv(world_from_camera))[:, :3].reshape(-1, 12)
        code = torch.cat([camera_from_world, intrinsics.reshape(-1, 9)], 1)
        return {"depth": depth[None, ..., None], "pose_enc": code[None]}


def pose_encoding_to_extri_intri(pose_encoding: torch.Tensor, image_size_hw: tuple[int, int]):
    """As vggt.utils.pose_enc: camera-from-world (1, n, 3, 4) and intrinsics (1, n, 3, 3)."""
    assert pose_encoding[0, 0, 14] == image_size_hw[1] / 2
    return pose_encoding[..., :12].unflatten(-1, (3, 4)), pose_encoding[..., 12:].unflatten(-1, (3, 3))


class VGGT4Track(_Model):
    """As SpatialTrackerV2's front end: metric, world-from-camera."""

    def forward(self, images: torch.Tensor) -> dict[str, torch.Tensor]:
        depth, world_from_camera, intrinsics = _answer(images, 1.0)
        return {
            "points_map": torch.stack([0 * depth, 0 * depth, depth], -1),
            "unc_metric": torch.ones_like(depth),
            "poses_pred": torch.from_numpy(world_from_camera)[None],
            "intrs": intrinsics[None],
        }
