"""Good artifacts, as small as they can be: every suite passes on them without a warning."""

import json
from itertools import product
from pathlib import Path
from typing import Any

import pandas as pd
from good_tau0_data import put_tau0_data

from assets_defs.benchmark_methods import METHODS
from assets_defs.sections import section
from mu0.params.benchmark import BenchmarkParams

ARTIFACTS = (
    "raw_videos", "extracted_traces", "captions", "caption_audit", "trace_dataset", "world_model",
    "trace_report", "demonstrations", "ur3_report", "benchmark_traces", "tau0_data",
)  # fmt: skip
NEEDED = ("held_out", "unseen_objects", "unseen_camera")

CLIP: dict[str, Any] = {
    "clip_id": "a", "source": "ur3_sim", "status": "ok", "reason": "", "n_frames": 20, "width_px": 64,
    "height_px": 64,
    "fps_hz": 10.0, "has_depth": True, "has_poses": True, "has_robot": True, "instruction": "pick",
    "scene_id": "s1",
    "embodiment": "ur3", "simulated": True, "demonstrator_success": True,
}  # fmt: skip
EPISODE: dict[str, Any] = {
    "clip_id": "a", "source": "ur3_sim", "scene_id": "s1", "status": "ok", "reason": "", "is_3d": True,
    "pose_source": "odometry", "n_slots": 3, "n_rows": 30, "n_points_total": 40, "coverage": 0.4,
    "median_reprojection_error_px": 0.3, "static_jitter_m": 0.001, "visible_share": 0.9, "moving_share": 0.2,
    "moving_jitter_m": 0.002, "pose_residual_px": 0.3, "intrinsics_source": "data", "has_depth": True,
    "n_points_moving": 8,
    "n_frames": 18, "n_points_in": 50, "n_points_out": 40, "n_pairs_in": 90,
}  # fmt: skip
DROPS = [
    {"source": "ur3_sim", "clip_id": name, "level": level, "reason": reason, "count": count, "detail": ""}
    for name in "abcdefghijkl"
    for level, reason, count in [("frame", "rate", 2), ("point", "no_depth", 10), ("pair", "static", 60)]
] + [
    {"source": "ur3_sim", "clip_id": name, "level": "clip", "reason": "unreadable", "count": 1, "detail": "x"}
    for name in "mnop"
]
SOURCE: dict[str, Any] = {
    "source": "ur3_sim", "n_clips": 16, "n_frames_in": 240, "n_clips_unaccounted": 0,
    "n_frames_unaccounted": 0, "n_points_unaccounted": 0, "n_pairs_unaccounted": 0,
}  # fmt: skip
CAPTION: dict[str, Any] = {
    "episode_id": "ur3_sim/a", "status": "ok", "kind": "chunk", "chunk_id": 0, "start_idx": 0, "end_idx": 5,
    "instruction_1": "pick it", "instruction_2": "take it", "instruction_3": "grasp it",
}  # fmt: skip
AUDIT_OF_CAPTIONS = {"boundary_f1": 0.9, "skill_accuracy": 0.95, "claims_right": 0.99, "n_events": 80}
STATISTICS = {
    "delta_scale_x": 0.9, "delta_scale_y": 0.6, "delta_scale_z": 0.1, "num_samples": 90,
    "depth_log_min": -0.5, "depth_log_max": 0.6, "depth_p1_m": 0.6, "depth_p99_m": 1.9,
    "depth_num_samples": 90, "depth_num_dirs": 8,
}  # fmt: skip
TRAINING = {
    "loss": 0.5, "n_parameters": 2, "n_bad_batches": 0, "steps": 20, "n_train_frames": 9,
    "val": {"loss_history": 0.4},
}  # fmt: skip
SLOT: dict[str, Any] = {"source": "s", "slot": 0, "frame_index": 0, "n_rows": 4, "is_3d": True}


PHASES = ("approach", "hover", "carry", "place")
BY_PHASE: dict[str, Any] = {
    "known_by": "simulator", "n_keypoints": 40, "n_episodes": 39, "ade_uv": 0.1,
    "minus_static_ade_uv": -0.1,
}  # fmt: skip


def put(root: Path, name: str, rows: list[dict[str, Any]]) -> None:
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    pd.DataFrame(rows).to_parquet(path)


def put_json(root: Path, name: str, content: Any) -> None:
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content))


def put_good_artifacts(root: Path) -> None:
    """Write every artifact that has expectations, and the params of the smoke profile."""
    (root / "params.yaml").write_text(Path("profiles/smoke.yaml").read_text())
    _put_clips_and_episodes(root)
    _put_dataset_and_model(root)
    _put_trace_reports(root)
    _put_policy_data(root)
    put_tau0_data(root)


def _put_clips_and_episodes(root: Path) -> None:
    put(root, "data/raw_videos/index.parquet", [
        CLIP | {"clip_id": name} | ({"status": "failed", "reason": "x"} if name in "mnop" else {})
        for name in "abcdefghijklmnop"
    ])  # fmt: skip
    episodes = "abcdefghijkl"
    put(root, "data/extracted_traces/quality.parquet", [EPISODE | {"clip_id": name} for name in episodes])
    put(root, "data/extracted_traces/sources.parquet", [SOURCE])
    put(root, "data/extracted_traces/drops.parquet", DROPS)
    for name in episodes:
        (root / "data/extracted_traces/ur3_sim" / name).mkdir(parents=True)
    captions = [CAPTION | {"episode_id": f"ur3_sim/{name}"} for name in episodes]
    put(root, "data/captions/captions.parquet", captions)
    put_json(root, "reports/caption_audit_metrics.json", {"ur3_sim": AUDIT_OF_CAPTIONS})


