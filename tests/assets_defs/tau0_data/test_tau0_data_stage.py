"""Stage tau0_data: writes where the graph says; its check finds a label that does not fall after an error."""

import json
from pathlib import Path

import pandas as pd
import pytest
import yaml

from assets_defs.chain import TAU0
from assets_defs.checks.__main__ import check_artifact
from assets_defs.tau0_data import stage as tau0_data
from mu0.errors import CheckFailedError

PROFILE = Path(__file__).parents[3] / "profiles/smoke.yaml"
FEW = {
    "scenes": {"pick": 3, "pour": 0, "towel": 0}, "fault_share": 1.0, "fault_kinds": ["no_close", "stall"],
    "hand_scenes": 0, "umi_scenes": 0, "image_size_px": 32, "workers": 1,
}  # fmt: skip


def test_outputs_are_those_of_the_graph() -> None:
    [stage, check] = TAU0.all_stages
    assert TAU0.artifacts["tau0_data"].path == str(tau0_data.GOAL)
    assert stage.metrics == (str(tau0_data.METRICS),)
    assert check.checks == "tau0_data"


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning", "ignore::UserWarning")
def test_what_it_writes_passes_its_check_and_a_label_that_does_not_fall_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    params = yaml.safe_load(PROFILE.read_text()) | {"tau0_data": FEW}
    (tmp_path / "params.yaml").write_text(yaml.safe_dump(params))
    monkeypatch.chdir(tmp_path)
    tau0_data.main()
    check_artifact("tau0_data")
    metrics = json.loads(tau0_data.METRICS.read_text())
    assert metrics["n_faults"] == {"no_close": 2, "stall": 1}
    assert metrics["labels"]["success_ends_at_1_rate"] == 1
    path = tau0_data.GOAL / "frames.parquet"
    frames = pd.read_parquet(path)
    rows = pd.read_parquet(tau0_data.GOAL / "recordings.parquet")
    fault = rows[rows["fault"] == "no_close"].iloc[0]
    own = (frames["scene_id"] == fault["scene_id"]) & (frames["recording"] == fault["recording"])
    frames.loc[own, "overall"] = 0.5
    frames.to_parquet(path)
    with pytest.raises(CheckFailedError, match="column holds"):
        check_artifact("tau0_data")
