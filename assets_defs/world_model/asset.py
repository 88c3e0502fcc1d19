"""μ0: where everything goes, from a picture and a sentence."""

from assets_defs.graph import Stage
from assets_defs.parts import MODEL, TRAIN, check, code, command, model
from mu0.params.world_model import WorldModelParams

SECTIONS = {"world_model": WorldModelParams}

STAGES = (
    Stage(
        "world_model",
        command=command("world_model"),
        code=code("world_model", *MODEL, *TRAIN),
        inputs=("trace_dataset", "extracted_traces", "captions"),
        params=("world_model",),
        outputs=(
            model(
                "world_model", "world_model", "team:world_model",
                "μ0: weights, config, statistics and tokenizer.",
            ),
        ),
        metrics=("reports/training/world_model.json",),
        plots=(("reports/training/world_model.csv", "step", "loss"),),
    ),
    check("world_model"),
)  # fmt: skip
