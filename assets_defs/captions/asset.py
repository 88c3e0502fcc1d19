"""What happens in every episode, event by event, in words."""

from assets_defs.graph import Stage
from assets_defs.parts import EPISODES, SHARED, check, code, command, data

STAGES = (
    Stage(
        "captions",
        command=command("captions"),
        code=code("captions", *SHARED, *EPISODES, "mu0/traceextract"),
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
    check("captions"),
)  # fmt: skip
