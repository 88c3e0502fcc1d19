"""One frame after another, as from a video or a camera: each is answered with the past that it has by then.

    history = PointHistory(predictor.model.config.history_len)
    for answer in predict_stream(predictor, frames, "open the drawer", history=history): ...

Nothing is kept but the last positions of the keypoints, so a stream may be endless, and a caller who keeps
`history` can stop and go on. The same seed is used for every frame: equal noise keeps neighbouring answers
alike, and an answer is exactly what a single call with the same picture and past gives.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import cv2
import numpy as np
from jaxtyping import Bool, Float, Int, UInt8

from mu0.errors import PredictionError
from mu0.inference.history import PointHistory
from mu0.inference.keypoints import lift
from mu0.model.predictor import TracePredictor
from mu0.records import Observation, Queries, TraceSamples

MAX_RETURN_PX = 1.0  # a point followed there and back must come back this close
WINDOW_PX = (21, 21)
LEVELS = 3


@dataclass(frozen=True)
class StreamFrame:
    """A picture and where the keypoints are in it; a row of NaN is a keypoint that is not seen now."""

    image: UInt8[np.ndarray, "h w 3"]
    anchor_uvz: Float[np.ndarray, "q 3"]
    depth_m: Float[np.ndarray, "h w"] | None = None


@dataclass(frozen=True)
class StreamAnswer:
    """The futures of the keypoints that are seen in one frame.

    Attributes:
        number: Of the frame, from 0.
        frame: The frame itself.
        seen: Which keypoints are asked about.
        queries: Their anchors and their past.
        traces: Their futures; None if no keypoint is seen.
    """

    number: int
    frame: StreamFrame
    seen: Int[np.ndarray, " seen"]
    queries: Queries
    traces: TraceSamples | None


def predict_stream(
    predictor: TracePredictor,
    frames: Iterable[StreamFrame],
    instruction: str,
    n_samples: int = 1,
    seed: int = 0,
    *,
    history: PointHistory | None = None,
    every: int = 1,
) -> Iterator[StreamAnswer]:
    """Answer every `every`-th frame; the frames between them are remembered as past.

    Args:
        predictor: The model.
        frames: One after another, at the rate of the model's training data; may be endless.
        instruction: What is going to happen.
        n_samples: Futures per keypoint.
        seed: Of the noise, the same for every frame.
        history: The memory of an earlier stream, to go on with it.
        every: 1 answers every frame.

    Raises:
        PredictionError: A frame has another size or other keypoints than the one before.
    """
    memory = history or PointHistory(predictor.model.config.history_len)
    shape: tuple[int, ...] | None = None
    for number, frame in enumerate(frames):
        if shape is not None and frame.image.shape != shape:
            raise PredictionError(
                f"Frame {number} has shape {frame.image.shape}, the frames before it {shape}.",
                expected="frames of one size",
                remedy="resize them, or begin a new stream.",
            )
        shape = frame.image.shape
        past = memory.before(len(frame.anchor_uvz))
        if number % every == 0:
            seen = np.flatnonzero(np.isfinite(frame.anchor_uvz).all(1))
            queries = Queries(frame.anchor_uvz[seen], past[seen])
            observation = Observation(frame.image, instruction, frame.depth_m)
            traces = predictor.predict(observation, queries, n_samples, seed) if len(seen) else None
            yield StreamAnswer(number, frame, seen, queries, traces)
        memory.push(frame.anchor_uvz)


def follow(
    images: Iterable[UInt8[np.ndarray, "h w 3"]], points_px: Float[np.ndarray, "q 2"]
) -> Iterator[StreamFrame]:
    """Frames with their keypoints, followed by optical flow (pyramidal Lucas-Kanade) from the first frame.

    A keypoint that does not come back when it is followed backwards is lost and stays NaN.
    """
    before = None
    points_px = points_px.astype(np.float32)
    for image in images:
        grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
        if before is not None and before.shape == grey.shape:
            points_px = _followed(before, grey, points_px)
        before = grey
        yield StreamFrame(image, lift(points_px, (image.shape[1], image.shape[0])))


def _followed(
    before: UInt8[np.ndarray, "h w"], after: UInt8[np.ndarray, "h w"], points_px: Float[np.ndarray, "q 2"]
) -> Float[np.ndarray, "q 2"]:
    alive = np.flatnonzero(np.isfinite(points_px).all(1))
    moved = np.full_like(points_px, np.nan)
    if not len(alive):
        return moved
    start = points_px[alive, None]
    ahead, found, _ = cv2.calcOpticalFlowPyrLK(before, after, start, None, winSize=WINDOW_PX, maxLevel=LEVELS)
    back, _, _ = cv2.calcOpticalFlowPyrLK(after, before, ahead, None, winSize=WINDOW_PX, maxLevel=LEVELS)
    height, width = after.shape
    kept: Bool[np.ndarray, " n"] = found[:, 0].astype(bool)
    kept &= np.linalg.norm(back - start, axis=-1)[:, 0] < MAX_RETURN_PX
    kept &= ((ahead[:, 0] >= 0) & (ahead[:, 0] < (width, height))).all(1)
    moved[alive[kept]] = ahead[kept, 0]
    return moved
