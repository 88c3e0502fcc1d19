"""When did it happen? Clock time of every step of a re-timed trace, and traces back on the clock.

Re-timing cuts a trace into equal steps of path length and throws the clock away. The map in mu0.json keeps
it: for every step the fractional number of the kept frame in which the group had walked that far
(`mu0.episodes.retiming`). From there

    kept frame    -> source frame   linear between the entries of `source_frames`
    kept frame    -> seconds        since the first kept frame, kept frame / fps_hz

The law (tests): the source frame of every step is right to half a thousandth of a kept frame, which is far
less than one source frame; positions read back at clock time equal the raw trace to the resolution of float16
wherever a step falls on that time.
"""

import numpy as np
from jaxtyping import Float, Float64

from mu0.episodes.sidecar import Sidecar
from mu0.errors import EpisodeError


def kept_frame_of_steps(sidecar: Sidecar, *, past: bool = False) -> Float64[np.ndarray, "n l"]:
    """Fractional kept frame of every step of every row of `traj`; NaN where a step is not valid.

    Args:
        sidecar: Of the episode.
        past: Answer for `traj_history` instead.

    Raises:
        EpisodeError: The episode has no re-timing map.
    """
    retiming = sidecar.retiming
    if retiming is None:
        raise EpisodeError(
            f"Episode {sidecar.episode_id} does not say when its steps happened.",
            expected="a re-timing map in mu0.json, which mu0 writes for every episode with samples",
            remedy="extract the clip with mu0; other writers do not keep the clock.",
        )
    table = retiming.history_frame if past else retiming.future_frame
    return np.repeat(table, np.diff(retiming.run_offsets), axis=0)


def source_frame_of_steps(sidecar: Sidecar, *, past: bool = False) -> Float64[np.ndarray, "n l"]:
    """Fractional frame of the source video of every step; arguments and errors as `kept_frame_of_steps`."""
    return source_frame(sidecar, kept_frame_of_steps(sidecar, past=past))


def seconds_of_steps(sidecar: Sidecar, *, past: bool = False) -> Float64[np.ndarray, "n l"]:
    """Seconds after the first kept frame; arguments and errors as `kept_frame_of_steps`.

    Raises:
        EpisodeError: The rate is unknown.
    """
    if sidecar.fps_hz <= 0:
        raise EpisodeError(
            f"Episode {sidecar.episode_id} does not say its frame rate.",
            expected="fps_hz > 0 in mu0.json",
            remedy="use source frames (`source_frame_of_steps`), or extract the clip with mu0.",
        )
    return kept_frame_of_steps(sidecar, past=past) / sidecar.fps_hz


def source_frame(sidecar: Sidecar, kept_frame: Float[np.ndarray, "*n"]) -> Float64[np.ndarray, "*n"]:
    """Source frame of fractional kept frames; the last spacing goes on behind the last kept frame."""
    return interpolate(kept_frame, np.asarray(sidecar.source_frames, np.float64))


def interpolate(
    place: Float[np.ndarray, "*n"], values: Float64[np.ndarray, " t"]
) -> Float64[np.ndarray, "*n"]:
    """`values` at fractional indices, straight on beyond both ends; NaN stays NaN."""
    if len(values) < 2:
        return values[0] + np.asarray(place, np.float64)
    segment = np.clip(np.floor(np.nan_to_num(place)), 0, len(values) - 2).astype(int)
    share = place - segment
    between: Float64[np.ndarray, "*n"] = values[segment] + share * (values[segment + 1] - values[segment])
    return between


def positions_at(
    trace: Float[np.ndarray, "l 3"], step_frame: Float64[np.ndarray, " l"], frame: Float[np.ndarray, " k"]
) -> Float64[np.ndarray, "k 3"]:
    """A re-timed trace put back on the clock: where the point was in some frames.

    Args:
        trace: One row of `traj` or `traj_history`.
        step_frame: The same row of `kept_frame_of_steps`.
        frame: Wanted kept frames, in any order.

    Returns:
        Positions; NaN before the first and after the last step, where the trace says nothing.
    """
    valid = np.isfinite(step_frame)
    order = np.argsort(step_frame[valid], kind="stable")
    at, place = step_frame[valid][order], trace[valid].astype(np.float64)[order]
    back = np.stack([np.interp(frame, at, place[:, axis]) for axis in range(3)], axis=-1)
    back[(frame < at[0]) | (frame > at[-1])] = np.nan
    return back
