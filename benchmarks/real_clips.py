"""What of real clips is followed: hand, object and robot area that moves, against outlines drawn by eye.

    python benchmarks/real_clips.py --out real_clips.json               # all six clips
    python benchmarks/real_clips.py --hands mediapipe                   # with joints of hands
    python benchmarks/real_clips.py --clips cups blocks --pictures DIR  # some of them, with what was found

Two clips of hands, two of a Franka arm, one with a moving head camera (all in colours only), a drawer with
depth; a handful of frames each (`tests/data/real_clips.json`). The scores are told in `real_clips_score`.
Nothing in the extractor was tuned on these outlines before the first entry of docs/experiments.md about them.
"""

import argparse
import json
import sys
import tempfile
import time
from pathlib import Path

import cv2
import numpy as np
from real_clips_score import Outlined, read_outlines, score

from mu0.params.extract import ExtractParams
from mu0.sources.own_files.reader import FileItem, write_item
from mu0.traceextract.backends.interfaces import Footage
from mu0.traceextract.backends.registry import load_reconstructor
from mu0.traceextract.footage import read_footage
from mu0.traceextract.long_clips.following import Identities, follow
from mu0.traceextract.long_clips.hands_beside import find_hands
from mu0.traceextract.long_clips.windows import cut_windows
from mu0.traceextract.tracking.world_tracks import WorldTracks


def tracks_of(path: Path, params: ExtractParams) -> tuple[Footage, WorldTracks]:
    """The tracks of a clip of one window, as the engine finds them."""
    with tempfile.TemporaryDirectory() as folder:
        rate_hz = 5.0 if path.is_dir() else params.target_fps_hz  # of a folder of frames
        clip = write_item(FileItem(path.stem, path), Path(folder) / "clip", "real", rate_hz)
        footage = read_footage(clip, params.target_fps_hz)
    scene = load_reconstructor(params.reconstructor, params.learned).reconstruct(footage)
    (window,) = cut_windows(len(footage.frames), params)
    hands = find_hands(footage, scene, params)
    identities = Identities(hands=None if hands is None else hands.hands)
    followed, _ = follow((footage, scene), window, None, params, identities)
    if hands is not None:
        followed = hands.beside(followed, (footage, scene), window, params, identities)
    return footage, followed.tracks


def draw(footage: Footage, outlined: Outlined, tracks: WorldTracks, path: Path) -> None:
    """The outlined frames with every living, seen, moving trace: green, and what moves: red."""
    panels = []
    for frame, things in outlined.frames.items():
        picture = cv2.cvtColor(footage.frames[frame], cv2.COLOR_RGB2BGR)
        for thing in things:
            colour = (0, 0, 255) if thing["moves"] else (200, 200, 200)
            cv2.polylines(picture, [np.array(thing["outline_px"], np.int32)], isClosed=True, color=colour)
        alive = tracks.visible[frame] & tracks.is_moving
        for x, y in tracks.uv_px[frame][alive].round().astype(int):
            cv2.circle(picture, (int(x), int(y)), 4, (0, 255, 0), -1)
        panels.append(cv2.resize(picture, (640, 640 * picture.shape[0] // picture.shape[1])))
    panels += panels[-1:] * (len(panels) % 2)
    rows = [np.hstack(panels[first : first + 2]) for first in range(0, len(panels), 2)]
    cv2.imwrite(str(path), np.vstack(rows))


def main() -> None:
    """Extract, score, tell."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    outlines = read_outlines()
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--clips", nargs="+", choices=list(outlines), default=list(outlines))
    parser.add_argument("--out", type=Path, default=Path("real_clips.json"))
    parser.add_argument("--pictures", type=Path)
    parser.add_argument("--hands", choices=["off", "mediapipe"], default="off")
    options = parser.parse_args()
    cv2.setNumThreads(1)
    result = {}
    for name in options.clips:
        path = options.data / outlines[name].path
        if not path.exists():
            sys.stderr.write(f"{path} is absent: left out.\n")
            continue
        started = time.perf_counter()
        footage, tracks = tracks_of(path, ExtractParams(hands=options.hands))
        assert len(footage.frames) == outlines[name].n_kept, "the outlines were drawn in other frames"
        result[name] = score(outlines[name], tracks)
        result[name]["n_movers"] = int(tracks.is_moving.sum())
        result[name]["seconds_per_frame"] = (time.perf_counter() - started) / len(footage.frames)
        told = ", ".join(f"{key} {value:.3g}" for key, value in result[name].items())
        print(f"{name}: {told}", flush=True)
        if options.pictures is not None:
            options.pictures.mkdir(parents=True, exist_ok=True)
            draw(footage, outlines[name], tracks, options.pictures / f"{name}.png")
    options.out.write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
