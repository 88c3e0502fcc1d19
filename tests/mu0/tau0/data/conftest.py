"""A small folder of recordings, made once per session: three scenes of picking, three of each other kind."""

from pathlib import Path

import pytest

from mu0.params.tau0_data import TaskScenes, Tau0DataParams
from mu0.tau0.data.collect import collect_tau0_data

SMALL = Tau0DataParams(
    scenes=TaskScenes(pick=3),
    fault_share=1.0,
    fault_kinds=["stall", "early_open", "no_close"],
    rollout_share=0.4,
    hand_scenes=3,
    umi_scenes=3,
    image_size_px=32,
    workers=1,
)


@pytest.fixture(scope="session")
def tau0_params() -> Tau0DataParams:
    return SMALL


@pytest.fixture(scope="session")
def tau0_cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("tau0_cache") / "scenes"


@pytest.fixture(scope="session")
def tau0_folder(tau0_cache: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Do not change it."""
    folder = tmp_path_factory.mktemp("tau0") / "tau0_data"
    collect_tau0_data(SMALL, folder, tau0_cache)
    return folder
