"""Point tracker `cotracker3`: CoTracker3, offline, of facebookresearch; code AND weights are CC BY-NC 4.0.

Contract of its `CoTrackerPredictor`
    video       (1, t, 3, h, w), 0 to 255, at the image's own size (it resizes by itself)
    queries     (1, n, 3) as (t, x, y); the first pixel's centre at 0, as ours
    call        predictor(video, queries=queries, backward_tracking=True)
    returns     tracks (1, t, n, 2) as (x, y), and visibility (1, t, n): true, or a number above 0.9
It looks at all points of a call together; `tracker_points` of them at a time.

Where it comes from
    tracker_model: facebookresearch/co-tracker (the default): torch.hub fetches code and weights from there
    tracker_model: <folder>  a clone, with weights in torch.hub's cache: torch.hub, without network
    tracker_model: <file>    a checkpoint (scaled_offline.pth) for code that is installed or in `tracker_code`

Source
    arXiv:2410.11831; hubconf.py and cotracker/predictor.py of the repository.
"""

from typing import Any, final
from urllib.error import URLError

import numpy as np

from mu0.traceextract.backends.images import UNIT, image_batch
from mu0.traceextract.backends.licences import tell_licence
from mu0.traceextract.backends.loading import load_code
from mu0.traceextract.backends.torch_code import fill, inference, read_state, ready
from mu0.traceextract.tracking.torch_tracker import AbstractTorchTracker
from mu0.traceextract.tracking.track_windows import Frames, Tracks

GET_COTRACKER = (
    "pip install git+https://github.com/facebookresearch/co-tracker.git, or set extract.learned.tracker_code "
    "to a clone of it."
)
ENTRY = "cotracker3_offline"
WINDOW_FRAMES = 60  # of the published offline weights
MIN_VISIBLE = 0.9


@final
class CoTracker(AbstractTorchTracker):
    """Follows keypoints with CoTracker3, both ways from their query frame."""

    def _load(self) -> Any:
        weights, learned = self._weights, self._learned
        import torch

        _hub_load: Any = torch.hub.load  # has no annotations
        if weights.path.is_file():
            code = load_code(weights, "cotracker.predictor", learned.tracker_code, GET_COTRACKER)
            model = code.CoTrackerPredictor(checkpoint=None, offline=True, v2=False, window_len=WINDOW_FRAMES)
            fill(weights, model.model, read_state(weights, weights.path))
        else:
            place = str(weights.path) if weights.is_local else weights.model
            source = "local" if weights.is_local else "github"
            try:
                model = _hub_load(place, ENTRY, source=source, trust_repo=True, verbose=False)
            except (OSError, URLError, RuntimeError, ImportError, ValueError) as error:
                raise weights.missing(f"torch.hub says: {error}") from error
        tell_licence(weights.backend, weights.model)
        return ready(model, learned)

    def _follow(self, model: Any, frames: Frames, query: np.ndarray, pixel: np.ndarray) -> Tracks:
        learned = self._learned
        import torch

        like = next(model.parameters())
        video = 255 * image_batch(frames, frames[0].shape[:2], UNIT, like)[None]
        queries = torch.from_numpy(np.concatenate([query[:, None], pixel], 1)).to(like)[None]
        with inference(learned):
            tracks, visibility = model(video, queries=queries, backward_tracking=True)
        seen = visibility[0] if visibility.dtype == torch.bool else visibility[0] > MIN_VISIBLE
        return tracks[0].float().cpu().numpy(), seen.cpu().numpy()
