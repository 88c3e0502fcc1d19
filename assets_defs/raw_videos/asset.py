"""Clips as every source gives them, and the exact truth of the simulated ones."""

from assets_defs.graph import Stage
from assets_defs.parts import SHARED, SIMULATION, check, code, command, data
from mu0.params.raw_videos import RawVideosParams

SECTIONS = {"raw_videos": RawVideosParams}

OWNER = "team:data"

STAGES = (
    Stage(
        "raw_videos",
        command=command("raw_videos"),
        code=code("raw_videos", *SHARED, *SIMULATION),
        external=("data/videos",),
        params=("raw_videos",),
        outputs=(
            data(
                "raw_videos", "videos", "video", OWNER,
                "Clips by source: video, 16-bit depth, cameras, robot states where there are any.",
                contents="contents.json",
            ),
            data(
                "ground_truth_tracks", "videos", "numpy", OWNER,
                "Exact tracks of the simulated clips; only audits and evaluations may read them.",
            ),
        ),
    ),
    check("raw_videos"),
)  # fmt: skip
