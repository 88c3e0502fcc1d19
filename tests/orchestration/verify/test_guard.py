"""DVC never hands out damaged bytes as up to date: `mu0 run` stops and names the object."""

import os
from pathlib import Path

import pytest
from toy_models import flip_a_byte, run_dvc

from assets_defs.dvc_state import md5_of
from mu0.errors import StageError
from orchestration.verify.guard import require_recorded_models, require_sound_cache

WEIGHTS = "models/world_model/model.safetensors"


@pytest.mark.slow
def test_a_sound_project_passes_and_its_models_are_cut_loose(project: Path) -> None:
    assert (project / WEIGHTS).stat().st_nlink == 2, "the fixture hard-links"
    require_sound_cache(project)
    require_recorded_models(project)
    assert (project / WEIGHTS).stat().st_nlink == 1
    assert run_dvc(project, "status", "--json").stdout.strip() == "{}"


@pytest.mark.slow
def test_dvc_alone_calls_the_damage_up_to_date(project: Path) -> None:
    """The fault that the guard is for; when DVC mends it, the guard can go."""
    before = md5_of(project / "models/world_model")
    flip_a_byte(project / WEIGHTS)
    assert run_dvc(project, "repro").returncode == 0
    assert run_dvc(project, "status", "--json").stdout.strip() == "{}"
    assert md5_of(project / "models/world_model") != before
    with pytest.raises(StageError):
        require_recorded_models(project)


@pytest.mark.parametrize("keeps_time", [False, True])
@pytest.mark.parametrize("path", [WEIGHTS, "models/world_model/config.json", "data/table.csv"])
def test_a_flipped_byte_in_a_hard_link_stops_the_run(project: Path, path: str, *, keeps_time: bool) -> None:
    flip_a_byte(project / path, keeps_time=keeps_time)
    with pytest.raises(StageError, match=r"DVC's cache is damaged: \.dvc/cache/files/md5/") as caught:
        require_sound_cache(project)
    assert "mu0 verify --fix" in caught.value.remedy


def test_a_model_edited_beside_the_cache_is_named(project: Path) -> None:
    require_recorded_models(project)  # cuts loose
    flip_a_byte(project / WEIGHTS, keeps_time=True)
    require_sound_cache(project)
    with pytest.raises(StageError, match=f"^{WEIGHTS} has md5 [0-9a-f]{{32}}, dvc.lock says [0-9a-f]{{32}}"):
        require_recorded_models(project)


def test_a_truncated_list_of_a_folder_is_damage_too(project: Path) -> None:
    [listing] = (project / ".dvc/cache/files/md5").glob("*/*.dir")
    listing.chmod(0o644)
    os.truncate(listing, 10)
    with pytest.raises(StageError, match=r"\.dir"):
        require_sound_cache(project)


def test_nothing_recorded_is_nothing_to_guard(tmp_path: Path) -> None:
    require_sound_cache(tmp_path)
    require_recorded_models(tmp_path)
