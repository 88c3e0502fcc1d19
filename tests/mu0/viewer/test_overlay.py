"""Overlays: the official colours, lines where the traces are, nothing where they are not valid."""

from pathlib import Path

import cv2
import numpy as np

from mu0.viewer.overlay import draw_traces, side_by_side, trace_colour, write_overlay

IMAGE = np.full((48, 64, 3), 100, np.uint8)
PLAIN = draw_traces(IMAGE, np.zeros((0, 5, 3)))


def test_colours_run_from_violet_to_red() -> None:
    assert trace_colour(0.0) == (133, 24, 242)
    assert trace_colour(1.0) == (242, 24, 24)


def test_small_images_are_enlarged_and_faded() -> None:
    assert PLAIN.shape == (480, 640, 3)
    assert (PLAIN == (100 + 235) // 2).all()


def test_a_line_is_drawn_where_the_trace_is() -> None:
    u = np.linspace(-0.5, 0.5, 9)
    drawn = draw_traces(IMAGE, np.stack([u, np.zeros(9), np.ones(9)], axis=-1)[None])
    changed = np.argwhere((drawn != PLAIN).any(-1))
    assert 150 < changed[:, 1].min() < 165  # u = -0.5 is column 160 of 640
    assert 475 < changed[:, 1].max() < 490
    assert np.abs(changed[:, 0] - 240).max() < 12
    np.testing.assert_array_equal(drawn[240, 478], trace_colour(1.0))


def test_invalid_nan_and_far_points_are_left_out() -> None:
    trace = np.zeros((3, 4, 3))
    trace[0, :, 0] = np.nan
    trace[1, :, 0] = 1e9
    valid = np.zeros((3, 4), bool)
    valid[:2] = True
    np.testing.assert_array_equal(draw_traces(IMAGE, trace, valid), PLAIN)


def test_the_file_is_the_drawing(tmp_path: Path) -> None:
    trace = np.linspace(-1, 1, 12).reshape(1, 4, 3)
    write_overlay(tmp_path / "a" / "o.png", IMAGE, trace)
    stored = cv2.cvtColor(cv2.imread(str(tmp_path / "a" / "o.png")), cv2.COLOR_BGR2RGB)
    np.testing.assert_array_equal(stored, draw_traces(IMAGE, trace))


def test_panels_stand_in_a_row_below_their_names() -> None:
    assert side_by_side({"truth": PLAIN, "mu0": PLAIN}).shape == (480 + 28, 1280, 3)


def test_traces_of_what_rests_are_fainter_and_likely_ones_are_as_without_probabilities() -> None:
    image = np.full((40, 60, 3), 128, np.uint8)
    steps = np.linspace(-0.8, 0.8, 5)
    uvz = np.stack([np.stack([steps, np.full(5, v), np.ones(5)], -1) for v in (-0.5, 0.5)])
    plain, blank = draw_traces(image, uvz), draw_traces(image, uvz[:, :0])
    faded = draw_traces(image, uvz, moves=np.array([0.0, 1.0]))
    half = plain.shape[0] // 2
    np.testing.assert_array_equal(faded[half:], plain[half:])
    strength = [np.abs(one[:half].astype(int) - blank[:half]).max() for one in (faded, plain)]
    assert 0 < strength[0] < 0.25 * strength[1]
    np.testing.assert_array_equal(draw_traces(image, uvz, moves=np.ones(2)), plain)