def _put_dataset_and_model(root: Path) -> None:
    import torch
    from safetensors.torch import save_file

    put(root, "data/trace_dataset/index.parquet", [
        SLOT | {"episode_id": f"s/{split}", "scene_id": split, "split": split}
        for split in ("train", "val", "test")
    ])  # fmt: skip
    put_json(root, "data/trace_dataset/normalizer_stats.json", STATISTICS)
    folder = root / "models/world_model"
    for name in ("config.json", "normalizer_stats.json", "tokenizer.json", "meta.json"):
        put_json(folder, name, {})
    save_file({"w": torch.ones(2)}, folder / "model.safetensors")
    put_json(root, "reports/training/world_model.json", TRAINING)


def _put_trace_reports(root: Path) -> None:
    errors = {"ade_uv": 0.1, "fde_uv": 0.2, "ade_m": 0.1, "n_keypoints": 9, "n_episodes": 3}
    put(root, "reports/trace_report/table.parquet", [
        {"method": method, "source": "all", "points": "all", "horizon": horizon} | errors
        for method in ("mu0", "static", "constant_velocity") for horizon in (8, 16, 32)
    ])  # fmt: skip
    put_json(root, "reports/trace_report_metrics.json", {"mu0_minus_static_ade_uv": -0.1})
    put(root, "reports/trace_report/by_phase.parquet", [
        {"method": method, "phase": phase, "entity": entity, "source": source, "horizon": 32} | BY_PHASE
        for method in ("mu0", "static") for phase in PHASES for entity in ("gripper", "target")
        for source in ("all", "ur3_sim")
    ])  # fmt: skip
    put(root, "reports/trace_report/gripper.parquet", [
        {"method": "mu0", "source": "all", "phase": phase, "aim_xy_m": 0.02, "n_episodes": 12}
        for phase in PHASES
    ])  # fmt: skip
    benchmark = section("benchmark", BenchmarkParams, root)
    keys = [
        {"method": method, "split": split, "points": "all", "horizon": horizon}
        for method, split, horizon in product(METHODS, NEEDED, benchmark.horizons)
    ]
    measured = {"ade_uv": 0.1, "fde_uv": 0.2, "dtw_uv": 0.1, "frechet_uv": 0.2, "latency_s": 0.01}
    measured |= {f"minDTW_{benchmark.n_samples}_uv": 0.1, "n_keypoints": 9, "n_episodes": 3}
    put(root, "reports/benchmark_traces/table.parquet", [
        key | measured | ({"ade_uv": 0.3} if key["method"] == "static" else {}) for key in keys
    ])  # fmt: skip
    put(root, "reports/benchmark_traces/by_phase.parquet", [
        {"method": method, "phase": phase, "entity": "gripper", "source": "all", "horizon": 32} | BY_PHASE
        for method in METHODS for phase in PHASES
    ])  # fmt: skip
    interval = {"difference": -0.1, "difference_low": -0.2, "difference_high": 0.0}
    put(root, "reports/benchmark_traces/comparisons.parquet", [
        key | {"metric": metric} | interval for key in keys for metric in ("ade_uv", "ade_m")
    ])  # fmt: skip


def _put_policy_data(root: Path) -> None:
    n_demonstrations, n_frames = 8, 3
    put(root, "data/demonstrations/data/chunk-000/file-000.parquet", [
        {"episode_index": index // n_frames, "frame_index": index % n_frames, "index": index,
         "timestamp": 0.1 * (index % n_frames), "task_index": 0, "action": [0.1] * 5,
         "observation.state": [0.2] * 9}
        for index in range(n_demonstrations * n_frames)
    ])  # fmt: skip
    put(root, "data/demonstrations/meta/episodes/chunk-000/file-000.parquet", [
        {"episode_index": index, "success": index > 0} for index in range(n_demonstrations)
    ])  # fmt: skip
    put_json(root, "data/demonstrations/meta/info.json", {
        "total_episodes": n_demonstrations, "total_frames": n_demonstrations * n_frames, "fps": 10,
    })  # fmt: skip
    actors = {"mu0": 0.5, "no_trace": 0.0, "demonstrator": 1.0}
    put(root, "reports/ur3_report/rollouts.parquet", [
        {"actor": actor, "level": level, "seed": seed, "success": seed < 2 * rate,
         "reached": True, "grasped": True, "lifted": True, "n_steps": 12, "closest_m": 0.01,
         "score": 1.0}
        for level, n in (("in_distribution", 2), ("unseen_objects", 1), ("layouts", 1), ("textures", 1))
        for actor, rate in actors.items() for seed in range(n)
    ])  # fmt: skip
    put_json(root, "reports/ur3_report/summary.json", {
        "setting": {"task": "pick", "horizon_steps": 40},
        "actors": {actor: {"success": {"rate": rate}} for actor, rate in actors.items()},
    })  # fmt: skip
