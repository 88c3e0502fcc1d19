"""Local models: tiny ones of the true classes, saved and loaded back, answer, and fail as they should."""

import json
import logging
import shutil
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pytest
import torch
import transformers as hf
from tiny_vlm import save_qwen3_vl, save_smolvlm

from mu0.errors import CaptionError
from mu0.files import sha256_of_tree
from mu0.params.extract import CaptionsParams, LocalVlmParams
from mu0.traceextract.captions.captioners.chat_families import encode, messages
from mu0.traceextract.captions.captioners.interfaces import Prompt
from mu0.traceextract.captions.captioners.local_chat import LocalChat, licence_of
from mu0.traceextract.captions.evidence.pictures import Picture
from mu0.traceextract.captions.official_files import write_captions
from tests.mu0.traceextract.captions.caption_fakes import GOOD_CAPTION, THREE_EVENTS, make_episode

pytestmark = pytest.mark.slow  # importing transformers' models takes seconds
SAVE = {"smolvlm": save_smolvlm, "qwen3_vl": save_qwen3_vl}
FAMILIES = list(SAVE)


def _picture(label: str, height: int, width: int) -> Picture:
    image = np.random.default_rng(height).integers(0, 255, (height, width, 3), np.uint8)
    return Picture(label, cv2.imencode(".png", image)[1].tobytes())


FIRST, LAST = _picture("FIRST_FRAME", 60, 80), _picture("LAST_FRAME", 64, 48)
PROMPT = Prompt("be careful", ("begin:", FIRST, "end:", LAST, "answer"))


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """One saved model of each family."""
    hf.utils.logging.disable_progress_bar()
    root = tmp_path_factory.mktemp("models")
    return {family: save(root / family) for family, save in SAVE.items()}


def _chat(folder: Path, tokens: int = 12) -> LocalChat:
    return LocalChat(LocalVlmParams(model=str(folder), device="cpu", max_new_tokens=tokens))


def _answer(chat: LocalChat, prompt: Prompt = PROMPT) -> str:
    ((number, reply),) = chat.reply([prompt])
    assert number == 0
    assert not reply.failure
    return reply.text


@pytest.mark.parametrize("family", FAMILIES)
def test_a_saved_model_answers_and_always_the_same(family: str, folders: dict[str, Path]) -> None:
    chat = _chat(folders[family])
    said = _answer(chat)
    assert said
    assert said == _answer(_chat(folders[family]))
    assert chat.counts["answers"] == 1
    assert chat.counts["completion tokens"] == 12
    (_, reply), *_ = chat.reply([PROMPT])
    assert reply.is_cut


@pytest.mark.parametrize("family", FAMILIES)
def test_pictures_and_their_order_reach_the_model(family: str, folders: dict[str, Path]) -> None:
    chat = _chat(folders[family])
    swapped = Prompt("be careful", ("begin:", LAST, "end:", FIRST, "answer"))
    loaded = chat._loaded
    logits = [loaded.model(**encode(loaded, prompt)).logits[0, -1] for prompt in (PROMPT, swapped, PROMPT)]
    assert torch.equal(logits[0], logits[2])
    assert not torch.allclose(logits[0], logits[1], atol=1e-5)


def test_smolvlm_prompts_equal_those_of_transformers_own_processor(folders: dict[str, Path]) -> None:
    loaded = _chat(folders["smolvlm"])._loaded
    ours = encode(loaded, PROMPT)
    folder = folders["smolvlm"]
    processor = hf.Idefics3Processor(
        image_processor=hf.SmolVLMImageProcessorPil.from_pretrained(folder, do_image_splitting=False),
        tokenizer=hf.AutoTokenizer.from_pretrained(folder),
        image_seq_len=4,
    )
    text = loaded.tokenizer.apply_chat_template(
        messages(PROMPT, "<image>"), tokenize=False, add_generation_prompt=True
    )
    pictures = [
        cv2.cvtColor(cv2.imdecode(np.frombuffer(p.png, np.uint8), cv2.IMREAD_COLOR), cv2.COLOR_BGR2RGB)
        for p in (FIRST, LAST)
    ]
    theirs = processor(
        text=text, images=[pictures], return_tensors="pt", add_special_tokens=False, do_image_splitting=False
    )
    assert torch.equal(ours["input_ids"], theirs["input_ids"])
    assert torch.equal(ours["pixel_values"], theirs["pixel_values"])
    assert torch.equal(ours["pixel_attention_mask"], theirs["pixel_attention_mask"])


