"""Episodes with objects and camera motion of no training source: what nobody has learned."""

from assets_defs.benchmark_parts import FOLDERS_CODE, GROUP, PARAMS_CODE
from assets_defs.graph import Artifact, Stage
from assets_defs.parts import EXTRACTION, MODEL_PARAMS, SIMULATION, code, command

STAGES = (
    Stage(
        "unseen_clips",
        command=command("unseen_clips"),
        code=code(
            "unseen_clips", *EXTRACTION, *SIMULATION, "mu0/dataset",
            *MODEL_PARAMS, *FOLDERS_CODE, *PARAMS_CODE,
        ),
        params=("benchmark", "extract", "captions", "trace_dataset"),
        outputs=(
            Artifact(
                "unseen_clips", "data/benchmark/unseen", GROUP,
                "Episodes with objects and camera motion that no training shows.",
                ("numpy",), contents="contents.json", owners=("team:data",),
            ),
        ),
    ),
)  # fmt: skip
