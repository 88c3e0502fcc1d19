"""Point tracker `tapnext`: TAPNext, BootsTAPNext, TAPNext++ of google-deepmind/tapnet (PyTorch), Apache-2.0.

Contract of `tapnet.tapnext.tapnext_torch.TAPNext`, as its demo uses it: it walks through the video frame by
frame and only looks back, so that frames before a query are found by walking through the video backwards.
    call          model(video=(1, 1, s, s, 3) in [-1, 1], query_points=(1, n, 3)) for the first frame,
                  model(video=..., state=...) for every other one
    query_points  (t, y, x); the first pixel's CENTRE at 0.5
    returns       tracks (1, 1, n, 2) as (y, x), coordinate logits, visibility logits (1, 1, n, 1), state
    visible       visibility logit > 0
Trained for squares of 256 pixels (`tracker_size_px`). Its code imports torchvision, which must fit torch.

Source
    arXiv:2504.05579; colabs/torch_tapnext_demo.ipynb of the repository.
"""

from typing import TYPE_CHECKING, Any, final

import numpy as np

from mu0.params.learned import LearnedParams
from mu0.traceextract.backends.licences import tell_licence
from mu0.traceextract.backends.loading import load_code
from mu0.traceextract.backends.torch_code import fill, inference, read_state, ready
from mu0.traceextract.tracking.tapir import GET_TAPNET, image_pixels, square_queries, square_video
from mu0.traceextract.tracking.torch_tracker import AbstractTorchTracker
from mu0.traceextract.tracking.track_windows import Frames, Tracks

if TYPE_CHECKING:
    import torch


PREFIX = "tapnext."  # of the names in TAPNext++'s checkpoint


@final
class TapNext(AbstractTorchTracker):
    """Follows keypoints with TAPNext, forwards and backwards."""

    def _load(self) -> Any:
        weights, learned = self._weights, self._learned
        path, side = weights.file(), learned.tracker_size_px
        code = load_code(weights, "tapnet.tapnext.tapnext_torch", learned.tracker_code, GET_TAPNET)
        model = code.TAPNext(image_size=(side, side))
        if path.suffix == ".npz":
            helper = load_code(
                weights, "tapnet.tapnext.tapnext_torch_utils", learned.tracker_code, GET_TAPNET
            )
            try:
                model = helper.restore_model_from_jax_checkpoint(model, str(path))
            except (KeyError, ValueError, RuntimeError) as error:
                raise weights.missing(f"it does not fit TAPNext: {error}") from error
        else:
            state = read_state(weights, path)
            fill(weights, model, {name.removeprefix(PREFIX): value for name, value in state.items()})
        tell_licence(weights.backend, weights.model)
        return ready(model, learned)

    def _follow(self, model: Any, frames: Frames, query: np.ndarray, pixel: np.ndarray) -> Tracks:
        learned = self._learned
        last = len(frames) - 1
        tracks, is_seen = _walk(model, learned, frames, query, pixel)
        back, seen_back = (part[::-1] for part in _walk(model, learned, frames[::-1], last - query, pixel))
        before = np.arange(len(frames))[:, None] < query
        return np.where(before[..., None], back, tracks), np.where(before, seen_back, is_seen)


def _walk(model: Any, learned: LearnedParams, frames: Frames, query: np.ndarray, pixel: np.ndarray) -> Tracks:
    """Frame by frame; what is found before the query frame means nothing."""
    import torch

    image, side = frames[0].shape[:2], learned.tracker_size_px
    like = next(model.parameters())
    queries = torch.from_numpy(square_queries(query, pixel, image, side)).to(like)[None]
    tracks, is_seen, state = [], [], None
    with inference(learned):
        for frame in frames:
            video = square_video([frame], side, like)
            asked = {"query_points": queries} if state is None else {"state": state}
            found, _, logits, state = model(video=video, **asked)
            tracks.append(_array(found[0, 0])[:, ::-1])
            is_seen.append(_array(logits[0, 0, :, 0]) > 0)
    return image_pixels(np.stack(tracks), image, side), np.stack(is_seen)


def _array(tensor: "torch.Tensor") -> np.ndarray:
    return tensor.float().cpu().numpy()
