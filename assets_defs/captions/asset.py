"""What happens in every episode, event by event, in words."""

from assets_defs.graph import Stage
from assets_defs.parts import EXTRACTION, check, code, command, data
from mu0.params.extract import CaptionsParams

SECTIONS = {"captions": CaptionsParams}

STAGES = (
    Stage(
        "captions",
        command=command("captions"),
        code=code("captions", *EXTRACTION),
        inputs=("extracted_traces",),
        params=("captions",),
        outputs=(
            data(
                "captions", "traces", "parquet", "team:perception",
                "captions.parquet and curated_training_texts.json per episode.",
                contents="contents.json",
            ),
        ),
    ),
    check("captions", reads=("extracted_traces",)),
)  # fmt: skip
