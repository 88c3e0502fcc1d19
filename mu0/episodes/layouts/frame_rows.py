"""One sample file per frame <-> rows in the official types.

What the file lacks is filled so that it claims nothing: history and raw traces hold the anchor alone, every
row is an entity of its own, all are visible (query points lie on the image), and the movement flag is True
where static rows were dropped, and follows TraceGen's rule where they were kept. Older files carry one mask
for all rows; a step counts where the mask says so and all channels are finite.

Source
    reference/traceextract.md §1.8 and §7; the movement rule: tracegen_tau0_pi0_lerobot.md A.2.
"""

import numpy as np
from jaxtyping import Bool, Float, Float16, Float32

from mu0.episodes.arrays import PAD
from mu0.episodes.layouts.view import ROW_NAMES, FrameRows

HISTORY_LEN = 32
MOVES_SHARE = 0.1
REQUIRED = ("keypoints", "traj", "valid_steps")


def decode_rows(content: dict[str, np.ndarray], size_px: tuple[int, int], *, keeps_static: bool) -> FrameRows:
    """Rows of one anchor from the arrays of its sample file.

    Args:
        content: At least `REQUIRED`; shapes fit each other.
        size_px: Image height and width.
        keeps_static: Whether rows that do not move were kept.
    """
    keypoints = content["keypoints"].astype(np.float16)
    n_rows = len(keypoints)
    traj, valid = _trace(content["traj"], content["valid_steps"], keypoints)
    anchor = traj[:, :1]
    history, history_valid = _optional(content, "traj_history", "valid_steps_history", anchor, HISTORY_LEN)
    raw, raw_valid = _raw(content, anchor, traj.shape[1])
    raw_history, raw_history_valid = _optional(
        content, "raw_traj_history", "raw_valid_steps_history", raw[:, :1], history.shape[1]
    )
    moves = content.get("is_moving")
    if moves is None:
        moves = moves_by_tracegen(traj, valid, size_px) if keeps_static else np.ones(n_rows)
    xy = content.get("traj_2d")
    return FrameRows(
        keypoints=keypoints,
        cluster_ids=content.get("cluster_ids", np.arange(n_rows)).astype(np.int32),
        is_moving=moves.astype(bool),
        visibs=content.get("visibs", np.ones(n_rows)).reshape(n_rows).astype(np.float16),
        traj=traj,
        traj_history=history,
        valid_steps=valid,
        valid_steps_history=history_valid,
        raw_traj=raw,
        raw_traj_history=raw_history,
        raw_valid_steps=raw_valid,
        raw_valid_steps_history=raw_history_valid,
        raw_xy=None if xy is None else xy.astype(np.float32),
    )


def moves_by_tracegen(
    traj: Float16[np.ndarray, "n l 3"], valid: Bool[np.ndarray, "n l"], size_px: tuple[int, int]
) -> Bool[np.ndarray, " n"]:
    """TraceGen's test: the path over the image is longer than a tenth of it, widths and heights added up."""
    xy = np.where(valid[..., None], traj[..., :2].astype(np.float64), 0) / [size_px[1], size_px[0]]
    step = np.abs(np.diff(xy, axis=1)).sum(-1)
    path = np.where(valid[:, 1:], step, 0).sum(1)
    moves: Bool[np.ndarray, " n"] = path > MOVES_SHARE
    return moves


def encode_legacy(rows: FrameRows, image_path: str, frame: int) -> dict[str, np.ndarray]:
    """The legacy sample file: the official rows of one frame under their own names."""
    return {
        "image_path": np.array([image_path]),
        "frame_index": np.array([frame], np.int64),
        **{name: np.ascontiguousarray(getattr(rows, name)) for name in ROW_NAMES},
    }


def encode_traceforge(rows: FrameRows, image_path: str, frame: int, *, is_3d: bool) -> dict[str, np.ndarray]:
    """TraceForge's sample file: one mask for all rows, single precision, two channels where 2-D only."""
    traj = rows.traj.astype(np.float32)
    raw_xy = rows.raw_xy
    if raw_xy is None:
        n_known = int(rows.raw_valid_steps.sum(1).min(initial=rows.raw_traj.shape[1]))
        raw_xy = rows.raw_traj[:, :n_known, :2].astype(np.float32)
    return {
        "image_path": np.array([image_path]),
        "frame_index": np.array([frame], np.int64),
        "keypoints": rows.keypoints.astype(np.float32),
        "traj": np.ascontiguousarray(traj if is_3d else traj[..., :2]),
        "traj_2d": np.ascontiguousarray(raw_xy),
        "valid_steps": rows.valid_steps.any(0),
    }


def _trace(
    trace: Float[np.ndarray, "n l d"], mask: np.ndarray, start: Float16[np.ndarray, "n 2"]
) -> tuple[Float16[np.ndarray, "n l 3"], Bool[np.ndarray, "n l"]]:
    """Three channels, padded behind a prefix mask; a row without a first step stays at its keypoint."""
    packed = _three_channels(trace)
    mask = np.broadcast_to(mask.astype(bool), packed.shape[:2])
    valid = np.logical_and.accumulate(mask & np.isfinite(packed).all(-1), axis=1)
    packed[~valid] = PAD
    lost = ~valid[:, 0]
    packed[lost, 0, :2], packed[lost, 0, 2], valid[lost, 0] = start[lost], 0, True
    return packed, valid


def _three_channels(trace: Float[np.ndarray, "n l d"]) -> Float16[np.ndarray, "n l 3"]:
    packed = np.zeros((*trace.shape[:2], 3), np.float16)
    with np.errstate(over="ignore"):
        packed[..., : trace.shape[2]] = trace
    return packed


def _optional(
    content: dict[str, np.ndarray],
    name: str,
    mask_name: str,
    anchor: Float16[np.ndarray, "n 1 3"],
    length: int,
) -> tuple[Float16[np.ndarray, "n h 3"], Bool[np.ndarray, "n h"]]:
    if name in content:
        mask = content.get(mask_name, np.isfinite(content[name]).all(-1))
        return _trace(content[name], mask, anchor[:, 0, :2])
    return _alone(anchor, length)


def _alone(
    anchor: Float16[np.ndarray, "n 1 3"], length: int
) -> tuple[Float16[np.ndarray, "n h 3"], Bool[np.ndarray, "n h"]]:
    """A trace that says where the point is and nothing else."""
    trace = np.full((len(anchor), length, 3), PAD, np.float16)
    trace[:, :1] = anchor
    valid = np.zeros((len(anchor), length), bool)
    valid[:, 0] = True
    return trace, valid


def _raw(
    content: dict[str, np.ndarray], anchor: Float16[np.ndarray, "n 1 3"], length: int
) -> tuple[Float16[np.ndarray, "n l 3"], Bool[np.ndarray, "n l"]]:
    """Positions at clock time: stored, or TraceForge's pixels of a 2-D-only episode."""
    if "raw_traj" in content or content["traj"].shape[2] == 3 or "traj_2d" not in content:
        return _optional(content, "raw_traj", "raw_valid_steps", anchor, length)
    pixels: Float32[np.ndarray, "n s 2"] = content["traj_2d"][:, :length]
    raw = np.full((len(pixels), length, 3), PAD, np.float16)
    raw[:, : pixels.shape[1]] = _three_channels(pixels)
    return _trace(raw, np.isfinite(raw[..., 0]) & np.isfinite(raw[..., 1]), anchor[:, 0, :2])
