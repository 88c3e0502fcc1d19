"""Robot episodes to learn actions from, in LeRobot's format."""

from assets_defs.graph import Stage
from assets_defs.parts import POLICY_PARAMS, SHARED, SIMULATION, check, code, command, data
from mu0.params.action_expert import DemonstrationsParams

SECTIONS = {"demonstrations": DemonstrationsParams}

STAGES = (
    Stage(
        "demonstrations",
        command=command("demonstrations"),
        code=code("demonstrations", *SHARED, *SIMULATION, *POLICY_PARAMS),
        inputs=("raw_videos",),
        params=("demonstrations", "raw_videos"),
        outputs=(
            data(
                "demonstrations", "policy", "parquet", "team:policy",
                "UR3 demonstrations, failures labelled, LeRobotDataset v3.0.",
            ),
        ),
    ),
    check("demonstrations"),
)  # fmt: skip
