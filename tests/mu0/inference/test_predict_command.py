"""`mu0 predict` on a picture, a folder, a table and a video; and what it says about unusable input."""

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from click.testing import Result
from typer.testing import CliRunner

from mu0.cli.main import app
from mu0.inference import questions
from mu0.model.grounding import Grounding
from mu0.model.predictor import TracePredictor
from mu0.records import Observation


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, blobs: np.ndarray) -> Path:
    monkeypatch.chdir(tmp_path)
    cv2.imwrite("a.png", blobs[..., ::-1])
    cv2.imwrite("small.png", blobs[:50, :60, ::-1])
    cv2.imwrite("depth.png", np.full((100, 150), 800, np.uint16))
    cv2.imwrite("depth_small.png", np.full((50, 60), 800, np.uint16))
    (tmp_path / "folder").mkdir()
    for number in range(3):
        cv2.imwrite(f"folder/{number}.png", np.roll(blobs, 2 * number, axis=1)[..., ::-1])
    return tmp_path


def ask(checkpoint: Path, *words: str) -> Result:
    options = ["--text", "open the drawer", "--checkpoint", str(checkpoint), "--samples", "2"]
    return CliRunner().invoke(app, ["predict", *words, *options])


def test_a_picture_with_depth_and_past(place: Path, checkpoint: Path) -> None:
    past = np.zeros((2, 3, 3)).tolist()
    (place / "past.json").write_text(json.dumps({"history_uvz": past}))
    words = ("--points", "30,25 95,30", "--depth", "depth.png", "--history", "past.json")
    result = ask(checkpoint, "a.png", *words)
    assert result.exit_code == 0, result.output
    answer = json.loads((place / "outputs/predict/a.json").read_text())
    assert np.array(answer["traces_uvz"]).shape == (2, 2, 32, 3)
    np.testing.assert_allclose(answer["anchor_uvz"], [[-0.6, -0.5, 0.8], [95 / 75 - 1, -0.4, 0.8]], atol=1e-6)
    assert (answer["depth"], answer["past_steps_known"]) == ("given", [3, 3])
    assert (place / "outputs/predict/a_overlay.png").exists()
    assert (place / "outputs/predict/a.html").exists()
    assert "past.json: the past of 2 keypoints is not looked at; this model reads 8 known" in result.output


def test_a_folder_and_a_table_answer_every_picture(place: Path, checkpoint: Path) -> None:
    assert ask(checkpoint, "folder", "--entities", "6", "--n-points", "12", "--out", "one").exit_code == 0
    assert sorted(path.name for path in (place / "one").glob("*.json")) == ["0.json", "1.json", "2.json"]
    rows = [
        "image,text,keypoints,depth",
        'a.png,pick it up,"30,25 40,70",depth.png',
        "small.png,,,",
        "a.png,,,",
    ]
    (place / "asks.csv").write_text("\n".join(rows))
    result = ask(checkpoint, "asks.csv", "--grid", "2", "--out", "two")
    assert result.exit_code == 0, result.output
    answers = {path.stem: json.loads(path.read_text()) for path in (place / "two").glob("*.json")}
    assert {name: len(answer["anchor_uvz"]) for name, answer in answers.items()} == {
        "a": 2, "small": 4, "a_2": 4,
    }  # fmt: skip
    assert (answers["a"]["text"], answers["small"]["text"]) == ("pick it up", "open the drawer")


def test_a_damaged_picture_costs_no_other_one(place: Path, checkpoint: Path) -> None:
    (place / "folder/1.png").write_bytes((place / "folder/1.png").read_bytes()[:40])
    (place / "folder/00.jpg").symlink_to("nowhere.jpg")
    result = ask(checkpoint, "folder", "--grid", "2", "--out", "one")
    assert result.exit_code == 0, result.output
    assert sorted(path.name for path in (place / "one").glob("*.json")) == ["0.json", "2.json"]
    assert "2 of 4 questions are left out:\n  folder/00.jpg cannot be read" in result.output
    assert "  folder/1.png cannot be read as a picture. To do: check the path." in result.output


def test_a_row_of_a_table_that_cannot_be_used_costs_no_other_one(place: Path, checkpoint: Path) -> None:
    (place / "asks.csv").write_text("image,depth\na.png,depth_small.png\nsmall.png,depth_small.png\n")
    result = ask(checkpoint, "asks.csv", "--grid", "2")
    assert result.exit_code == 0, result.output
    assert [path.name for path in (place / "outputs/predict").glob("*.json")] == ["small.json"]
    assert "depth_small.png holds uint16 of shape (50, 60). To do: register" in result.output


def test_nothing_to_ask_is_an_error_with_the_reasons(place: Path, checkpoint: Path) -> None:
    for picture in (place / "folder").iterdir():
        picture.write_bytes(b"no picture")
    result = ask(checkpoint, "folder", "--out", "one")
    assert result.exit_code == 1
    assert "None of 3 questions can be asked.\n    folder/0.png cannot be read" in result.output
    assert not (place / "one").exists()


