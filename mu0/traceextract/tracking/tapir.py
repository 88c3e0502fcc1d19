"""Point tracker `tapir`: TAPIR and BootsTAPIR of google-deepmind/tapnet (PyTorch); all Apache-2.0.

Contract of `tapnet.torch.tapir_model.TAPIR`, as its demo uses it
    video         (1, t, h, w, 3) in [-1, 1]: the image squeezed into a square of `tracker_size_px`
    query_points  (1, n, 3) as (t, y, x)
    tracks        (1, n, t, 2) as (x, y); both in pixels of that square, the first pixel's CENTRE at 0.5
    occlusion, expected_dist   (1, n, t) logits
    visible       (1 - sigmoid(occlusion)) * (1 - sigmoid(expected_dist)) > 0.5
Ours are pixels of the image with the first centre at 0, hence the half pixels.

Sources
    arXiv:2306.08637, arXiv:2402.00847; colabs/torch_tapir_demo.ipynb of the repository.
"""

from typing import TYPE_CHECKING, Any, final

import numpy as np
from jaxtyping import Bool, Float, Int

from mu0.traceextract.backends.images import HALF, image_batch
from mu0.traceextract.backends.licences import tell_licence
from mu0.traceextract.backends.loading import load_code
from mu0.traceextract.backends.torch_code import fill, inference, read_state, ready
from mu0.traceextract.tracking.torch_tracker import AbstractTorchTracker
from mu0.traceextract.tracking.track_windows import Frames, Tracks

if TYPE_CHECKING:
    import torch

GET_TAPNET = (
    "pip install einshape dm-tree and pip install --no-deps "
    "git+https://github.com/google-deepmind/tapnet.git; "
    "or set extract.learned.tracker_code to a clone of it."
)
MIN_VISIBLE = 0.5


@final
class Tapir(AbstractTorchTracker):
    """Follows keypoints with TAPIR, both ways from their query frame."""

    def _load(self) -> Any:
        weights, learned = self._weights, self._learned
        state = read_state(weights, weights.file())
        code = load_code(weights, "tapnet.torch.tapir_model", learned.tracker_code, GET_TAPNET)
        is_boots = any(name.startswith("extra_convs") for name in state)
        model = code.TAPIR(pyramid_level=int(is_boots), extra_convs=is_boots)
        fill(weights, model, state)
        tell_licence(weights.backend, weights.model)
        return ready(model, learned)

    def _follow(self, model: Any, frames: Frames, query: np.ndarray, pixel: np.ndarray) -> Tracks:
        learned = self._learned
        import torch

        image, side = frames[0].shape[:2], learned.tracker_size_px
        like = next(model.parameters())
        queries = torch.from_numpy(square_queries(query, pixel, image, side)).to(like)[None]
        with inference(learned):
            found = model(square_video(frames, side, like), queries)
        tracks, occlusion, expected_dist = (
            found[name][0].float().cpu().numpy().swapaxes(0, 1)
            for name in ("tracks", "occlusion", "expected_dist")
        )
        return image_pixels(tracks, image, side), visible(occlusion, expected_dist)


def visible(
    occlusion: Float[np.ndarray, "*n"], expected_dist: Float[np.ndarray, "*n"]
) -> Bool[np.ndarray, "*n"]:
    """Whether a point is seen AND near where it is said to be, from the two logits."""
    seen, near = (0.5 - 0.5 * np.tanh(logit / 2) for logit in (occlusion, expected_dist))  # 1 - sigmoid
    return seen * near > MIN_VISIBLE


def square_queries(
    query: Int[np.ndarray, " n"], pixel: Float[np.ndarray, "n 2"], image: tuple[int, int], side: int
) -> Float[np.ndarray, "n 3"]:
    """Queries (t, y, x) in the tracker's square.

    Args:
        query: Frame of each query.
        pixel: Its (x, y) in the image.
        image: Height and width of the image.
        side: Of the square.
    """
    height, width = image
    x, y = ((pixel + 0.5) * (side / width, side / height)).T
    return np.stack([query, y, x], 1)


def image_pixels(
    tracks_xy: Float[np.ndarray, "t n 2"], image: tuple[int, int], side: int
) -> Float[np.ndarray, "t n 2"]:
    """The tracker's (x, y) in the image."""
    height, width = image
    return tracks_xy * (width / side, height / side) - 0.5


def square_video(frames: Frames, side: int, like: "torch.Tensor") -> "torch.Tensor":
    """(1, t, side, side, 3) in [-1, 1]."""
    return image_batch(frames, (side, side), HALF, like, "bilinear").permute(0, 2, 3, 1)[None]
