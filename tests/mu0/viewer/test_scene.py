"""Scenes: what is unprojected lands where a pinhole camera says; nothing from data can break the page."""

import base64
from pathlib import Path

import numpy as np
import pytest
from chromium_page import needs_chromium, open_page

from mu0.viewer.page import table, write_scene_page
from mu0.viewer.scene import Layer, make_scene, unproject_uvz

K = np.array([[100.0, 0, 64], [0, 100.0, 32], [0, 0, 1]])
SIZE_PX = (128, 64)
IMAGE = np.zeros((64, 128, 3), np.uint8)
WAIT_FOR = """(async () => {
for (let trial = 0; trial < 300 && !document.body.innerText.includes(%s); trial++)
  await new Promise((done) => setTimeout(done, 100));
return document.documentElement.outerHTML;
})()"""


def test_the_principal_point_lies_on_the_optical_axis() -> None:
    xyz = unproject_uvz(np.array([[0.0, 0.0, 2.0]]), K, SIZE_PX)
    np.testing.assert_allclose(xyz, [[0, 0, 2]])


def test_unprojecting_inverts_the_pinhole_projection() -> None:
    xyz = np.random.default_rng(0).uniform([-1, -0.5, 0.5], [1, 0.5, 3], (50, 3))
    pixels = xyz @ K.T
    pixels = pixels[:, :2] / pixels[:, 2:]
    uvz = np.concatenate([2 * pixels / SIZE_PX - 1, xyz[:, 2:]], axis=1)
    np.testing.assert_allclose(unproject_uvz(uvz, K, SIZE_PX), xyz, atol=1e-12)


def test_a_scene_carries_its_traces_exactly() -> None:
    traces = np.random.default_rng(1).normal(size=(2, 3, 4, 3))
    layer = make_scene("t", IMAGE, [Layer("μ0", traces)], intrinsics=K)["layers"][0]
    back = np.frombuffer(base64.b64decode(layer["xyz"]), "<f4").reshape(layer["shape"] + [3])
    np.testing.assert_array_equal(back, traces.astype(np.float32))


def test_missing_depth_is_left_out_of_the_cloud() -> None:
    depth_m = np.full((64, 128), 1.5, np.float32)
    depth_m[:, :64] = np.nan
    cloud = make_scene("t", IMAGE, [], depth_m=depth_m, intrinsics=K)["cloud"]
    millimetres = np.frombuffer(base64.b64decode(cloud["depth_mm"]), "<u2").reshape(64, 128)
    assert set(millimetres[:, :64].ravel()) == {0}
    assert set(millimetres[:, 64:].ravel()) == {1500}


def test_texts_from_data_stay_text(tmp_path: Path) -> None:
    evil = "</script><script>alert(1)</script>"
    scene = make_scene(evil, IMAGE, [Layer(evil, np.zeros((1, 1, 2, 3)))], instruction=evil)
    write_scene_page(tmp_path / "page.html", evil, [scene])
    assert "<script>alert" not in (tmp_path / "page.html").read_text()
    assert "&lt;script&gt;" in table(["a"], [[evil]])


def test_a_page_asks_nothing_from_the_network(tmp_path: Path) -> None:
    write_scene_page(tmp_path / "page.html", "t", [make_scene("t", IMAGE, [])])
    page = (tmp_path / "page.html").read_text()
    assert "http://" not in page
    assert "https://" not in page


@pytest.mark.slow
@needs_chromium
def test_the_script_runs_in_a_browser(tmp_path: Path) -> None:
    traces = np.random.default_rng(1).uniform(0.5, 1, size=(3, 5, 7, 3))
    scene = make_scene("t", IMAGE, [Layer("μ0", traces)], depth_m=np.ones((64, 128), np.float32))
    write_scene_page(tmp_path / "page.html", "t", [scene])
    with open_page(tmp_path / "page.html", tmp_path) as browser:
        page = browser.run(WAIT_FOR % '"step 7 / 7"')
    assert "step 7 / 7" in page
    assert page.count("<option") == 4  # three samples and all of them
    assert browser.faults == []
