"""What the report shows, and where that lies: the one stage that reads nearly every artifact."""

FOLDERS = {
    "raw_videos": "data/raw_videos",
    "extracted_traces": "data/extracted_traces",
    "captions": "data/captions",
    "trace_dataset": "data/trace_dataset",
    "world_model": "models/world_model",
    "trace_audit": "reports/trace_audit",
    "caption_audit": "reports/caption_audit",
    "trace_report": "reports/trace_report",
    "demonstrations": "data/demonstrations",
    "action_expert_ur3_mu0": "models/action_expert_ur3_mu0",
    "action_expert_ur3_no_trace": "models/action_expert_ur3_no_trace",
    "action_expert_ur3_grounded": "models/action_expert_ur3_grounded",
    "ur3_report": "reports/ur3_report",
}
CHECKS = "reports/checks"
