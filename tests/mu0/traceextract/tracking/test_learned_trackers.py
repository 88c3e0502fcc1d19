"""Trackers of user-installed code: their contracts, kept with stand-ins that truly track.

The scene is a noise image that slides by (2, 1) pixels a frame behind a hole of noise of its own; images are
not square and queries lie in the middle of the clip, so that a wrong axis order, a wrong frame, a lost half
pixel or a forgotten direction of time fails.
"""

import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch

from mu0.errors import WeightsError
from mu0.params.learned import LearnedParams
from mu0.traceextract.backends.interfaces import Footage, Keypoints, Reconstruction
from mu0.traceextract.backends.model_slot import SLOT
from mu0.traceextract.backends.registry import load_point_tracker
from mu0.traceextract.tracking.tapir import visible

STEP = np.array([2, 1])  # pixels per frame, x and y
HEIGHT, WIDTH, N_FRAMES = 64, 128, 20
HIDDEN = slice(9, 12)  # frames in which the curtain is shut
NOTHING_KNOWN = Reconstruction(None, np.eye(3), np.tile(np.eye(4), (N_FRAMES, 1, 1)), "none")
NAMES = ("tapir", "tapnext", "cotracker3")


def _footage(n_frames: int = N_FRAMES, *, curtain: bool = False) -> Footage:
    rng = np.random.default_rng(0)
    world = rng.integers(0, 256, (HEIGHT + 2 * n_frames, WIDTH + 4 * n_frames, 3), np.uint8)
    frames = []
    for frame in range(n_frames):
        x, y = 2 * n_frames - STEP * frame
        frames.append(world[y : y + HEIGHT, x : x + WIDTH].copy())
        if curtain and HIDDEN.start <= frame < HIDDEN.stop:
            frames[-1][:] = rng.integers(0, 256, (HEIGHT, WIDTH, 3), np.uint8)
    return Footage(np.stack(frames), None, None, None, np.arange(n_frames), 10.0)


def _keypoints(name: str, frames: list[int]) -> Keypoints:
    """Points on centres of the cells that the stand-in sees; two image columns make one of the square."""
    n = len(frames)
    pixel = np.array([[20.0, 12], [70, 30], [34, 24]])[np.arange(n) % 3] + STEP * np.array(frames)[:, None]
    pixel[:, 0] += 0.0 if name == "cotracker3" else 0.5
    return Keypoints(np.array(frames), pixel, np.zeros(n, int), np.zeros(n, bool))


def _truth(keypoints: Keypoints, n_frames: int) -> np.ndarray:
    time = np.arange(n_frames)[:, None]
    return keypoints.pixel + STEP * (time - keypoints.frame)[..., None]


def _inside(pixel: np.ndarray) -> np.ndarray:
    """Where the whole patch of the stand-in lies in the image."""
    return ((pixel >= 4) & (pixel < np.array([WIDTH, HEIGHT]) - 4)).all(-1)


@pytest.fixture
def code(tmp_path: Path) -> Iterator[Path]:
    """A folder with packages named as the true ones, forgotten after the test."""
    for module, names in {
        "tapnet/torch/tapir_model": "TAPIR",
        "tapnet/tapnext/tapnext_torch": "TAPNext",
        "tapnet/tapnext/tapnext_torch_utils": "restore_model_from_jax_checkpoint",
        "cotracker/predictor": "CoTrackerPredictor",
        "hubconf": "cotracker3_offline",
    }.items():
        path = tmp_path / f"{module}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"from stand_in_trackers import {names}\n")
    before = set(sys.path)
    yield tmp_path
    SLOT.free()
    sys.path[:] = [place for place in sys.path if place in before]
    for name in [name for name in sys.modules if name.partition(".")[0] in {"tapnet", "cotracker"}]:
        del sys.modules[name]


def _tracker(name: str, code: Path, **options):
    import stand_in_trackers as stand_in

    if name == "tapnext":
        model = code / "bootstapnext_ckpt.npz"
        np.savez(model, weight=np.full(2, 5.0, np.float32))
    elif name == "tapir":
        model = code / "bootstapir_checkpoint_v2.pt"
        torch.save(stand_in.TAPIR().state_dict(), model)
    else:
        model = code  # a clone: through its hubconf.py
    learned = LearnedParams(
        tracker_model=str(model), tracker_code=str(code), device="cpu",
        **({"tracker_size_px": 64} | options),
    )  # fmt: skip
    return load_point_tracker(name, learned)


def _follow(name: str, code: Path, footage: Footage, keypoints: Keypoints, **options):
    return _tracker(name, code, **options).track(footage, NOTHING_KNOWN, keypoints)


@pytest.mark.parametrize("name", NAMES)
def test_queries_in_the_middle_are_followed_both_ways(name: str, code: Path) -> None:
    footage, keypoints = _footage(), _keypoints(name, [0, 7, 12])
    found, truth = _follow(name, code, footage, keypoints), _truth(keypoints, N_FRAMES)
    inside = _inside(truth)
    assert inside.mean() > 0.8
    assert found.is_seen[inside].all()
    assert np.abs(found.pixel - truth)[inside].max() < 0.01
    assert not found.is_seen[((truth < 0) | (truth >= [WIDTH, HEIGHT])).any(-1)].any()


@pytest.mark.parametrize("name", NAMES)
def test_what_is_hidden_is_not_seen_and_found_again(name: str, code: Path) -> None:
    footage, keypoints = _footage(curtain=True), _keypoints(name, [0, 7, 14])
    found, truth = _follow(name, code, footage, keypoints), _truth(keypoints, N_FRAMES)
    assert not found.is_seen[HIDDEN].any()
    open_ = np.delete(np.arange(N_FRAMES), HIDDEN)
    assert found.is_seen[open_][_inside(truth)[open_]].all()


