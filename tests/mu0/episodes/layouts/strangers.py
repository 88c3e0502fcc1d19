"""Episodes as strangers write and read them: plain numpy, from the reference only, without a line of mu0.

Sources
    reference/traceextract.md §1.6 (official reader), §1.8 (legacy), §7 (TraceForge);
    tracegen_tau0_pi0_lerobot.md A.1 (TraceGen).
"""

import json
import struct
import zlib
from pathlib import Path

import numpy as np

WIDTH, HEIGHT, N_FRAMES, N_STEPS, N_PAST = 48, 40, 5, 12, 4
RNG = np.random.default_rng(7)
IMAGES = RNG.integers(0, 256, (N_FRAMES, HEIGHT, WIDTH, 3)).astype(np.uint8)
DEPTH = RNG.uniform(0.5, 2, (N_FRAMES, HEIGHT, WIDTH)).astype(np.float16).astype(np.float32)
THREE = {
    "instruction_1": "open the drawer",
    "instruction_2": "1. Reach the handle. 2. Pull it.",
    "instruction_3": "Could you open the drawer, please?",
}


def write_png(path: Path, image: np.ndarray) -> None:
    """A PNG by hand: 8-bit RGB, or one 16-bit channel."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    height, width = image.shape[:2]
    bits, colour = (16, 0) if image.dtype == np.uint16 else (8, 2)
    rows = b"".join(b"\x00" + row.astype(image.dtype.newbyteorder(">")).tobytes() for row in image)
    head = struct.pack(">IIBBBBB", width, height, bits, colour, 0, 0, 0)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", head)
        + chunk(b"IDAT", zlib.compress(rows))
        + chunk(b"IEND", b"")
    )


def write_traceforge(folder: Path, *, channels: int = 3, every: int = 1, depth: bool = True) -> Path:
    """A TraceForge episode: a 20 x 20 grid on every `every`-th frame, 12 steps, no cameras."""
    video = folder.name
    (folder / "samples").mkdir(parents=True)
    (folder / "depth").mkdir()
    x, y = np.linspace(0, WIDTH - 1, 20), np.linspace(0, HEIGHT - 1, 20)
    keypoints = np.array([[a, b] for b in y for a in x], np.float32)
    for t in range(0, N_FRAMES, every):
        write_png(folder / "images" / f"{video}_{t}.png", IMAGES[t])
        if depth and channels == 3:
            np.savez(folder / "depth" / f"{video}_{t}_raw.npz", depth=DEPTH[t])
        n_valid = 8 - t
        traj = np.full((400, N_STEPS, channels), -np.inf, np.float32)
        traj[:, :n_valid, :2] = keypoints[:, None]
        if channels == 3:
            traj[:, :n_valid, 2] = 1.25
        traj[150, :n_valid, 0] += np.arange(n_valid)  # 7 px to the right at most
        flat = np.repeat(keypoints[:, None], N_FRAMES - t, 1)
        flat[150, :, 0] += 2 * np.arange(N_FRAMES - t)
        np.savez(
            folder / "samples" / f"{video}_{t}.npz",
            image_path=np.array([f"images/{video}_{t}.png"], "<U50"),
            frame_index=np.array([t]),
            keypoints=keypoints,
            traj=traj,
            traj_2d=flat,
            valid_steps=np.arange(N_STEPS) < n_valid,
        )
    (folder / "three_instructions.json").write_text(json.dumps(THREE))
    return folder


def write_legacy(folder: Path, *, one_mask: bool = False, cameras: bool = True) -> Path:
    """An early TraceExtract episode: one file per frame, two rows per anchor on frames 0 and 2."""
    video = folder.name
    (folder / "samples").mkdir(parents=True)
    for t in range(N_FRAMES):
        write_png(folder / "images" / f"{video}_{t}.png", IMAGES[t])
        write_png(folder / "depth" / f"{video}_{t}.png", np.rint(DEPTH[t] * 10_000).astype(np.uint16))
    for t in (0, 2):
        lengths = np.array([6, 6]) if one_mask else np.array([6, 3])
        valid = np.arange(N_STEPS) < lengths[:, None]
        past = np.arange(N_PAST) < min(t + 1, 2)
        raw = np.arange(N_STEPS) < N_FRAMES - t
        raw_past = np.arange(N_PAST) < t + 1
        point = np.array([[10.5, 7, 1.5], [30, 20.25, 0.75]])

        def trace(mask: np.ndarray, point: np.ndarray = point) -> np.ndarray:
            mask = np.broadcast_to(mask, (2, mask.shape[-1]))
            drift = np.arange(mask.shape[-1])[None, :, None] * [0.25, 0, 0]
            return np.where(mask[..., None], point[:, None] + drift, -np.inf).astype(np.float16)

        np.savez(
            folder / "samples" / f"{video}_{t}.npz",
            image_path=np.array([f"images/{video}_{t}.png"]),
            frame_index=np.array([t]),
            keypoints=point[:, :2].astype(np.float16),
            cluster_ids=np.array([3, 8], np.int32),
            is_moving=np.array([True, True]),
            visibs=np.array([1, 0], np.float16),
            traj=trace(valid),
            traj_history=trace(past),
            valid_steps=valid[0] if one_mask else valid,
            valid_steps_history=past if one_mask else np.broadcast_to(past, (2, N_PAST)),
            raw_traj=trace(raw),
            raw_traj_history=trace(raw_past),
            raw_valid_steps=raw if one_mask else np.broadcast_to(raw, (2, N_STEPS)),
            raw_valid_steps_history=raw_past if one_mask else np.broadcast_to(raw_past, (2, N_PAST)),
        )
    if cameras:
        k = np.tile(np.array([[40, 0, 12], [0, 40, 10], [0, 0, 1]], np.float32), (N_FRAMES, 1, 1))
        np.savez(
            folder / f"{video}.npz",
            coords=np.zeros((N_FRAMES, 2, 3), np.float32),
            extrinsics=np.tile(np.eye(4, dtype=np.float32), (N_FRAMES, 1, 1)),
            intrinsics=k,
            height=np.int32(HEIGHT // 2),  # these cameras are those of images half as large
            width=np.int32(WIDTH // 2),
            unc_metric=np.zeros((N_FRAMES, 2, 2), np.float16),
        )
    return folder


def read_official(folder: Path, t: int) -> dict[str, np.ndarray]:
    """The official helper: the rows of one frame; knows nothing of anybody's additions."""
    rows_of_frames = "keypoints cluster_ids is_moving visibs"
    traces = "traj traj_history valid_steps valid_steps_history"
    raw = "raw_traj raw_traj_history raw_valid_steps raw_valid_steps_history"
    names = f"{rows_of_frames} {traces} {raw}".split()
    if not (folder / "images.npy").exists():
        raise FileNotFoundError(folder)
    frames = np.load(folder / "samples/frame_indices.npy", mmap_mode="r")
    offsets = np.load(folder / "samples/offsets.npy", mmap_mode="r")
    slots = np.nonzero(frames == t)[0]
    if len(slots) == 0:
        raise KeyError(t)
    lo, hi = int(offsets[slots[0]]), int(offsets[slots[0] + 1])
    rows = {name: np.load(folder / f"samples/{name}.npy", mmap_mode="r")[lo:hi] for name in names}
    return {"frame_index": np.array([t]), **rows}


