"""DVC never hands out damaged bytes as up to date: `mu0 run` stops and names the object."""

import os
import shutil
from pathlib import Path
from types import ModuleType

import pytest
from toy_models import flip_a_byte, run_dvc

from assets_defs.dvc_state import md5_of
from mu0.errors import StageError
from orchestration.bridge.execution import reproduce
from orchestration.progress.plan import Plan
from orchestration.verify.cache import Cache
from orchestration.verify.guard import require_recorded_models, require_sound_cache
from orchestration.verify.lost import lost_outputs
from orchestration.verify.outputs import recorded_outputs

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
    assert list(tmp_path.iterdir()) == []


@pytest.fixture
def chain(project: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """`mu0 run` in the miniature project, whose params and git are no matter here; DVC does not run."""
    from orchestration.cli import chain

    monkeypatch.chdir(project)
    monkeypatch.setattr(chain, "require_project", lambda: None)
    monkeypatch.setattr(chain, "check_params", lambda: None)
    plan = Plan(("world_model",), {"world_model": 1.0}, {"world_model": 1.0})
    monkeypatch.setattr(chain, "foresee", lambda *_, **__: (plan, {}))
    monkeypatch.setattr(chain, "tell", lambda *_: None)
    monkeypatch.setattr(chain, "run_python", lambda *_, **__: 0)
    return chain


def test_run_stops_before_dvc_can_hand_out_damage(
    chain: ModuleType, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(chain, "run_python", lambda *_, **__: pytest.fail("DVC must not run"))
    flip_a_byte(project / WEIGHTS)
    with pytest.raises(StageError, match="DVC's cache is damaged"):
        chain.bring_up_to_date([], force=False)


def test_run_stops_when_dvc_has_left_another_model(chain: ModuleType, project: Path) -> None:
    require_recorded_models(project)
    flip_a_byte(project / WEIGHTS)
    with pytest.raises(StageError, match=f"^{WEIGHTS} has md5"):
        chain.bring_up_to_date([], force=False)


@pytest.mark.slow
def test_a_stage_in_dagster_stops_too(project: Path) -> None:
    flip_a_byte(project / WEIGHTS)
    said: list[str] = []
    run = reproduce("dvc.yaml:world_model", project, said.append)
    assert run.outcome == "failed"
    assert run.tail.startswith("DVC's cache is damaged")
    assert said[-1] == run.tail


@pytest.mark.parametrize("ending", ["fails", "is interrupted"])
def test_a_stage_that_took_its_model_away_says_how_it_comes_back(
    chain: ModuleType, project: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str], ending: str,
) -> None:  # fmt: skip
    def train(*_: str, **__: str) -> int:
        shutil.rmtree(project / "models/world_model")  # what DVC does first
        if ending == "is interrupted":
            raise KeyboardInterrupt
        return 1

    monkeypatch.setattr(chain, "run_python", train)
    with pytest.raises((StageError, KeyboardInterrupt)) as caught:
        chain.bring_up_to_date([], force=False)
    said = capsys.readouterr().err if ending == "is interrupted" else str(caught.value)
    assert "comes back with `dvc checkout --force models/world_model`." in said


def test_a_half_written_model_counts_as_lost(project: Path) -> None:
    assert lost_outputs(project) == []
    (project / WEIGHTS).unlink()
    assert lost_outputs(project) == ["models/world_model"]
    Cache.of(project).path(next(iter(_members(project)))).unlink()
    assert lost_outputs(project) == [], "nothing to bring back"


def _members(project: Path) -> list[str]:
    [output] = [each for each in recorded_outputs(project) if each.path == "models/world_model"]
    return Cache.of(project).members(output.md5)[1:]
