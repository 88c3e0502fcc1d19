"""Numbers that cannot be what they are taken for: units are assumed by every format, so they are looked at.

A factor of 1000 in depth, times or poses changes no shape and raises no error; it makes every metre and every
speed wrong. What lies outside of these limits is told in the clip's row.
"""

from collections.abc import Iterable, Iterator

import numpy as np
from jaxtyping import Float, UInt16

from mu0.sources.clip.info import ClipInfo

NEAREST_MEDIAN_M, FARTHEST_MEDIAN_M = 0.1, 20.0
SLOWEST_HZ, FASTEST_HZ = 1.0, 480.0
NARROWEST_DEG, WIDEST_DEG = 3.0, 175.0
MEDIAN_STEP_PX = 4
FASTEST_CAMERA_M_S, FARTHEST_CAMERA_M = 20.0, 200.0


def depth_note(median_depth_m: float | None) -> str:
    """What to tell about the median depth; empty if it is a room's, or there is none."""
    if median_depth_m is None or NEAREST_MEDIAN_M <= median_depth_m <= FARTHEST_MEDIAN_M:
        return ""
    return (
        f"the median depth is {median_depth_m:g} m, not within {NEAREST_MEDIAN_M:g} to "
        f"{FARTHEST_MEDIAN_M:g} m: is its unit right?"
    )


def rate_note(fps_hz: float) -> str:
    """What to tell about the frame rate; empty if it is a camera's."""
    if SLOWEST_HZ <= round(fps_hz, 2) <= FASTEST_HZ:
        return ""
    return f"the rate is {fps_hz:g} Hz, not within {SLOWEST_HZ:g} to {FASTEST_HZ:g} Hz: are its times right?"


def camera_note(
    intrinsics: Float[np.ndarray, "3 3"] | None,
    camera_from_world: Float[np.ndarray, "t 4 4"] | None,
    width_px: int,
    fps_hz: float,
) -> str:
    """What to tell about focal length and path of the camera; empty if they may be so."""
    notes = []
    if intrinsics is not None and intrinsics[0, 0] > 0:
        view_deg = 2 * np.degrees(np.arctan(width_px / 2 / intrinsics[0, 0]))
        if not NARROWEST_DEG <= view_deg <= WIDEST_DEG:
            notes.append(
                f"a focal length of {intrinsics[0, 0]:g} px means a view of {view_deg:.4g} degrees: "
                "is it in pixels?"
            )
    if camera_from_world is not None and len(camera_from_world):
        rotation, shift = camera_from_world[:, :3, :3], camera_from_world[:, :3, 3:]
        place_m = -(rotation.transpose(0, 2, 1) @ shift)[..., 0]
        if (farthest_m := float(np.linalg.norm(place_m, axis=1).max())) > FARTHEST_CAMERA_M:
            notes.append(f"the camera stands {farthest_m:.4g} m from the origin: are its poses in metres?")
        steps_m = np.linalg.norm(np.diff(place_m, axis=0), axis=1)
        speed_m_s = float(np.median(steps_m) * fps_hz) if len(steps_m) else 0.0
        if speed_m_s > FASTEST_CAMERA_M_S:
            notes.append(f"the camera moves at {speed_m_s:.4g} m/s: are its poses in metres?")
    return "; ".join(notes)


def noting_median(
    images: Iterable[UInt16[np.ndarray, "h w"]], medians_mm: list[float]
) -> Iterator[UInt16[np.ndarray, "h w"]]:
    """Pass depth images [mm] on, and note the median of each in which something was measured."""
    for image in images:
        some = image[::MEDIAN_STEP_PX, ::MEDIAN_STEP_PX]
        if (measured := some[some > 0]).size:
            medians_mm.append(float(np.median(measured)))
        yield image


def with_oddities(
    info: ClipInfo,
    intrinsics: Float[np.ndarray, "3 3"] | None,
    camera_from_world: Float[np.ndarray, "t 4 4"] | None,
) -> str:
    """The clip's note with what cannot be as it is told, such as a depth of kilometres."""
    found = (
        depth_note(info.median_depth_m or None),
        rate_note(info.fps_hz),
        camera_note(intrinsics, camera_from_world, info.width_px, info.fps_hz),
    )
    return "; ".join(note for note in (info.note, *found) if note)
