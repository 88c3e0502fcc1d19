"""Stand-ins for user-installed trackers: the same interfaces and conventions, and they truly track.

Each one compares the patch around a query with every place of every frame, so that a query in the wrong axis
order, a video in the wrong layout or range, or a forgotten half pixel gives wrong tracks, as it would with
the networks. They need images whose patches are all different, which do not turn.
"""

import torch
from torch.nn.functional import pad

RADIUS = 3
SAME = 1e-3  # squared difference per value, of the range 0 to 1, above which a patch is another one


def _patches(video: torch.Tensor) -> torch.Tensor:
    """(t, h, w, 3) in [0, 1] -> (t, h, w, d): the patch around every pixel."""
    t, h, w, _ = video.shape
    side = 2 * RADIUS + 1
    padded = pad(video.permute(0, 3, 1, 2), [RADIUS] * 4, value=-1.0)
    cells = padded.unfold(2, side, 1).unfold(3, side, 1)
    return cells.permute(0, 2, 3, 1, 4, 5).reshape(t, h, w, -1)


def follow(video: torch.Tensor, frame: torch.Tensor, cell: torch.Tensor):
    """Row and column (n, t, 2) of the most similar patch, and whether it is the same (n, t).

    Args:
        video: (t, h, w, 3) in [0, 1].
        frame: (n,) of each query.
        cell: (n, 2) row and column of each query.
    """
    return find(_patches(video), frame, cell)


def find(patches: torch.Tensor, frame: torch.Tensor, cell: torch.Tensor):
    """`follow`, with the patches at hand."""
    t, h, w, _ = patches.shape
    places, same = [], []
    for when, (row, column) in zip(frame.long(), cell.long(), strict=True):
        inside = 0 <= row < h and 0 <= column < w
        wanted = patches[when, row, column] if inside else torch.full_like(patches[0, 0, 0], 9.0)
        off = ((patches - wanted) ** 2).mean(-1).reshape(t, -1)
        best = off.argmin(1)
        places.append(torch.stack([best // w, best % w], -1))
        same.append(off.min(1).values < SAME)
    return torch.stack(places).float(), torch.stack(same)


def _assert_on_centres(*coordinates: torch.Tensor) -> None:
    """The tests put their queries on centres of cells, which are at .5 in tapnet's convention."""
    for values in coordinates:
        assert ((values - values.floor() - 0.5).abs() < 0.01).all()


class _Network(torch.nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.weight = torch.nn.Parameter(torch.ones(2))


class TAPIR(_Network):
    """As tapnet.torch.tapir_model.TAPIR."""

    def __init__(self, pyramid_level: int = 1, extra_convs: bool = True) -> None:
        super().__init__()
        assert pyramid_level == int(extra_convs)
        if extra_convs:
            self.extra_convs = torch.nn.Linear(1, 1)

    def forward(self, video: torch.Tensor, query_points: torch.Tensor) -> dict[str, torch.Tensor]:
        assert video.ndim == 5
        assert video.shape[-1] == 3
        assert -1 <= video.min() < -0.5
        assert 0.5 < video.max() <= 1
        t, y, x = query_points[0].unbind(-1)
        _assert_on_centres(y, x)
        place, same = follow((video[0] + 1) / 2, t.round(), torch.stack([y, x], -1).floor())
        logit = torch.where(same, -8.0, 8.0)[None]
        return {"tracks": place.flip(-1)[None] + 0.5, "occlusion": logit, "expected_dist": -8 + 0 * logit}


class TAPNext(_Network):
    """As tapnet.tapnext.tapnext_torch.TAPNext: one frame at a time, looks only back."""

    def __init__(self, image_size: tuple[int, int]) -> None:
        super().__init__()
        self.image_size = image_size

    def forward(self, video: torch.Tensor, query_points: torch.Tensor | None = None, state=None):
        assert tuple(video.shape[:2]) == (1, 1)
        assert tuple(video.shape[2:]) == (*self.image_size, 3)
        seen, queries = ([], query_points) if state is None else state
        seen = [*seen, _patches((video[0] + 1) / 2)]
        t, y, x = queries[0].unbind(-1)
        _assert_on_centres(y, x)
        tracks, logits = torch.full((len(t), 2), -99.0), torch.full((len(t),), -8.0)
        for index, when in enumerate(t.round().int().tolist()):
            if when < len(seen):
                pair, cell = torch.cat([seen[when], seen[-1]]), torch.stack([y[index], x[index]]).floor()
                place, same = find(pair, torch.zeros(1), cell[None])
                tracks[index], logits[index] = place[0, 1] + 0.5, 16.0 * same[0, 1] - 8
        state = (seen, queries)
        return tracks[None, None], torch.zeros(1, 1, len(t), 512), logits[None, None, :, None], state


class CoTrackerPredictor(_Network):
    """As cotracker.predictor.CoTrackerPredictor; without `backward_tracking` the past is lost."""

    def __init__(self, checkpoint=None, offline=True, v2=False, window_len=60) -> None:
        super().__init__()
        assert checkpoint is None
        assert offline
        assert not v2
        assert window_len == 60
        self.model = _Network()

    def forward(self, video: torch.Tensor, queries: torch.Tensor, backward_tracking: bool = False):
        assert video.ndim == 5
        assert video.shape[2] == 3
        assert 128 < video.max() <= 255
        t, x, y = queries[0].unbind(-1)
        frames = video[0].permute(0, 2, 3, 1) / 255
        place, same = follow(frames, t.round(), torch.stack([y, x], -1).round())
        tracks, visible = place.flip(-1).swapaxes(0, 1), same.swapaxes(0, 1)
        if not backward_tracking:
            visible = visible & (torch.arange(len(frames))[:, None] >= t)
        return tracks[None], visible[None]


def cotracker3_offline(pretrained: bool = True, **_) -> CoTrackerPredictor:
    """As hubconf.py."""
    assert pretrained
    return CoTrackerPredictor()


def restore_model_from_jax_checkpoint(model: torch.nn.Module, path: str) -> torch.nn.Module:
    """As tapnet.tapnext.tapnext_torch_utils."""
    import numpy as np

    model.weight.data.copy_(torch.from_numpy(np.load(path)["weight"]))
    return model
