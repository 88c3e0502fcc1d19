"""Windows over the episodes, split by scene, and the statistics that normalise them."""

from assets_defs.graph import Stage
from assets_defs.parts import EPISODES, MODEL_PARAMS, SHARED, check, code, command, data
from mu0.params.world_model import TraceDatasetParams

SECTIONS = {"trace_dataset": TraceDatasetParams}

STAGES = (
    Stage(
        "trace_dataset",
        command=command("trace_dataset"),
        code=code("trace_dataset", *SHARED, *EPISODES, "mu0/dataset", *MODEL_PARAMS),
        inputs=("extracted_traces", "captions"),
        params=("trace_dataset",),
        outputs=(
            data(
                "trace_dataset", "traces", "parquet", "team:world_model",
                "index.parquet with splits by scene, and normalizer_stats.json.",
            ),
        ),
    ),
    check("trace_dataset"),
)  # fmt: skip
