"""The page of an episode: exact traces, honest notes, bounded size, safe texts, no complaint in a browser."""

import base64
import json
import re
import zlib
from pathlib import Path

import cv2
import numpy as np
import pytest
from episode_scene import EVIL, FAR_M, NEAR_M, H, T, W, make_captions, make_episode

from mu0.episodes.read import read_episode
from mu0.errors import EpisodeError
from mu0.viewer.episode.cloud import clean_depth_mm
from mu0.viewer.episode.pack import Limits, pack_episode, spread
from mu0.viewer.episode.page import write_episode_page
from mu0.viewer.episode.texts import Texts, read_texts
from tests.mu0.viewer.chromium_page import needs_chromium, probe, screenshot


def _pack(folder: Path, **limits: int):
    return pack_episode(read_episode(folder), Texts(), anchor=None, limits=Limits(**limits))


def _open(text: str, kind: str) -> np.ndarray:
    return np.frombuffer(zlib.decompress(base64.b64decode(text)), kind)


def test_traces_arrive_bit_by_bit(tmp_path: Path) -> None:
    folder = make_episode(tmp_path / "a")
    samples = read_episode(folder).samples
    assert samples is not None
    for slot, anchor in enumerate(_pack(folder).content["anchors"]):
        rows, steps = anchor["future"]["shape"]
        traces = _open(anchor["future"]["half"], "<f2").reshape(rows, steps, 3)
        valid = samples.valid_steps[samples.rows(slot), :steps]
        stored = samples.traj[samples.rows(slot), :steps]
        np.testing.assert_array_equal(traces[valid], stored[valid])
        assert np.isnan(traces[~valid]).all()


def test_depth_arrives_in_millimetres_without_silhouettes(tmp_path: Path) -> None:
    cloud = _pack(make_episode(tmp_path / "a")).content["anchors"][0]["cloud"]
    steps = _open(cloud["mm"], "<u2").reshape(cloud["height"], cloud["width"])
    depth = np.cumsum(steps, axis=1, dtype=np.uint16)
    assert (cloud["step"], cloud["first"], depth.shape) == (1, 0, (H, W))
    assert set(np.unique(depth)) == {
        0,
        round(1000 * float(np.float16(NEAR_M))),
        round(1000 * float(np.float16(FAR_M))),
    }
    assert 0 < (depth == 0).mean() < 0.1


def test_a_slanted_plane_has_no_silhouettes() -> None:
    u, v = np.meshgrid(np.arange(80), np.arange(60))
    depth = 1 / (1.2 - 0.009 * u - 0.003 * v)
    assert (clean_depth_mm(depth) > 0).all()
    assert (clean_depth_mm(np.where(u < 40, depth, np.nan))[:, 45:] == 0).all()


def test_a_long_episode_stays_below_the_budget_and_says_what_is_missing(tmp_path: Path) -> None:
    folder = make_episode(tmp_path / "long", n_frames=200, size=3)
    write_episode_page(folder, tmp_path / "page.html", limits=Limits(n_bytes=300_000, traces=4))
    page = (tmp_path / "page.html").read_text()
    assert len(page) < 300_000 + 60_000  # the script and style are extra
    assert re.search(r"Shown are \d+ of 99 anchor frames, evenly spread\.", page)
    assert "At most 4 traces per anchor are drawn, evenly chosen; one has 6." in page


@pytest.mark.parametrize(("n", "most", "keep"), [(5, 9, 0), (100, 7, 33), (100, 1, 99), (240, 240, 3)])
def test_thinning_is_even_and_keeps_what_was_asked_for(n: int, most: int, keep: int) -> None:
    chosen = spread(n, most, keep)
    assert keep in chosen
    assert len(chosen) == min(n, most)
    assert (np.diff(chosen) > 0).all()


def test_an_anchor_that_does_not_exist_names_the_nearest(tmp_path: Path) -> None:
    folder = make_episode(tmp_path / "a")
    with pytest.raises(EpisodeError) as caught:
        write_episode_page(folder, tmp_path / "p.html", anchor=5)
    assert str(caught.value) == (
        f"Frame 5 of {folder} is no anchor frame.\n"
        "  expected: one of its 5 anchors between 0 and 8\n"
        "  to do:    use the nearest: 4 or 6."
    )


def test_texts_from_data_stay_text_and_nothing_is_fetched(tmp_path: Path) -> None:
    folder = make_episode(tmp_path / "a", instruction=EVIL)
    write_episode_page(folder, tmp_path / "p.html", make_captions(tmp_path / "captions", EVIL))
    page = (tmp_path / "p.html").read_text()
    assert "<script>alert" not in page
    assert not re.search(r"https?://", page)


def test_equal_episodes_give_equal_pages(tmp_path: Path) -> None:
    folder = make_episode(tmp_path / "a")
    for name in ("1", "2"):
        write_episode_page(folder, tmp_path / f"{name}.html")
    assert (tmp_path / "1.html").read_bytes() == (tmp_path / "2.html").read_bytes()


