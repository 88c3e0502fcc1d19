"""What τ0 learns from: demonstrations, errors, clumsy rollouts, branches, hand video, a hand-held gripper."""

from assets_defs.graph import Artifact, Stage
from assets_defs.parts import SHARED, check, code, command
from mu0.params.tau0_data import Tau0DataParams

SECTIONS = {"tau0_data": Tau0DataParams}
DATA_CODE = (
    "mu0/envs",
    "mu0/geometry",
    "mu0/sources/clip",
    "mu0/sources/containers",
    "mu0/sources/faults.py",
    "mu0/tau0/data",
    "mu0/dataset/array_files.py",
    "mu0/dataset/splits.py",
    "mu0/params/tau0_data.py",
)

STAGES = (
    Stage(
        "tau0_data",
        command=command("tau0_data"),
        code=code("tau0_data", *SHARED, *DATA_CODE),
        params=("tau0_data",),
        outputs=(
            Artifact(
                "tau0_data", "data/tau0_data", "tau0",
                "Robot, error, rollout, branch, hand and hand-held recordings with progress labels.",
                ("numpy",), contents="contents.json", owners=("team:tau0",),
            ),
        ),
        metrics=("reports/tau0_data_metrics.json",),
    ),
    check("tau0_data", "tau0_data", others=(*SHARED, *DATA_CODE)),
)  # fmt: skip
