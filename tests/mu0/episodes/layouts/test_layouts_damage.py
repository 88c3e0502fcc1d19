"""Damage by chance: any file cut, flipped, replaced or gone; always an answer in words, never a crash."""

import shutil
from pathlib import Path

import numpy as np
import pytest
import strangers

from mu0.episodes.layouts.convert import convert_all, plan_conversions
from mu0.episodes.layouts.kinds import LAYOUTS, Layout, find_episodes
from mu0.episodes.layouts.table import episode_table
from mu0.episodes.layouts.validate import validate_layout


def _damage(path: Path, rng: np.random.Generator) -> None:
    content = bytearray(path.read_bytes())
    match rng.integers(4):
        case 0:
            path.unlink()
            return
        case 1:
            content = content[: rng.integers(len(content))]
        case 2:
            for _ in range(rng.integers(1, 20)):  # mostly in the header, where it hurts
                content[rng.integers(min(len(content), 200))] = rng.integers(256)
        case _:
            content = bytearray(rng.integers(0, 256, 100).astype(np.uint8).tobytes())
    path.write_bytes(bytes(content))


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["legacy", "traceforge", "flat", "official"])
def test_damage_is_answered_in_words(tmp_path: Path, episode_folder: Path, kind: str) -> None:
    sound = {
        "legacy": lambda: strangers.write_legacy(tmp_path / "sound"),
        "traceforge": lambda: strangers.write_traceforge(tmp_path / "sound"),
        "flat": lambda: strangers.write_traceforge(tmp_path / "sound", channels=2),
        "official": lambda: episode_folder,
    }[kind]()
    rng = np.random.default_rng(0)
    n_faulty = 0
    for trial in range(30):
        work, goal = tmp_path / "work", tmp_path / "goal"
        for folder in (work, goal):
            shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(sound, work / "episode")
        files = sorted(path for path in (work / "episode").rglob("*") if path.is_file())
        _damage(files[rng.integers(len(files))], rng)
        for folder, layout in find_episodes(work):
            n_faulty += bool(validate_layout(folder, layout))
            assert len(episode_table(work)) == 1
            to: Layout = LAYOUTS[trial % 3]
            (result,) = convert_all(plan_conversions(work, goal, to, overwrite=False), work, to)
            assert result.status == "converted" or (result.status == "failed" and result.reason)
    assert n_faulty >= 20