def test_captions_that_are_none_are_refused_by_name(tmp_path: Path) -> None:
    make_captions(tmp_path)
    (tmp_path / "curated_training_texts.json").write_text(json.dumps({"chunk_texts": [{"start_idx": 0}]}))
    with pytest.raises(EpisodeError, match=r"curated_training_texts\.json is not a caption file: KeyError"):
        read_texts(tmp_path)


MOVES = """
found.colours = { space: colours("space"), picture: colours("picture") };
const first = [shot("space"), shot("picture"), $("where").textContent, $("caption").textContent];
$("slider").value = 4; $("slider").oninput();
found.moved = [await until(() => shot("space") !== first[0])];
found.moved.push(await until(() => shot("picture") !== first[1]));
found.where = [first[2], $("where").textContent];
found.captions = [first[3], $("caption").textContent];
const before = shot("space");
await press("e");
found.entities = await until(() => shot("space") !== before) && $("ofEntity").children.length;
await press("v"); found.through = $("through").checked;
await press("r"); found.reset = !$("through").checked;
document.querySelectorAll(".event.even")[0].click();
found.jumped = $("where").textContent;
await press("End"); found.end = $("where").textContent;
await press("p"); await press("k"); await press("c"); await press("d"); await press("PageUp");
const stopped = $("where").textContent;
$("play").click(); found.playing = await until(() => $("where").textContent !== stopped);
const box = $("space").getBoundingClientRect();
found.fits = document.documentElement.scrollWidth <= innerWidth && box.width > 250 && box.height > 200;
"""


@pytest.mark.slow
@needs_chromium
@pytest.mark.parametrize(("camera_moves", "size"), [(False, (1200, 800)), (True, (480, 900))])
def test_in_a_browser_everything_moves_and_nothing_complains(
    tmp_path: Path, camera_moves: bool, size: tuple[int, int]
) -> None:
    folder = make_episode(tmp_path / "a", camera_moves=camera_moves)
    write_episode_page(folder, tmp_path / "p.html", make_captions(tmp_path / "captions"), anchor=0)
    found = probe(tmp_path / "p.html", MOVES, tmp_path, size)
    assert found.pop("faults") == []
    assert min(found.pop("colours").values()) > 20
    assert found == {
        "moved": [True, True],
        "where": ["frame 0 of 11 · 0.00 s", "frame 8 of 11 · 0.80 s"],
        "captions": ["the square slides", "it stops"],
        "entities": 2,
        "through": True,
        "reset": True,
        "jumped": "frame 0 of 11 · 0.00 s",
        "end": "frame 8 of 11 · 0.80 s",
        "playing": True,
        "fits": True,
    }


@pytest.mark.slow
@needs_chromium
def test_a_2d_episode_shows_the_picture_only_and_says_so(tmp_path: Path) -> None:
    folder = make_episode(tmp_path / "a", is_3d=False)
    write_episode_page(folder, tmp_path / "p.html")
    script = """
    found.space = $("space") !== null; found.colours = colours("picture");
    found.says = document.body.innerText.includes("2-D only: no depth");
    """
    found = probe(tmp_path / "p.html", script, tmp_path)
    assert found["faults"] == []
    assert not found["space"]
    assert found["colours"] > 20
    assert found["says"]


@pytest.mark.slow
@needs_chromium
def test_through_the_camera_the_cloud_is_the_picture(tmp_path: Path) -> None:
    """Lifting, posing and projecting again must give the frame back, whatever the pose."""
    folder = make_episode(tmp_path / "a", camera_moves=True)
    write_episode_page(folder, tmp_path / "p.html", anchor=6)
    script = """
    await press("v");
    const canvas = $("space"), fit = Math.min(canvas.width / 64, canvas.height / 48);
    const place = (pixel, centre, size) => Math.round(size / 2 + (pixel - centre) * fit);
    const data = canvas.getContext("2d");
    const at = (x, y) =>
      [...data.getImageData(place(x, 32, canvas.width), place(y, 24, canvas.height), 1, 1).data];
    found.square = at(32, 28); found.wall = at(8, 28);
    """
    found = probe(tmp_path / "p.html", script, tmp_path)
    red, green, blue, _ = found["square"]
    assert red > 150
    assert max(green, blue) < 90
    assert found["wall"] != found["square"]


@pytest.mark.slow
@needs_chromium
def test_the_screenshot_is_not_blank(tmp_path: Path) -> None:
    folder = make_episode(tmp_path / "a")
    write_episode_page(folder, tmp_path / "p.html", make_captions(tmp_path / "captions"))
    screenshot(tmp_path / "p.html", tmp_path / "p.png")
    picture = cv2.imread(str(tmp_path / "p.png"))
    assert picture.shape == (800, 1200, 3)
    assert picture[90:440].std() > 20  # both panes
    assert picture[560:640].std() > 5  # the timeline
    assert T > 2