def test_a_video_is_answered_frame_by_frame(place: Path, checkpoint: Path) -> None:
    result = ask(checkpoint, "folder", "--stream", "--points", "30,14 95,41", "--every", "2")
    assert result.exit_code == 0, result.output
    with np.load(place / "outputs/predict/folder.npz") as stored:
        assert stored["frame"].tolist() == [0, 2]
        assert stored["traces_uvz"].shape == (2, 2, 2, 32, 3)
        assert np.isfinite(stored["traces_uvz"]).all()
    assert len(list((place / "outputs/predict/folder_frames").iterdir())) == 2


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["a.png", "--depth", "depth_small.png"],
         "depth_small.png holds uint16 of shape (50, 60).\n  expected: a 16-bit PNG in millimetres of shape "
         "(100, 150), like a.png"),
        (["a.png", "--points", "1,1", "--entities", "4"], "--points and --entities are given together."),
        (["folder", "--depth", "depth.png"],
         "--depth and --history belong to one picture; folder holds 3 questions."),
        (["empty"], "There is no picture in empty."),
        (["bad.csv"], "bad.csv holds 1 rows with the columns picture."),
        (["sizes.csv", "--points", "5,5"],
         "small.png is 60 x 50 px, a.png 150 x 100 px, and --points gives pixels for both."),
        (["a.png", "--history", "short.json", "--points", "5,5"],
         "short.json holds the past of 2 keypoints; 1 are asked about."),
        (["a.png", "--history", "wrong.json"], "wrong.json holds history_uvz of shape (2, 3)."),
        (["a.png", "--history", "none.npz"], "none.npz cannot be read."),
        (["folder", "--stream", "--depth", "depth.png"],
         "--depth and --history belong to one picture; folder is a video."),
        (["wide.png"], "wide.png is a picture of 9000 x 1 px"),
        (["a.png", "--depth", "wide.png"], "wide.png is a picture of 9000 x 1 px"),
        (["a.png", "--points", "1,1 " * 1025], "There are 1025 keypoints."),
        (["long.csv"], "The field `text of a.png` has 5000 characters."),
        (["a.png", "--history", "huge.json"], "`history_uvz of huge.json` has a number of size 1e+30."),
    ],
)  # fmt: skip
def test_unusable_input_is_explained(place: Path, checkpoint: Path, words: list[str], message: str) -> None:
    (place / "empty").mkdir()
    (place / "bad.csv").write_text("picture\na.png\n")
    (place / "sizes.csv").write_text("image\na.png\nsmall.png\n")
    (place / "short.json").write_text(json.dumps({"history_uvz": np.zeros((2, 3, 3)).tolist()}))
    (place / "wrong.json").write_text(json.dumps({"history_uvz": np.zeros((2, 3)).tolist()}))
    cv2.imwrite("wide.png", np.zeros((1, 9000, 3), np.uint8))
    (place / "long.csv").write_text(f"image,text\na.png,{'x' * 5000}\n")
    (place / "huge.json").write_text(json.dumps({"history_uvz": np.full((2, 3, 3), 1e30).tolist()}))
    result = ask(checkpoint, *words)
    assert result.exit_code == 1
    assert message in result.output


def test_a_picture_needs_a_text(place: Path) -> None:
    result = CliRunner().invoke(app, ["predict", "a.png"])
    assert result.exit_code == 1
    assert "There is no text." in result.output


def test_a_model_that_says_what_moves_says_so_everywhere(place: Path, knowing: Path) -> None:
    result = ask(knowing, "a.png", "--grid", "3")
    assert result.exit_code == 0, result.output
    assert "does not say what moves" not in result.output
    answer = json.loads((place / "outputs/predict/a.json").read_text())
    moves = np.array(answer["moves"])
    assert moves.shape == (9,)
    assert ((moves > 0) & (moves < 1)).all()
    assert '"opacity": [' in (place / "outputs/predict/a.html").read_text().replace(
        'opacity":[', 'opacity": ['
    )
    result = ask(knowing, "folder", "--stream", "--grid", "2", "--out", "stream")
    assert result.exit_code == 0, result.output
    with np.load(place / "stream/folder.npz") as stream:
        assert stream["moves"].shape == stream["anchor_uvz"].shape[:2]


def test_a_model_that_does_not_say_what_moves_warns_of_grids_and_entities(
    place: Path, checkpoint: Path
) -> None:
    for words, warned in (
        (["--grid", "2"], True),
        (["--entities", "4"], True),
        (["--points", "30,25"], False),
    ):
        result = ask(checkpoint, "a.png", *words)
        assert result.exit_code == 0, result.output
        assert ("does not say what moves" in result.output) == warned
    assert json.loads((place / "outputs/predict/a.json").read_text())["moves"] is None


def test_points_go_on_what_the_model_itself_finds(
    place: Path, checkpoint: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    def found(_predictor: TracePredictor, observation: Observation) -> Grounding:
        asked.append(observation.instruction)
        points_px = np.array([[30.0, 25.0], [33.0, 25.0]])
        return Grounding(np.ones((2, 2)), points_px[0], points_px, None, 0.9)

    monkeypatch.setattr(questions, "ground", found)
    result = ask(checkpoint, "a.png", "--on", "red mug")
    assert result.exit_code == 0, result.output
    assert asked == ["red mug"]
    answer = json.loads((place / "outputs/predict/a.json").read_text())
    np.testing.assert_allclose(
        np.array(answer["anchor_uvz"])[:, :2], [[-0.6, -0.5], [-0.56, -0.5]], atol=1e-6
    )
    assert answer["text"] == "open the drawer"


def test_a_model_that_cannot_find_says_so_and_one_way_of_choosing_is_enough(
    place: Path, checkpoint: Path
) -> None:
    assert place.exists()
    result = ask(checkpoint, "a.png", "--on", "red mug")
    assert result.exit_code != 0
    assert "not trained to say which thing" in result.output
    result = ask(checkpoint, "a.png", "--on", "red mug", "--points", "3,4")
    assert "--points and --on are given together" in result.output
