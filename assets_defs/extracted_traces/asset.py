"""3D traces of every clip: TraceExtract's episodes, and how good each is."""

from assets_defs.graph import Stage
from assets_defs.parts import EXTRACTION, check, code, command, data
from mu0.params.extract import ExtractParams

SECTIONS = {"extract": ExtractParams}

STAGES = (
    Stage(
        "extracted_traces",
        command=command("extracted_traces"),
        code=code("extracted_traces", *EXTRACTION, "mu0/sources"),
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
    check("extracted_traces", others=("assets_defs/extracted_traces/accounts.py",)),
)  # fmt: skip