@pytest.mark.parametrize("name", NAMES)
def test_windows_hand_tracks_on_and_change_nothing(name: str, code: Path) -> None:
    footage, keypoints = _footage(24), _keypoints(name, [0, 11, 23])
    truth = _truth(keypoints, 24)
    whole = _follow(name, code, footage, keypoints)
    pieces = _follow(name, code, footage, keypoints, tracker_frames=9, tracker_overlap=3, tracker_points=2)
    inside = _inside(truth)
    np.testing.assert_allclose(pieces.pixel[inside], whole.pixel[inside], atol=0.01)
    assert (pieces.is_seen == whole.is_seen)[inside].all()


def test_tapir_s_rule_needs_both_to_be_seen_and_to_be_near() -> None:
    occlusion = np.array([-5.0, -5.0, 5.0, 0.0, -1.0, -900.0])
    expected = np.array([-5.0, 5.0, -5.0, -900.0, -0.6, -900.0])
    seen = 1 / (1 + np.exp(occlusion)) * (1 / (1 + np.exp(expected)))
    np.testing.assert_array_equal(visible(occlusion, expected), [True, False, False, False, False, True])
    np.testing.assert_array_equal(visible(occlusion, expected), seen > 0.5)


def test_the_checkpoint_tells_tapir_from_bootstapir(code: Path) -> None:
    import stand_in_trackers as stand_in

    plain = code / "tapir_checkpoint.pt"
    torch.save(stand_in.TAPIR(0, extra_convs=False).state_dict(), plain)
    learned = LearnedParams(
        tracker_model=str(plain), tracker_code=str(code), device="cpu", tracker_size_px=64
    )
    keypoints = _keypoints("tapir", [3])
    found = load_point_tracker("tapir", learned).track(_footage(), NOTHING_KNOWN, keypoints)
    assert found.is_seen[3, 0]


def test_cotracker_takes_a_checkpoint_with_code_beside_it(code: Path) -> None:
    import stand_in_trackers as stand_in

    torch.save(stand_in.CoTrackerPredictor().model.state_dict(), code / "scaled_offline.pth")
    learned = LearnedParams(
        tracker_model=str(code / "scaled_offline.pth"), tracker_code=str(code), device="cpu"
    )
    keypoints = _keypoints("cotracker3", [3, 5])
    found = load_point_tracker("cotracker3", learned).track(_footage(), NOTHING_KNOWN, keypoints)
    inside = _inside(_truth(keypoints, N_FRAMES))
    assert np.abs(found.pixel - _truth(keypoints, N_FRAMES))[inside].max() < 0.01


def test_tapnext_takes_its_two_kinds_of_checkpoint(code: Path) -> None:
    torch.save({"state_dict": {"tapnext.weight": torch.full((2,), 5.0)}}, code / "tapnextpp_ckpt.pt")
    learned = LearnedParams(
        tracker_model=str(code / "tapnextpp_ckpt.pt"),
        tracker_code=str(code),
        device="cpu",
        tracker_size_px=64,
    )
    keypoints = _keypoints("tapnext", [3])
    found = load_point_tracker("tapnext", learned).track(_footage(6), NOTHING_KNOWN, keypoints)
    np.testing.assert_allclose(found.pixel[:, 0], _truth(keypoints, 6)[:, 0], atol=0.01)
    (code / "broken.npz").write_bytes((code / "tapnextpp_ckpt.pt").read_bytes())
    broken = learned.model_copy(update={"tracker_model": str(code / "broken.npz")})
    with pytest.raises(WeightsError, match="does not fit TAPNext"):
        load_point_tracker("tapnext", broken).track(_footage(6), NOTHING_KNOWN, keypoints)


def test_no_keypoints_give_no_tracks(code: Path) -> None:
    nothing = Keypoints(np.zeros(0, int), np.zeros((0, 2)), np.zeros(0, int), np.zeros(0, bool))
    assert _follow("cotracker3", code, _footage(5), nothing).pixel.shape == (5, 0, 2)


def test_a_checkpoint_of_something_else_is_refused(code: Path) -> None:
    learned = {"tracker_code": str(code), "device": "cpu"}
    wrong, missing, pickled = code / "wrong.pt", code / "nowhere.pt", code / "pickled.pt"
    torch.save({"other": torch.zeros(3)}, wrong)
    torch.save({"other": Path("x")}, pickled)
    for path, why in [
        (wrong, r"Missing key\(s\) in state_dict"),
        (missing, r"there is no such file(.|\n)*download https://storage.googleapis.com/dm-tapnet/bootstap"),
        (pickled, r"Weights only load failed"),
    ]:
        tracker = load_point_tracker("tapir", LearnedParams(tracker_model=str(path), **learned))
        with pytest.raises(WeightsError, match=why):
            tracker.track(_footage(5), NOTHING_KNOWN, _keypoints("tapir", [0]))


def test_code_that_is_not_installed_says_how_to_get_it(tmp_path: Path) -> None:
    model = tmp_path / "bootstapir_checkpoint_v2.pt"
    torch.save({"weight": torch.ones(2)}, model)
    tracker = load_point_tracker("tapir", LearnedParams(tracker_model=str(model), device="cpu"))
    with pytest.raises(WeightsError) as caught:
        tracker.track(_footage(5), NOTHING_KNOWN, _keypoints("tapir", [0]))
    assert caught.value.found.startswith("tapir needs code that cannot be imported: No module named 'tapnet'")
    assert "google-deepmind/tapnet" in caught.value.remedy
