"""How true captions are, where a simulator knows what its demonstrator did."""

from assets_defs.graph import Stage
from assets_defs.parts import EPISODES, SHARED, check, code, command, report
from mu0.params.extract import CaptionAuditParams

SECTIONS = {"caption_audit": CaptionAuditParams}

STAGES = (
    Stage(
        "caption_audit",
        command=command("caption_audit"),
        code=code(
            "caption_audit", "assets_defs/audit_files.py", *SHARED, *EPISODES, "mu0/evaluation",
            "mu0/envs/entities.py", "mu0/envs/phases.py", "mu0/params/extract.py", "mu0/params/learned.py",
        ),
        inputs=("captions", "extracted_traces", "ground_truth_tracks"),
        params=("caption_audit",),
        outputs=(
            report(
                "caption_audit", "team:perception",
                "Events, skills and claims of simulated clips' captions against what really happened.",
            ),
        ),
        metrics=("reports/caption_audit_metrics.json",),
    ),
    check("caption_audit"),
)  # fmt: skip