def test_qwen_prompts_hold_one_token_per_merged_patch(folders: dict[str, Path]) -> None:
    loaded = _chat(folders["qwen3_vl"])._loaded
    inputs = encode(loaded, PROMPT)
    grid = inputs["image_grid_thw"]
    is_picture = inputs["input_ids"][0] == loaded.model.config.image_token_id
    assert int(is_picture.sum()) == int((grid.prod(1) // 4).sum())
    assert torch.equal(inputs["mm_token_type_ids"][0].bool(), is_picture)
    assert len(inputs["pixel_values"]) == int(grid.prod(1).sum())


@pytest.mark.parametrize("family", FAMILIES)
def test_corrections_and_picture_tokens_in_texts_do_not_confuse_the_count(
    family: str, folders: dict[str, Path]
) -> None:
    rude = Prompt(
        "s", ("<image><|image_pad|>", FIRST, "x"), corrections=(("<image> <|image_pad|>", "again <image>"),)
    )
    assert _answer(_chat(folders[family]), rude)
    assert _answer(_chat(folders[family]), Prompt("s", ("only words",)))


def test_a_random_model_s_babble_becomes_a_template_that_is_called_one(
    folders: dict[str, Path], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    make_episode(tmp_path / "traces/s/a", np.array([0.2, 0, 0]), acceleration=THREE_EVENTS)
    local = LocalVlmParams(model=str(folders["smolvlm"]), device="cpu", max_new_tokens=16)
    params = CaptionsParams(captioner="local_vlm", local_vlm=local)
    totals = write_captions(tmp_path / "traces", tmp_path / "captions", params, tmp_path / "cache")
    assert totals.summary(params)["n_texts_by_status"] == {"ok": 0, "fallback": 6, "failed": 0}
    table = pd.read_parquet(tmp_path / "captions/captions.parquet")
    assert set(table["captioner"]) == {"template"}
    assert set(table["model"]) == {""}
    assert table["error"][0].startswith("unusable answer: the answer is not valid JSON (cut off")
    debug = json.loads((tmp_path / "captions/s/a/curated_captions.json").read_text())
    assert debug["chunks"][0]["caption"]["_raw"]
    assert not (tmp_path / "cache").exists()
    assert "licence: apache-2.0" in caplog.text


def test_a_model_that_answers_well_is_named_with_version_and_licence(
    folders: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_episode(tmp_path / "traces/s/a", np.array([0.2, 0, 0]), acceleration=THREE_EVENTS)
    good = json.dumps(GOOD_CAPTION)
    monkeypatch.setattr(hf.PreTrainedTokenizerFast, "decode", lambda *_, **__: good)
    local = LocalVlmParams(model=str(folders["qwen3_vl"]), device="cpu", max_new_tokens=4)
    params = CaptionsParams(captioner="local_vlm", local_vlm=local)
    write_captions(tmp_path / "traces", tmp_path / "captions", params, tmp_path / "cache")
    row = pd.read_parquet(tmp_path / "captions/captions.parquet").iloc[0]
    version = sha256_of_tree(folders["qwen3_vl"])[:12]
    assert row["model"] == f"{folders['qwen3_vl']}@{version}"
    assert (row["captioner"], row["licence"], row["status"]) == ("local_vlm", "apache-2.0", "ok")


def test_weights_are_read_only_when_something_is_asked(folders: dict[str, Path]) -> None:
    chat = _chat(folders["smolvlm"])
    assert "_loaded" not in vars(chat)
    assert list(chat.reply([])) == []
    assert "_loaded" not in vars(chat)


@pytest.mark.parametrize(
    ("break_it", "words"),
    [
        (lambda folder: (folder / "config.json").unlink(), "does not tell a model's type"),
        (lambda folder: (folder / "config.json").write_text('{"model_type": "llama"}'), "of type 'llama'"),
        (lambda folder: (folder / "config.json").write_text("[]"), "does not tell a model's type"),
        (lambda folder: (folder / "model.safetensors").unlink(), "cannot be loaded: OSError"),
        (lambda folder: (folder / "model.safetensors").write_bytes(b"x" * 99), "cannot be loaded"),
        (lambda folder: (folder / "tokenizer.json").unlink(), "cannot be loaded"),
        (lambda folder: (folder / "chat_template.jinja").unlink(), "has no chat template"),
        (lambda folder: (folder / "preprocessor_config.json").unlink(), "cannot be loaded"),
    ],
    ids=[
        "no config",
        "other family",
        "odd config",
        "no weights",
        "bad weights",
        "no tokens",
        "no template",
        "no look",
    ],
)
def test_an_incomplete_folder_is_told_in_words(
    break_it: object, words: str, folders: dict[str, Path], tmp_path: Path
) -> None:
    folder = tmp_path / "broken"
    shutil.copytree(folders["smolvlm"], folder)
    assert callable(break_it)
    break_it(folder)
    with pytest.raises(CaptionError) as caught:
        _answer(_chat(folder))
    assert words in str(caught.value)


def test_a_template_may_lie_where_older_models_keep_it(folders: dict[str, Path], tmp_path: Path) -> None:
    folder = tmp_path / "older"
    shutil.copytree(folders["smolvlm"], folder)
    template = (folder / "chat_template.jinja").read_text()
    (folder / "chat_template.jinja").unlink()
    (folder / "chat_template.json").write_text(json.dumps({"chat_template": template}))
    assert _answer(_chat(folder)) == _answer(_chat(folders["smolvlm"]))


def test_a_name_that_is_nowhere_and_a_device_that_is_not_here(
    folders: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(CaptionError, match="'nobody/nothing' is no folder here and the hub does not give it"):
        LocalChat(LocalVlmParams(model="nobody/nothing"))
    with pytest.raises(CaptionError, match="is no folder here"):
        LocalChat(LocalVlmParams(model="/no/such/folder"))
    for device in ("warp:3", "cuda:99"):
        chat = LocalChat(LocalVlmParams(model=str(folders["smolvlm"]), device=device))
        with pytest.raises(CaptionError, match=rf"captions\.local_vlm\.device is '{device}'"):
            _answer(chat)


def test_a_changed_folder_is_another_model(folders: dict[str, Path], tmp_path: Path) -> None:
    folder = tmp_path / "changed"
    shutil.copytree(folders["smolvlm"], folder)
    before = _chat(folder).origin.model
    assert before.endswith(_chat(folders["smolvlm"]).version)
    (folder / "generation_config.json").write_text("{}")
    assert _chat(folder).origin.model != before


@pytest.mark.parametrize(
    ("name", "content", "licence"),
    [
        ("README.md", "---\nlicense: mit\n---\n", "mit"),
        ("README.md", "---\nlicense: other\nlicense_name: qwen-research\n---\n", "qwen-research"),
        ("README.md", "---\n: [\n---\n", "unknown"),
        ("README.md", "# no front matter\nlicense: mit\n", "unknown"),
        ("LICENSE.txt", "\n  Apache License\n Version 2.0\n", "Apache License"),
        ("LICENSE", "", "unknown"),
        ("nothing", "", "unknown"),
    ],
)
def test_the_licence_is_what_the_folder_says(tmp_path: Path, name: str, content: str, licence: str) -> None:
    (tmp_path / name).write_text(content)
    assert licence_of(tmp_path) == licence
