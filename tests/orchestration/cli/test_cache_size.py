"""The doctor tells what removing the caches would free, and how."""

import os
from pathlib import Path

import pytest

from orchestration.cli import cache_size, doctor


def test_what_has_another_name_does_not_count(tmp_path: Path) -> None:
    cache = tmp_path / "cache/clips/key"
    cache.mkdir(parents=True)
    (cache / "alone").write_bytes(os.urandom(64 * 1024))
    (cache / "shared").write_bytes(os.urandom(64 * 1024))
    os.link(cache / "shared", tmp_path / "output")
    found = cache_size.bytes_only_in([tmp_path / "cache", tmp_path / "absent"])
    assert found == (cache / "alone").stat().st_blocks * 512


def test_large_caches_are_told_with_the_way_to_free_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert doctor._caches() == []
    Path(".mu0_cache/features").mkdir(parents=True)
    monkeypatch.setattr(cache_size, "bytes_only_in", lambda _: 3 * doctor.GIB)
    (found,) = doctor._caches()
    assert found.what.startswith("3.0 GiB are in caches alone")
    assert "`rm -r .mu0_cache/features`" in found.remedy
