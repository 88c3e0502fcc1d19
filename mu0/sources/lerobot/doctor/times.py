"""Time stamps of rows and frames: do they increase, at the dataset's rate, without gaps, one frame per row?

LeRobot finds a frame by its time and refuses one that is more than 0.1 ms away. Time stamps that are only
jittered are mended by writing them evenly; where moments are missing nothing can bring them back.
"""

from collections.abc import Iterator

import numpy as np
from jaxtyping import Float

from mu0.sources.lerobot.doctor.findings import Finding, Severity
from mu0.sources.lerobot.doctor.signals import Signals

TOLERANCE_S = 1e-4  # of LeRobot's own reader
GAP_PERIODS = 1.5
RATE_TOLERANCE = 0.02
LEAVE_OUT = "leave the episode out: `--repair` does."


def check_times(signals: Signals) -> Iterator[Finding]:
    """Everything about the time stamps of an episode's rows and of its frames."""
    yield from _check_rows(signals)
    for key, times_s in signals.frame_times_s.items():
        yield from _check_frames(signals, key, times_s)


def _check_rows(signals: Signals) -> Iterator[Finding]:
    times_s, period_s = signals.times_s, 1 / signals.fps_hz
    steps_s = np.diff(times_s)
    even = f"steps of {period_s:.4g} s"

    def told(severity: Severity, found: str, remedy: str = LEAVE_OUT) -> Finding:
        return Finding(signals.name, "time", severity, found, even, remedy)

    if not np.isfinite(times_s).all():
        yield told("unusable", f"the time stamp of row {int(np.argmin(np.isfinite(times_s)))} is no number")
        return
    if (steps_s <= 0).any():
        row = int(np.argmax(steps_s <= 0)) + 1
        yield told("unusable", f"time does not go forward at row {row} ({times_s[row]:.4f} s)")
        return
    if not len(steps_s):
        return
    rate_hz = 1 / float(np.median(steps_s))
    if abs(rate_hz / signals.fps_hz - 1) > RATE_TOLERANCE:
        yield told("unusable", f"the time stamps run at {rate_hz:.4g} Hz, the dataset at {signals.fps_hz:g}")
        return
    gaps = np.flatnonzero(steps_s > GAP_PERIODS * period_s)
    if len(gaps):
        row = int(gaps[np.argmax(steps_s[gaps])])
        yield told("unusable", f"{len(gaps)} gap(s); the longest is {steps_s[row]:.3f} s after row {row}")
        return
    off_s = np.abs(times_s - np.arange(len(times_s)) * period_s)
    if off_s.max() > TOLERANCE_S:
        row = int(off_s.argmax())
        remedy = "`--repair` writes them evenly."
        yield told("mendable", f"jitter: row {row} is {1000 * off_s[row]:.2f} ms off its time", remedy)


def _check_frames(signals: Signals, key: str, times_s: Float[np.ndarray, " frames"]) -> Iterator[Finding]:
    n_frames, n_rows, period_s = len(times_s), signals.length, 1 / signals.fps_hz

    def told(severity: Severity, found: str, remedy: str = LEAVE_OUT) -> Finding:
        expected = f"frame k at k / {signals.fps_hz:g} s, one for each of {n_rows} rows"
        return Finding(signals.name, "frames", severity, f"{key}: {found}", expected, remedy)

    if n_frames < n_rows:
        yield told("unusable", f"{n_frames} frames for {n_rows} rows")
        return
    off_s = np.abs(times_s[:n_rows] - np.arange(n_rows) * period_s)
    frame = int(off_s.argmax())
    if off_s[frame] > period_s / 2:
        yield told("unusable", f"frame {frame} is shown at {times_s[frame]:.3f} s, {off_s[frame]:.3f} s off")
    elif off_s[frame] > TOLERANCE_S:
        remedy = "`--repair` writes the video anew with even times."
        yield told("mendable", f"frame {frame} is {1000 * off_s[frame]:.2f} ms off its time", remedy)
    if n_frames > n_rows:
        remedy = "`--repair` keeps the frames that have rows."
        yield told("mendable", f"{n_frames} frames for {n_rows} rows", remedy)