def usable_points(rows: dict[str, np.ndarray], name: str, mask: str) -> np.ndarray:
    """Points that the official helper keeps: masked, finite, and in front of the camera where raw."""
    points = rows[name].astype(np.float32)
    keep = rows[mask] & np.isfinite(points).all(-1)
    if name.startswith("raw"):
        keep &= points[..., 2] > 0
    return points[keep]


def read_tracegen(folder: Path) -> list[dict[str, np.ndarray]]:
    """TraceGen's loader up to its resizing: PNG and NPZ of equal stem, -inf tails filled, z where it is."""
    found = []
    for png in sorted((folder / "images").glob("*.png")):
        sample = folder / "samples" / f"{png.stem}.npz"
        if not sample.exists():
            continue
        with np.load(sample, allow_pickle=False) as archive:
            content = {key: archive[key] for key in archive.files}
        traj = (
            content["traj"]
            .reshape(20, 20, *content["traj"].shape[1:])
            .reshape(400, -1, content["traj"].shape[2])
        )
        mask = traj != -np.inf
        for row in range(400):
            last = int(mask[row, :, 0].sum()) - 1
            traj[row, last + 1 :] = traj[row, last]
        if traj.shape[2] == 2:
            traj = np.concatenate([traj, np.zeros_like(traj[..., :1])], -1)
            mask = np.concatenate([mask, np.zeros_like(mask[..., :1])], -1)
        found.append(
            {"traj": traj, "mask": mask, "valid_steps": content["valid_steps"], "stem": np.array(png.stem)}
        )
    return found
