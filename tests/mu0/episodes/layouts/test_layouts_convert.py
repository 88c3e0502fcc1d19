"""Converting: bit for bit where both sides can hold it, an honest account where not, nothing half done."""

import json
from pathlib import Path

import numpy as np
import pytest
import strangers

from mu0.episodes.layouts.convert import Conversion, convert_all, open_view, plan_conversions
from mu0.episodes.layouts.instructions import rephrase
from mu0.episodes.layouts.kinds import Layout, layout_of
from mu0.episodes.layouts.validate import validate_layout
from mu0.episodes.read import read_episode
from mu0.errors import EpisodeError, SourceError
from mu0.files import sha256_of_tree


def _convert(source: Path, goal: Path, to: Layout, *, overwrite: bool = False) -> list[Conversion]:
    return list(convert_all(plan_conversions(source, goal, to, overwrite=overwrite), source, to))


def _files(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and path.name != "mu0_conversion.json"
    }


def test_official_to_legacy_and_back_gives_equal_bytes(tmp_path: Path, episode_folder: Path) -> None:
    (episode_folder / "curated_training_texts.json").write_text("{}")
    (there,) = _convert(episode_folder, tmp_path / "legacy", "legacy")
    assert (there.status, there.account.lost, there.account.absent) == ("converted", (), ())
    assert layout_of(tmp_path / "legacy/clip_000") == "legacy"
    assert validate_layout(tmp_path / "legacy/clip_000", "legacy") == []
    (back,) = _convert(tmp_path / "legacy", tmp_path / "back", "official")
    assert (back.account.lost, back.account.absent) == ((), ())
    assert _files(tmp_path / "back/clip_000") == _files(episode_folder)


def test_the_official_reader_reads_a_converted_legacy_episode(tmp_path: Path) -> None:
    folder = strangers.write_legacy(tmp_path / "src" / "old", one_mask=True)
    (result,) = _convert(tmp_path / "src", tmp_path / "dst", "official")
    assert result.account.absent == ("acceleration",)
    assert result.account.lost == ("digits of depth beyond float16 (2 mm at 3 m)",)
    goal = tmp_path / "dst" / "old"
    assert validate_layout(goal, "official") == []
    np.testing.assert_array_equal(np.load(goal / "images.npy", mmap_mode="r"), strangers.IMAGES)
    np.testing.assert_allclose(np.load(goal / "depth.npy").astype(float), strangers.DEPTH, rtol=1e-3)
    rows = strangers.read_official(goal, 2)
    with np.load(folder / "samples/old_2.npz") as written:
        for name in ("keypoints", "cluster_ids", "visibs", "traj", "raw_traj_history"):
            np.testing.assert_array_equal(rows[name], written[name])
    assert strangers.usable_points(rows, "raw_traj", "raw_valid_steps").shape == (6, 3)
    with pytest.raises(KeyError):
        strangers.read_official(goal, 1)


def test_the_official_reader_does_not_notice_our_additions(episode_folder: Path) -> None:
    with_us = strangers.read_official(episode_folder, 0)
    (episode_folder / "mu0.json").unlink()
    without = strangers.read_official(episode_folder, 0)
    assert with_us.keys() == without.keys()
    for name, array in with_us.items():
        np.testing.assert_array_equal(array, without[name])
    assert strangers.usable_points(with_us, "traj", "valid_steps").shape == (8, 3)


def test_traceforge_to_official_and_back_keeps_what_tracegen_reads(tmp_path: Path) -> None:
    strangers.write_traceforge(tmp_path / "src" / "forge")
    (there,) = _convert(tmp_path / "src", tmp_path / "official", "official")
    goal = tmp_path / "official" / "forge"
    assert there.account.lost == ("digits of positions beyond float16 (0.25 px above 256)",)
    assert "the past of every trace" in there.account.absent
    assert validate_layout(goal, "official") == []
    episode = read_episode(goal)
    assert episode.sidecar.mode == "traceforge"
    assert episode.description.splitlines() == list(strangers.THREE.values())
    assert strangers.read_official(goal, 1)["traj"].shape == (400, 12, 3)
    (back,) = _convert(tmp_path / "official", tmp_path / "again", "traceforge")
    assert back.status == "converted"
    again = tmp_path / "again" / "forge"
    assert validate_layout(again, "traceforge") == []
    before, after = (strangers.read_tracegen(folder) for folder in (tmp_path / "src/forge", again))
    assert len(before) == len(after) == 5
    for one, other in zip(before, after, strict=True):
        np.testing.assert_array_equal(one["mask"], other["mask"])
        np.testing.assert_array_equal(one["valid_steps"], other["valid_steps"])
        np.testing.assert_allclose(one["traj"], other["traj"], atol=0.02)
    assert json.loads((again / "three_instructions.json").read_text()) == strangers.THREE


