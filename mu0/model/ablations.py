"""Named variations of μ0: which fields of its config change, so that each can be trained and measured.

Every entry differs from `mu0` in one idea; a benchmark trains all of them on the same data for the same
time. What each idea is and what it was worth: docs/options.md.

    preset("small", **ABLATIONS["c2_spline"])
"""

from typing import Any

ABLATIONS: dict[str, dict[str, Any]] = {
    "mu0": {},
    "raw_waypoints": {"curve": "waypoints", "n_control_points": 32, "control_points_per_token": 8},
    "c2_spline": {"curve": "c2"},
    "soft_anchor": {"hard_anchor": False},
    "flow_skip": {"flow_skip": True},
    "metric_scale": {"displacement": "metric"},
    "anchor_depth": {"anchor_depth": True},
    "no_features": {"keypoint_features": "none"},
    "no_rigidity": {"rigidity": "none"},
    "rigid_invariant": {"rigidity": "metric", "rigidity_weight": 500.0},  # 5 / (0.1 m)²
    "no_history": {"use_history": False},
    "no_depth": {"use_depth": False},
    "with_depth": {"depth_dropout": 0.0},
    "text_guidance": {"text_dropout": 0.2, "guidance_scale": 1.5},
    "two_d": {"two_d_share": 0.2},
}
