"""The two model families: which classes they load, and how pictures are written into their prompts.

    smolvlm     a picture is <fake_token_around_image><global-img>, n times <image>, <fake_token_around_image>
    qwen3_vl    the template writes one <|image_pad|> per picture, which is repeated once per merged patch

Pictures of a SmolVLM prompt are not split into tiles, as the model does with the frames of a video: an
event has up to four, and 17 tiles each would be thousands of tokens.

Source
    reference/perception.md §1; prompts equal those of transformers' Idefics3Processor (tests compare them).
"""

import io
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image

from mu0.traceextract.captions.captioners.interfaces import Prompt

Pictures = list[np.ndarray]
FAKE, GLOBAL, SMOL_IMAGE = "<fake_token_around_image>", "<global-img>", "<image>"
QWEN_IMAGE = "<|image_pad|>"


@dataclass(frozen=True)
class LoadedModel:
    """A model ready to answer.

    Attributes:
        model: With weights, on its device.
        tokenizer: With a chat template.
        image_token: What the template writes for a picture.
        look: Pictures -> inputs of the model, and the tokens that stand for each picture.
    """

    model: Any
    tokenizer: Any
    image_token: str
    look: Callable[[Pictures], tuple[dict[str, torch.Tensor], list[str]]]


def messages(prompt: Prompt, image_token: str) -> list[dict[str, object]]:
    """A prompt as chat messages; pictures are marked, their bytes go another way."""

    def text(said: str) -> dict[str, str]:
        return {"type": "text", "text": said.replace(image_token, " ")}

    user = [text(f"{part}\n") if isinstance(part, str) else {"type": "image"} for part in prompt.parts]
    chat: list[dict[str, object]] = [
        {"role": "system", "content": [text(prompt.system)]},
        {"role": "user", "content": user},
    ]
    for answer, told in prompt.corrections:
        chat.append({"role": "assistant", "content": [text(answer)]})
        chat.append({"role": "user", "content": [text(told)]})
    return chat


def encode(loaded: LoadedModel, prompt: Prompt) -> dict[str, torch.Tensor]:
    """Inputs of `generate` for one prompt.

    Raises:
        ValueError: The template did not write one token per picture.
    """
    chat = messages(prompt, loaded.image_token)
    pngs = [part.png for part in prompt.parts if not isinstance(part, str)]
    text = loaded.tokenizer.apply_chat_template(chat, tokenize=False, add_generation_prompt=True)
    inputs: dict[str, torch.Tensor] = {}
    if pngs:
        seen, tokens = loaded.look([np.asarray(Image.open(io.BytesIO(png)).convert("RGB")) for png in pngs])
        inputs |= seen
        pieces = text.split(loaded.image_token)
        if len(pieces) != len(tokens) + 1:
            raise ValueError(f"{len(pieces) - 1} picture tokens in the prompt for {len(tokens)} pictures")
        text = pieces[0] + "".join(token + piece for token, piece in zip(tokens, pieces[1:], strict=True))
    encoded = loaded.tokenizer(text, return_tensors="pt", add_special_tokens=False)
    inputs |= {"input_ids": encoded["input_ids"], "attention_mask": encoded["attention_mask"]}
    if loaded.image_token == QWEN_IMAGE:
        is_picture = inputs["input_ids"] == loaded.model.config.image_token_id
        inputs["mm_token_type_ids"] = is_picture.int()
    device, dtype = loaded.model.device, loaded.model.dtype
    return {
        name: value.to(device, dtype if value.is_floating_point() else None) for name, value in inputs.items()
    }


def load_smolvlm(folder: Path, device: torch.device) -> LoadedModel:
    """SmolVLM and SmolVLM2."""
    from transformers import SmolVLMForConditionalGeneration, SmolVLMImageProcessorPil

    model = _weights(SmolVLMForConditionalGeneration, folder, device)
    processor = SmolVLMImageProcessorPil.from_pretrained(folder, local_files_only=True)
    vision = model.config.vision_config
    n_tokens = (vision.image_size // vision.patch_size) ** 2 // model.config.scale_factor**2

    def look(pictures: Pictures) -> tuple[dict[str, torch.Tensor], list[str]]:
        seen = processor(images=[pictures], do_image_splitting=False, return_tensors="pt")
        token = f"{FAKE}{GLOBAL}{SMOL_IMAGE * n_tokens}{FAKE}"
        wanted = ("pixel_values", "pixel_attention_mask")
        return {name: seen[name] for name in wanted}, [token] * len(pictures)

    return LoadedModel(model, _tokenizer(folder), SMOL_IMAGE, look)


def load_qwen3_vl(folder: Path, device: torch.device) -> LoadedModel:
    """Qwen3-VL."""
    from transformers import Qwen2VLImageProcessorPil, Qwen3VLForConditionalGeneration

    model = _weights(Qwen3VLForConditionalGeneration, folder, device)
    processor = Qwen2VLImageProcessorPil.from_pretrained(folder, local_files_only=True)

    def look(pictures: Pictures) -> tuple[dict[str, torch.Tensor], list[str]]:
        seen = processor(images=pictures, return_tensors="pt")
        merged = processor.merge_size**2
        tokens = [QWEN_IMAGE * (int(grid.prod()) // merged) for grid in seen["image_grid_thw"]]
        return {name: seen[name] for name in ("pixel_values", "image_grid_thw")}, tokens

    return LoadedModel(model, _tokenizer(folder), QWEN_IMAGE, look)


FAMILIES = {"smolvlm": load_smolvlm, "qwen3_vl": load_qwen3_vl}


def _weights(kind: Any, folder: Path, device: torch.device) -> Any:
    dtype = torch.bfloat16 if device.type == "cuda" else torch.float32
    model = kind.from_pretrained(folder, local_files_only=True, use_safetensors=True, dtype=dtype)
    return model.to(device).eval()


def _tokenizer(folder: Path) -> Any:
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
    older = folder / "chat_template.json"  # where processors kept it before transformers 4.50
    if not tokenizer.chat_template and older.is_file():
        tokenizer.chat_template = json.loads(older.read_text())["chat_template"]
    if not tokenizer.chat_template:
        raise ValueError("the tokenizer has no chat template")
    if tokenizer.pad_token_id is None:
        tokenizer.pad_token = tokenizer.eos_token
    return tokenizer
