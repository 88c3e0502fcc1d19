"""Reconstructors `vggt` and `spatialtracker_v2`: depth, camera path and lens from many frames at once.

Both are user-installed code. A clip that is longer than one look is looked at in chunks that anchors hold
together (`chunk_alignment`). Frames are resized so that the longer side has 518 pixels and both are multiples
of 14; nothing is cropped (portrait videos too), and the lens is scaled back exactly.

    vggt               vggt.models.vggt.VGGT.from_pretrained(model); images (1, n, 3, h, w) in [0, 1]
                       -> depth (1, n, h, w, 1), pose_enc (1, n, 9); its own `pose_encoding_to_extri_intri`
                       turns that into camera-from-world (1, n, 3, 4) and a lens in pixels
    spatialtracker_v2  ...vggt4track.models.vggt_moe.VGGT4Track.from_pretrained(model); the same images
                       -> points_map (n, h, w, 3), poses_pred (1, n, 4, 4) world-from-camera, intrs

What the source itself knows (depth, lens, camera path) is kept; the network adds the rest.

SpatialTrackerV2's depth is in metres. VGGT's has no unit: it is scaled by the source's own depth or camera
path, or by `extract.learned.metres_per_unit`; without any of these the clip stays two-dimensional, because a
trace in unknown units is worse than none.

Sources
    VGGT arXiv:2503.11651; SpatialTrackerV2 arXiv:2507.12462; reference/traceextract.md §2.3.
"""

from collections.abc import Iterator
from functools import partial
from typing import Any, final

import numpy as np
from jaxtyping import Float
from scipy.spatial.transform import Rotation

from mu0.geometry.alignment import fit_similarity
from mu0.geometry.camera import scale_intrinsics
from mu0.geometry.rigid import from_parts, invert
from mu0.params.learned import LearnedParams, model_of
from mu0.traceextract.backends.images import UNIT, image_batch, to_image_size
from mu0.traceextract.backends.interfaces import AbstractReconstructor, Footage, Reconstruction
from mu0.traceextract.backends.licences import tell_licence
from mu0.traceextract.backends.loading import Weights, load_code
from mu0.traceextract.backends.model_slot import SLOT
from mu0.traceextract.backends.torch_code import inference, ready
from mu0.traceextract.reconstruction.chunk_alignment import ChunkReport, Views, aligned_chunks
from mu0.traceextract.reconstruction.depth_and_path import clean_depth, pixels_only, reconstruct_rgbd

LONGER_PX, PATCH_PX = 518, 14
MIN_TRAVEL_M = 0.05  # of a given camera path, before it can tell a scale
MODULES = {
    "vggt": ("vggt.models.vggt", "VGGT"),
    "spatialtracker_v2": ("models.SpaTrackV2.models.vggt4track.models.vggt_moe", "VGGT4Track"),
}
HOW = {
    "vggt": "pip install git+https://github.com/facebookresearch/vggt.git, or set extract.learned.depth_code "
    "to a clone of it.",
    "spatialtracker_v2": "clone https://github.com/henry123-boy/SpaTrackerV2, install its requirements, and "
    "set extract.learned.depth_code to the clone.",
}