def test_two_dimensional_episodes_keep_two_channels(tmp_path: Path) -> None:
    strangers.write_traceforge(tmp_path / "src" / "flat", channels=2)
    _convert(tmp_path / "src", tmp_path / "official", "official")
    goal = tmp_path / "official" / "flat"
    assert validate_layout(goal, "official") == []
    assert not (goal / "depth.npy").exists()
    (result,) = _convert(tmp_path / "official", tmp_path / "again", "traceforge")
    with np.load(tmp_path / "again/flat/samples/flat_1.npz") as sample:
        assert (sample["traj"].shape, sample["traj_2d"].shape) == ((400, 12, 2), (400, 4, 2))
    assert (~strangers.read_tracegen(tmp_path / "again/flat")[0]["mask"][..., 2]).all()
    assert "the past of every trace" not in result.account.lost  # it never was there


def test_what_traceforge_cannot_hold_is_reported(tmp_path: Path, episode_folder: Path) -> None:
    (result,) = _convert(episode_folder, tmp_path / "forge", "traceforge")
    assert result.account.lost == (
        "the past of every trace",
        "visibility",
        "entity numbers",
        "depth of positions at clock time (traj_2d keeps their pixels)",
        "the 20 x 20 grid that TraceGen expects: 2 frames have other points",
    )
    goal = tmp_path / "forge" / "clip_000"
    record = json.loads((goal / "mu0_conversion.json").read_text())
    assert (record["from"], record["to"], tuple(record["lost"])) == (
        "official",
        "traceforge",
        result.account.lost,
    )
    assert validate_layout(goal, "traceforge") == []
    assert json.loads((goal / "three_instructions.json").read_text()) == {
        "instruction_1": "put the red cube into the bowl",
        "instruction_2": "1. Put the red cube into the bowl.",
        "instruction_3": "Please put the red cube into the bowl.",
    }


def test_the_clock_survives_every_layout(tmp_path: Path, episode_folder: Path) -> None:
    before = read_episode(episode_folder).sidecar
    _convert(episode_folder, tmp_path / "forge", "traceforge")
    _convert(tmp_path / "forge", tmp_path / "again", "official")
    after = read_episode(tmp_path / "again" / "clip_000").sidecar
    assert (after.source_frames, after.fps_hz, after.episode_id) == (
        before.source_frames, before.fps_hz, before.episode_id,
    )  # fmt: skip
    assert after.retiming is not None
    assert before.retiming is not None
    np.testing.assert_array_equal(after.retiming.track_ids, before.retiming.track_ids)
    np.testing.assert_array_equal(after.retiming.future_frame, before.retiming.future_frame)
    assert validate_layout(tmp_path / "again" / "clip_000", "official") == []


def test_masks_that_differ_between_rows_are_kept_as_padding(tmp_path: Path) -> None:
    strangers.write_legacy(tmp_path / "src" / "old")
    (result,) = _convert(tmp_path / "src", tmp_path / "forge", "traceforge")
    assert "masks per row, in 2 frames (one mask for all; rows keep their -inf)" in result.account.lost
    back = open_view(tmp_path / "forge" / "old", "traceforge").rows(0)
    np.testing.assert_array_equal(back.valid_steps.sum(1), [6, 3])


def test_the_same_conversion_is_done_once(tmp_path: Path) -> None:
    strangers.write_legacy(tmp_path / "src" / "a")
    strangers.write_legacy(tmp_path / "src" / "b")
    assert [r.status for r in _convert(tmp_path / "src", tmp_path / "dst", "official")] == ["converted"] * 2
    before = sha256_of_tree(tmp_path / "dst")
    assert [r.status for r in _convert(tmp_path / "src", tmp_path / "dst", "official")] == ["up to date"] * 2
    assert sha256_of_tree(tmp_path / "dst") == before
    with pytest.raises(EpisodeError, match=r"dst/a exists already, and 1 more"):
        _convert(tmp_path / "src", tmp_path / "dst", "traceforge")
    (tmp_path / "src/b/description.txt").write_text("new words\n")
    with pytest.raises(EpisodeError, match=r"dst/b exists already\."):
        _convert(tmp_path / "src", tmp_path / "dst", "official")
    results = _convert(tmp_path / "src", tmp_path / "dst", "official", overwrite=True)
    assert [r.status for r in results] == ["up to date", "converted"]
    assert (tmp_path / "dst/b/description.txt").read_text() == "new words\n"


