"""Stage `tau0_data`: scenes of the simulator -> recordings, labels and splits that τ0 learns from."""

import logging
from pathlib import Path

from assets_defs.entry import run_stage
from assets_defs.sections import section
from mu0.files import write_json
from mu0.params.tau0_data import Tau0DataParams
from mu0.tau0.data.collect import collect_tau0_data

GOAL, METRICS = Path("data/tau0_data"), Path("reports/tau0_data_metrics.json")
CACHE = Path(".mu0_cache/tau0_scenes")


def main() -> None:
    """Record what params.yaml asks for; scenes that are there already are kept."""
    about = collect_tau0_data(section("tau0_data", Tau0DataParams), GOAL, CACHE)
    write_json(METRICS, about)
    logging.info("%d scenes, %d groups of branches", about["n_scenes"], about["n_groups"])
    logging.info("recordings: %s", about["n_recordings"])


if __name__ == "__main__":
    run_stage(main)
