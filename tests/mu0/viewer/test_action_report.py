"""The page shows every dimension, says what intervals are of, and why episodes were left out."""

from pathlib import Path
from typing import Any

import numpy as np

from mu0.evaluation.policies.action_scores import score_actions
from mu0.evaluation.policies.held_out_actions import METHODS, Windows
from mu0.policy.embodiment import UR3
from mu0.viewer.action_report import write_action_page


def report(episodes: list[str]) -> dict[str, Any]:
    recorded = np.zeros((len(episodes), 4, 5))
    windows = Windows(
        dict.fromkeys(METHODS, recorded + 0.25), recorded, np.array(episodes), np.ones(len(episodes), bool)
    )
    return {
        "variant": "stems",
        "embodiment": {"name": "arm <of a stranger>"},
        "training": {"steps": 7},
        "data": {
            "folder": "my_data",
            "n_usable": 2,
            "n_train_rows": 100,
            "held_out": "1 of 2 usable episodes, drawn by seed 0",
            "unusable": {"episode_000007": "it has a gap & more"},
        },
        "held_out": score_actions(windows, UR3, np.ones(5)),
    }


def test_dimensions_methods_and_reasons_are_shown(tmp_path: Path) -> None:
    write_action_page(tmp_path / "report.html", report(["a", "b"]))
    page = (tmp_path / "report.html").read_text()
    assert all(name in page for name in UR3.action_names)
    assert "0.25 [0.25, 0.25]" in page
    assert "arm &lt;of a stranger&gt;" in page
    assert "it has a gap &amp; more" in page
    assert "Intervals: 95 %" in page


def test_one_episode_is_said_to_tell_little(tmp_path: Path) -> None:
    write_action_page(tmp_path / "report.html", report(["a", "a"]))
    page = (tmp_path / "report.html").read_text()
    assert "nothing is said about other recordings" in page
    assert "[0.25" not in page
