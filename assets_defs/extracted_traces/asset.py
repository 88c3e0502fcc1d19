"""3D traces of every clip: TraceExtract's episodes, and how good each is."""

from assets_defs.graph import Stage
from assets_defs.parts import EPISODES, SHARED, check, code, command, data

STAGES = (
    Stage(
        "extracted_traces",
        command=command("extracted_traces"),
        code=code("extracted_traces", *SHARED, *EPISODES, "mu0/sources", "mu0/traceextract"),
        inputs=("raw_videos",),
        params=("extract",),
        outputs=(
            data(
                "extracted_traces", "traces", "numpy", "team:perception",
                "One TraceExtract episode per clip, and quality.parquet with one row per clip.",
                contents="contents.json",
            ),
        ),
        metrics=("reports/extraction/metrics.json",),
    ),
    check("extracted_traces"),
)  # fmt: skip
