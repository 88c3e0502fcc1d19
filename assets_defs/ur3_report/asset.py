"""The policies at work: rollouts in closed loop, every actor in the same scenes of one task."""

from assets_defs.graph import Stage
from assets_defs.parts import (
    LEVELS,
    POLICY,
    POLICY_PARAMS,
    SIMULATION,
    TRACKING,
    check,
    code,
    command,
    report,
)
from mu0.params.action_expert import Ur3ReportParams

SECTIONS = {"ur3_report": Ur3ReportParams}

STAGES = (
    Stage(
        "ur3_report",
        command=command("ur3_report"),
        code=code("ur3_report", *POLICY, "mu0/trace_policy", *SIMULATION, "mu0/evaluation", *TRACKING),
        inputs=(
            "action_expert_ur3_mu0", "action_expert_ur3_no_trace", "action_expert_ur3_grounded",
            "world_model",
        ),
        params=("ur3_report",),
        outputs=(
            report(
                "ur3_report", "team:policy",
                "Closed-loop rollouts of the demonstrations' task: experts, script and, in pick, the trace "
                "policy; equal seeds.",
            ),
        ),
        metrics=("reports/ur3_report_metrics.json",),
    ),
    check("ur3_report", "ur3_report", others=(*POLICY_PARAMS, *LEVELS)),
)  # fmt: skip
