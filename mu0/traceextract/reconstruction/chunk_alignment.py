"""Long videos for networks that look at many frames at once: dense chunks, held together by sparse anchors.

Such a network takes at most some dozens of frames and answers in a frame and a scale of its own. So
    1. the video is cut into dense chunks, and every chunk names some of its frames as anchors
    2. the anchors of all chunks are reconstructed together; if they are too many for one look, they are a
       (ten times shorter) video of their own and are treated by this same rule
    3. every chunk is brought to its anchors: direction by the mean rotation, scale by the ratio of depths,
       place by the mean of what is left; anchors that disagree in place or direction are thrown out
Because the number of anchors grows with the video, EVERY chunk has at least `MIN_ANCHORS`, however long the
video is, and errors do not add up from chunk to chunk as they do in a chain: a video of N frames is
log(N / chunk) / log(chunk length / anchors per chunk) looks deep. The price is one tenth more looks.

One camera took the video, so there is a single set of intrinsics: the median over the topmost look.

Sources
    Anchors and alignment: reference/traceextract.md §§2.3, 2.4 and its faults 2, 3, 16 of §9, mended here.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
from jaxtyping import Float, Int

from mu0.geometry.alignment import PoseAlignment, align_poses

MIN_ANCHORS = 3
THUMBNAIL_STRIDE = 4  # of the depth that is kept to compare scales
MIN_DEPTH = 1e-6


@dataclass(frozen=True)
class Views:
    """What one look of a network says about its frames, in a frame and scale of its own."""

    depth: Float[np.ndarray, "n h w"]  # 0 = unknown
    world_from_camera: Float[np.ndarray, "n 4 4"]
    intrinsics: Float[np.ndarray, "n 3 3"]  # for the pixels of `depth`

    def thumbnails(self) -> "Views":
        """The same with little depth: enough to compare scales."""
        small = self.depth[:, ::THUMBNAIL_STRIDE, ::THUMBNAIL_STRIDE].copy()
        return Views(small, self.world_from_camera, self.intrinsics)

    def __getitem__(self, which: Int[np.ndarray, " k"]) -> "Views":
        """Some of the frames."""
        return Views(self.depth[which], self.world_from_camera[which], self.intrinsics[which])


Look = Callable[[Int[np.ndarray, " n"]], Views]  # frame numbers -> one answer of the network


@dataclass(frozen=True)
class ChunkPlan:
    """Which frames are looked at together, and which of them hold the chunks together."""

    chunks: tuple[Int[np.ndarray, " _"], ...]
    anchors: Int[np.ndarray, " a"]


@dataclass(frozen=True)
class ChunkResidual:
    """How well one chunk fits its anchors."""

    n_anchors: int
    n_inliers: int
    distance: float  # between camera centres, median over the inliers, in units of the common frame
    angle_rad: float
    scale: float  # by which the chunk's depth was multiplied
    scale_spread: float  # of the logarithm of the depth ratios over the anchors (robust deviation)


@dataclass
class ChunkReport:
    """The residuals of all chunks, level by level; and the one camera."""

    levels: list[list[ChunkResidual]] = field(default_factory=list)
    intrinsics: Float[np.ndarray, "3 3"] | None = None

    def summary(self) -> str:
        """One line for the quality table."""
        chunks = [chunk for level in self.levels for chunk in level]
        if not chunks:
            return "one look"
        return (
            f"{len(chunks)} chunks with at least {min(chunk.n_anchors for chunk in chunks)} anchors "
            f"(at least {min(chunk.n_inliers for chunk in chunks)} used); worst residual "
            f"{max(chunk.distance for chunk in chunks):.3g} and "
            f"{np.degrees(max(chunk.angle_rad for chunk in chunks)):.2g} degrees; depth scales "
            f"{min(chunk.scale for chunk in chunks):.3g} to {max(chunk.scale for chunk in chunks):.3g}, "
            f"spread {max(chunk.scale_spread for chunk in chunks):.2g}"
        )


def plan_chunks(n_frames: int, chunk_frames: int, anchors_per_chunk: int) -> ChunkPlan:
    """Cut `n_frames` into chunks of about equal length, each with its share of anchors, ends included.

    Args:
        n_frames: Length of the video.
        chunk_frames: The most frames that one look can take; at least twice MIN_ANCHORS.
        anchors_per_chunk: How many anchors a chunk should have; at least MIN_ANCHORS, at most half a chunk.
    """
    assert chunk_frames >= 2 * MIN_ANCHORS
    assert MIN_ANCHORS <= anchors_per_chunk <= chunk_frames // 2
    n_chunks = max(1, int(np.ceil(n_frames / chunk_frames)))
    borders = np.linspace(0, n_frames, n_chunks + 1).round().astype(int)
    chunks = tuple(np.arange(start, stop) for start, stop in pairwise(borders))
    anchors = [
        np.unique(np.linspace(chunk[0], chunk[-1], min(anchors_per_chunk, len(chunk))).round().astype(int))
        for chunk in chunks
    ]
    return ChunkPlan(chunks, np.concatenate(anchors))


def depth_ratio(
    target: Float[np.ndarray, "n h w"], source: Float[np.ndarray, "n h w"]
) -> Float[np.ndarray, " n"]:
    """Median of target over source depth of every frame; NaN where they share no depth."""
    ratio = np.full(len(target), np.nan)
    for index, (goal, own) in enumerate(zip(target, source, strict=True)):
        both = (goal > MIN_DEPTH) & (own > MIN_DEPTH)
        if both.any():
            ratio[index] = np.median(goal[both] / own[both])
    return ratio


def align_chunk(anchors: Views, chunk: Views) -> tuple[PoseAlignment, ChunkResidual]:
    """The similarity that brings a chunk's anchors to the same anchors of the common frame.

    Args:
        anchors: Anchor frames, as thumbnails, in the common frame.
        chunk: The same frames, as thumbnails, as the chunk sees them.

    Returns:
        The alignment and its residual.
    """
    ratio = depth_ratio(anchors.depth, chunk.depth)
    known = np.isfinite(ratio)
    scale_ratio = np.where(known, ratio, np.median(ratio[known])) if known.any() else None
    fit = align_poses(
        chunk.world_from_camera, anchors.world_from_camera, scale_ratio=scale_ratio, free_scale=True
    )
    spread = np.log(ratio[known & fit.is_inlier] / fit.target_from_source.scale)
    residual = ChunkResidual(
        n_anchors=len(ratio),
        n_inliers=int(fit.is_inlier.sum()),
        distance=float(np.median(fit.distance[fit.is_inlier])),
        angle_rad=float(np.median(fit.angle_rad[fit.is_inlier])),
        scale=fit.target_from_source.scale,
        scale_spread=float(1.4826 * np.median(np.abs(spread))) if len(spread) else float("nan"),
    )
    return fit, residual


def moved(views: Views, fit: PoseAlignment) -> Views:
    """Views in the common frame and scale."""
    similarity = fit.target_from_source
    poses = similarity.poses(views.world_from_camera)
    return Views(views.depth * views.depth.dtype.type(similarity.scale), poses, views.intrinsics)


def aligned_chunks(
    frames: Int[np.ndarray, " n"],
    look: Look,
    chunk_frames: int,
    anchors_per_chunk: int,
    report: ChunkReport,
) -> Iterator[Views]:
    """Look at all frames, chunk by chunk; every chunk comes in the same frame and scale, in order.

    Only one chunk and thumbnails of the anchors are in memory: it does not grow with full-size depth.

    Args:
        frames: Frame numbers of the video, ascending.
        look: Asks the network about at most `chunk_frames` frames.
        chunk_frames: See `plan_chunks`.
        anchors_per_chunk: See `plan_chunks`.
        report: Gets the residuals and the camera.
    """
    if len(frames) <= chunk_frames:
        views = look(frames)
        report.intrinsics = np.median(views.intrinsics, axis=0)
        yield views
        return
    plan = plan_chunks(len(frames), chunk_frames, anchors_per_chunk)
    upper = aligned_chunks(frames[plan.anchors], look, chunk_frames, anchors_per_chunk, report)
    common = _joined([views.thumbnails() for views in upper])
    residuals: list[ChunkResidual] = []
    report.levels.append(residuals)
    for chunk in plan.chunks:
        views = look(frames[chunk])
        mine = np.flatnonzero((plan.anchors >= chunk[0]) & (plan.anchors <= chunk[-1]))
        fit, residual = align_chunk(common[mine], views[plan.anchors[mine] - chunk[0]].thumbnails())
        residuals.append(residual)
        yield moved(views, fit)


def _joined(parts: list[Views]) -> Views:
    return Views(
        np.concatenate([part.depth for part in parts]),
        np.concatenate([part.world_from_camera for part in parts]),
        np.concatenate([part.intrinsics for part in parts]),
    )