def test_a_broken_episode_does_not_stop_the_others_and_leaves_nothing(tmp_path: Path) -> None:
    for name in ("a", "b", "c"):
        strangers.write_legacy(tmp_path / "src" / name)
    path = tmp_path / "src/b/samples/b_2.npz"
    path.write_bytes(path.read_bytes()[:-30])
    results = _convert(tmp_path / "src", tmp_path / "dst", "official")
    assert [r.status for r in results] == ["converted", "failed", "converted"]
    assert "b_2.npz is damaged" in results[1].reason
    assert sorted(path.name for path in (tmp_path / "dst").iterdir()) == ["a", "c"]


def test_nothing_is_read_or_written_outside(tmp_path: Path, episode_folder: Path) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text("secret")
    old = strangers.write_legacy(tmp_path / "src" / "old")
    (old / "description.txt").symlink_to(secret)
    (result,) = _convert(tmp_path / "src", tmp_path / "dst", "traceforge")
    assert result.status == "failed"
    assert "points outside" in result.reason
    assert not (tmp_path / "dst" / "old").exists()

    (old / "description.txt").unlink()
    (tmp_path / "outside").mkdir()
    (tmp_path / "dst").mkdir(exist_ok=True)
    (tmp_path / "dst" / "old").symlink_to(tmp_path / "outside")
    with pytest.raises(SourceError, match="points outside"):
        _convert(tmp_path / "src", tmp_path / "dst", "official")
    assert list((tmp_path / "outside").iterdir()) == []

    text = (episode_folder / "mu0.json").read_text()
    climbing = text.replace('"clip_id": "clip_000"', '"clip_id": "../../../evil"')
    (episode_folder / "mu0.json").write_text(climbing)
    (result,) = _convert(episode_folder, tmp_path / "safe", "traceforge")
    assert result.status == "converted"
    assert [path.name for path in (tmp_path / "safe").iterdir()] == ["clip_000"]
    assert not list(tmp_path.parent.glob("evil*"))


def test_the_goal_may_not_lie_in_the_source(tmp_path: Path) -> None:
    strangers.write_legacy(tmp_path / "src" / "old")
    for goal in ("src", "src/new"):
        with pytest.raises(EpisodeError, match="lies within"):
            plan_conversions(tmp_path / "src", tmp_path / goal, "official", overwrite=True)
    with pytest.raises(EpisodeError, match="would be converted onto itself"):
        plan_conversions(tmp_path / "src/old", tmp_path / "src", "official", overwrite=True)
    with pytest.raises(EpisodeError, match="There is no episode in"):
        plan_conversions(tmp_path / "src/old/images", tmp_path / "dst", "official", overwrite=False)


def test_the_caption_of_the_whole_episode_gives_the_instructions(
    tmp_path: Path, episode_folder: Path
) -> None:
    texts = [
        {"start_idx": 0, "end_idx": end, **{f"instruction_{n}": f"{kind} {n}" for n in (1, 2, 3)}}
        for kind, end in (("part", 2), ("whole", 5))
    ]
    (episode_folder / "curated_training_texts.json").write_text(json.dumps({"merged_texts": texts}))
    _convert(episode_folder, tmp_path / "forge", "traceforge")
    three = json.loads((tmp_path / "forge/clip_000/three_instructions.json").read_text())
    assert list(three.values()) == ["put the red cube into the bowl", "whole 2", "whole 3"]


@pytest.mark.parametrize(
    ("instruction", "steps", "request_text"),
    [
        ("Open the drawer.", "1. Open the drawer.", "Please open the drawer."),
        ("pick up the mug and put it on the shelf, then go home",
         "1. Pick up the mug. 2. Put it on the shelf. 3. Go home.",
         "Please pick up the mug and put it on the shelf, then go home."),
        ("stand the sandal up", "1. Stand the sandal up.", "Please stand the sandal up."),
    ],
)  # fmt: skip
def test_an_instruction_is_rephrased_without_new_claims(
    instruction: str, steps: str, request_text: str
) -> None:
    assert rephrase(instruction) == (steps, request_text)


def test_a_clock_that_does_not_fit_the_rows_is_named(tmp_path: Path, episode_folder: Path) -> None:
    _convert(episode_folder, tmp_path / "old", "legacy")
    goal = tmp_path / "old" / "clip_000"
    (goal / "samples/clip_000_2.npz").unlink()
    assert [str(fault) for fault in validate_layout(goal, "legacy")] == [
        "mu0.json [retiming]: found 3 rows, expected 2 rows"
    ]
