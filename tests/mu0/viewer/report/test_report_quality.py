"""The quality section: bars that add up, clips that failed with their reason, nothing unescaped."""

from pathlib import Path

from mu0.traceextract.quality.row import QualityRow
from mu0.traceextract.quality.table import write_quality
from mu0.viewer.report.page import Page, Shown
from mu0.viewer.report.quality import quality


def _project(root: Path) -> Shown:
    import pandas as pd

    folder = root / "episodes"
    folder.mkdir()
    rows = [
        QualityRow(
            "a", "phone", "a", "unknown", simulated=False, status="ok", n_frames_in=20, n_frames=10,
            n_points_in=50, n_points_out=44, n_pairs_in=400, n_rows=90, static_jitter_m=0.0012, is_3d=True,
            licence="CC0-1.0", intrinsics_source="data", fps_hz=12.5, median_depth_m=1.25,
            note="not used: <imu>.csv",
            dropped={"frame": {"rate": 10}, "point": {"no_depth": 6}, "pair": {"static": 310}},
        ),
        QualityRow("b", "phone", "b", "unknown", simulated=False, status="failed", reason="<b>broken</b>"),
    ]  # fmt: skip
    index = pd.DataFrame(
        [{"source": "phone", "clip_id": name, "status": "ok", "reason": "", "n_frames": 20} for name in "ab"]
    )
    write_quality(folder, rows, index)
    return Shown("project", {"extracted_traces": folder})


def test_every_level_says_what_went_in_what_came_out_and_why_not(tmp_path: Path) -> None:
    page = Page()
    quality(_project(tmp_path), page)
    words = "".join(page.parts)
    for part in ("2 clips", "1 became episodes", "1 failed", "40 frames", "10 left out for the rate",
                 "20 in clips that failed", "50 points chosen", "44 were followed", "6 without depth",
                 "400 points × anchor frames", "90 are traces", "310 at rest", "1.2 mm", "CC0-1.0",
                 ):  # fmt: skip
        assert part in words


def test_a_failed_clip_stands_there_with_its_reason_as_text(tmp_path: Path) -> None:
    page = Page()
    quality(_project(tmp_path), page)
    words = "".join(page.parts)
    assert "phone/b" in words
    assert "&lt;b&gt;broken&lt;/b&gt;" in words
    assert "<b>broken" not in words


def test_what_was_met_and_not_used_stands_there(tmp_path: Path) -> None:
    page = Page()
    quality(_project(tmp_path), page)
    words = "".join(page.parts)
    for part in ("phone/a</b> not used: &lt;imu&gt;.csv", "12.5 Hz", "1.25 m"):
        assert part in words


def test_an_old_project_is_told_so(tmp_path: Path) -> None:
    page = Page()
    quality(Shown("project", {"extracted_traces": tmp_path}), page)
    assert "before drops were recorded" in "".join(page.parts)