@final
class MultiView(AbstractReconstructor):
    """Asks a network that sees many frames at once."""

    def __init__(self, backend: str, learned: LearnedParams) -> None:
        self._learned = learned
        self._weights = Weights(backend, model_of(backend, learned.depth_model), "depth_model")

    def reconstruct(self, footage: Footage) -> Reconstruction:
        """Depth, intrinsics and poses of every frame."""
        if all(
            known is not None for known in (footage.depth_m, footage.intrinsics, footage.camera_from_world)
        ):
            return reconstruct_rgbd(footage)
        report = ChunkReport()
        poses: list[np.ndarray] = []
        depth = footage.keep("predicted_depth", self._depth(footage, report, poses))
        world_from_camera = np.concatenate(poses)
        scale, source = self._metres(footage, depth, world_from_camera)
        if scale is None:
            return pixels_only(footage, f"{self._weights.backend} has no metres and {source}")
        world_from_camera[:, :3, 3] *= scale
        if footage.depth_m is None:
            metres = (clean_depth(image * np.float32(scale)) for image in depth)
        else:
            metres = (clean_depth(image) for image in footage.depth_m)
        poses_known = footage.camera_from_world is not None
        estimate = invert(world_from_camera) @ world_from_camera[0]
        return Reconstruction(
            depth_m=footage.keep("metric_depth", metres),
            intrinsics=report.intrinsics if footage.intrinsics is None else footage.intrinsics,
            camera_from_world=footage.camera_from_world if poses_known else estimate,
            pose_source="given" if poses_known else "odometry",
            intrinsics_source="predicted" if footage.intrinsics is None else "",
            note=f"by {self._weights.backend} what the source lacks; {report.summary()}; metres {source}",
        )

    def _depth(
        self, footage: Footage, report: ChunkReport, poses: list[np.ndarray]
    ) -> Iterator[Float[np.ndarray, "h w"]]:
        """Depth of every frame at the size of the image; fills `report` and `poses` on the way."""
        width, height = footage.image_size_px
        learned = self._learned
        key = ("depth", self._weights, learned.device, learned.depth_code)
        with SLOT.hold(key, partial(_load, self._weights, learned)) as model:
            look = partial(_look, model, self._weights, learned, footage)
            frames = np.arange(len(footage.frames))
            for views in aligned_chunks(
                frames, look, learned.chunk_frames, learned.anchors_per_chunk, report
            ):
                poses.append(views.world_from_camera)
                yield from _sized(views.depth, height, width)
        assert report.intrinsics is not None
        rows, columns = views.depth.shape[1:]
        report.intrinsics = scale_intrinsics(report.intrinsics, width / columns, height / rows)

    def _metres(
        self, footage: Footage, depth: Any, world_from_camera: Float[np.ndarray, "t 4 4"]
    ) -> tuple[float | None, str]:
        """Metres per unit of the network, and where that is known from (or why it is not)."""
        if footage.depth_m is not None:
            pairs = zip(footage.depth_m, depth, strict=True)
            ratio = [np.median(own[both] / seen[both]) for own, seen in pairs if (both := own > 0).any()]
            if ratio:
                return float(np.median(ratio)), "from the source's depth"
        if footage.camera_from_world is not None:
            given = invert(footage.camera_from_world.astype(np.float64))[:, :3, 3]
            if np.linalg.norm(given - given[0], axis=1).max() > MIN_TRAVEL_M:
                return fit_similarity(
                    world_from_camera[:, :3, 3], given
                ).scale, "from the source's camera path"
        if self._learned.metres_per_unit is not None:
            return self._learned.metres_per_unit, "from metres_per_unit"
        if self._weights.backend == "spatialtracker_v2":
            return 1.0, "as predicted"
        return None, "neither depth nor a camera path nor extract.learned.metres_per_unit tells its scale"


def look_size(height_px: int, width_px: int) -> tuple[int, int]:
    """Height and width for the network: the longer side 518, both multiples of 14."""
    longer = max(height_px, width_px)
    height, width = (
        max(PATCH_PX, round(side * LONGER_PX / longer / PATCH_PX) * PATCH_PX)
        for side in (height_px, width_px)
    )
    return height, width


def _sized(depth: Float[np.ndarray, "n h w"], height: int, width: int) -> Iterator[Float[np.ndarray, "h w"]]:
    import torch

    for image in depth:
        yield to_image_size(torch.from_numpy(image[None].astype(np.float32)), height, width)[0]


def _load(weights: Weights, learned: LearnedParams) -> Any:
    module, kind = MODULES[weights.backend]
    if weights.is_local and not weights.path.exists():
        raise weights.missing("there is no such folder")
    code = load_code(weights, module, learned.depth_code, HOW[weights.backend])
    place = str(weights.path) if weights.is_local else weights.model
    try:
        model = getattr(code, kind).from_pretrained(place)
    except (OSError, ValueError, RuntimeError) as error:
        raise weights.missing(str(error).strip().partition("\n")[0].rstrip(".")) from error
    tell_licence(weights.backend, weights.model)
    return ready(model, learned)


def _look(
    model: Any, weights: Weights, learned: LearnedParams, footage: Footage, frames: np.ndarray
) -> Views:
    width, height = footage.image_size_px
    size = look_size(height, width)
    chosen = [footage.frames[int(frame)] for frame in frames]
    images = image_batch(chosen, size, UNIT, next(model.parameters()))[None]
    with inference(learned):
        found = model(images)
    if weights.backend == "spatialtracker_v2":
        depth = found["points_map"].reshape(len(frames), *size, 3)[..., 2]
        poses = _array(found["poses_pred"][0])
        return Views(_array(depth), _rigid(poses), _array(found["intrs"][0]))
    code = load_code(weights, "vggt.utils.pose_enc", learned.depth_code, HOW["vggt"])
    camera_from_world, intrinsics = code.pose_encoding_to_extri_intri(found["pose_enc"].float(), size)
    poses = np.tile(np.eye(4), (len(frames), 1, 1))
    poses[:, :3] = _array(camera_from_world[0])
    return Views(_array(found["depth"][0, ..., 0]), invert(_rigid(poses)), _array(intrinsics[0]))


def _rigid(poses: Float[np.ndarray, "n 4 4"]) -> Float[np.ndarray, "n 4 4"]:
    """Poses of single precision with rotations that are rotations to the last digit."""
    return from_parts(Rotation.from_matrix(poses[:, :3, :3]).as_matrix(), poses[:, :3, 3])


def _array(tensor: Any) -> np.ndarray:
    return tensor.double().cpu().numpy()
