"""Tiny randomly initialised models of the true classes, with tokenizers of single bytes, saved as folders."""

from pathlib import Path

import torch
import transformers as hf
from tokenizers import Tokenizer, decoders, models, pre_tokenizers

# the layouts of the released chat templates, in our own words
SMOL_TEMPLATE = (
    "<|im_start|>{% for m in messages %}{{ m['role'] | capitalize }}:{% for part in m['content'] %}"
    "{% if part['type'] == 'image' %}<image>{% else %} {{ part['text'] }}{% endif %}{% endfor %}"
    "<end_of_utterance>\n{% endfor %}{% if add_generation_prompt %}Assistant:{% endif %}"
)
QWEN_TEMPLATE = (
    "{% for m in messages %}<|im_start|>{{ m['role'] }}\n{% for part in m['content'] %}"
    "{% if part['type'] == 'image' %}<|vision_start|><|image_pad|><|vision_end|>"
    "{% else %}{{ part['text'] }}{% endif %}{% endfor %}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
SMOL_TOKENS = [
    "<pad>", "<end_of_utterance>", "<image>", "<fake_token_around_image>", "<global-img>", "<|im_start|>",
]  # fmt: skip
QWEN_TOKENS = [
    "<|endoftext|>", "<|im_end|>", "<|im_start|>", "<|vision_start|>", "<|vision_end|>", "<|image_pad|>",
    "<|video_pad|>",
]  # fmt: skip
CARD = "---\nlicense: apache-2.0\nlanguage: en\n---\n# A tiny model\n"


def byte_tokenizer(special: list[str], template: str | None) -> hf.PreTrainedTokenizerFast:
    vocabulary = {c: i for i, c in enumerate([*special, *sorted(pre_tokenizers.ByteLevel.alphabet())])}
    inner = Tokenizer(models.BPE(vocab=vocabulary, merges=[]))
    inner.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    inner.decoder = decoders.ByteLevel()
    tokenizer = hf.PreTrainedTokenizerFast(
        tokenizer_object=inner, additional_special_tokens=special, pad_token=special[0], eos_token=special[1]
    )
    tokenizer.chat_template = template
    return tokenizer


def save_smolvlm(folder: Path, template: str | None = SMOL_TEMPLATE) -> Path:
    """A SmolVLM of 30,000 parameters."""
    torch.manual_seed(0)
    tokenizer = byte_tokenizer(SMOL_TOKENS, template)
    text = {
        "model_type": "llama", "hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 1,
        "num_attention_heads": 2, "num_key_value_heads": 1, "vocab_size": len(tokenizer), "pad_token_id": 0,
        "bos_token_id": 5, "eos_token_id": 1, "max_position_embeddings": 8192,
    }  # fmt: skip
    vision = {
        "hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2,
        "image_size": 64, "patch_size": 16,
    }  # fmt: skip
    config = hf.SmolVLMConfig(vision_config=vision, text_config=text, scale_factor=2, image_token_id=2)
    hf.SmolVLMForConditionalGeneration(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    sizes = {"size": {"longest_edge": 128}, "max_image_size": {"longest_edge": 64}}
    hf.SmolVLMImageProcessorPil(do_image_splitting=True, **sizes).save_pretrained(folder)
    (folder / "README.md").write_text(CARD)
    return folder


def save_qwen3_vl(folder: Path, template: str | None = QWEN_TEMPLATE) -> Path:
    """A Qwen3-VL of 30,000 parameters whose generation config asks for sampling, as the released ones do."""
    torch.manual_seed(0)
    tokenizer = byte_tokenizer(QWEN_TOKENS, template)
    vision = {
        "depth": 2, "hidden_size": 16, "intermediate_size": 32, "num_heads": 2, "patch_size": 16,
        "spatial_merge_size": 2, "temporal_patch_size": 2, "out_hidden_size": 16,
        "num_position_embeddings": 16, "deepstack_visual_indexes": [0],
    }  # fmt: skip
    rope = {
        "rope_type": "default", "rope_theta": 10000, "mrope_section": [2, 1, 1], "mrope_interleaved": True,
    }  # fmt: skip
    text = {
        "hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2,
        "num_key_value_heads": 1, "head_dim": 8, "vocab_size": len(tokenizer), "rope_parameters": rope,
    }  # fmt: skip
    config = hf.Qwen3VLConfig(
        vision_config=vision, text_config=text, image_token_id=5, video_token_id=6,
        vision_start_token_id=3, vision_end_token_id=4,
    )  # fmt: skip
    model = hf.Qwen3VLForConditionalGeneration(config)
    model.generation_config.do_sample, model.generation_config.temperature = True, 0.7
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    size = {"shortest_edge": 32 * 32, "longest_edge": 64 * 64}
    hf.Qwen2VLImageProcessorPil(
        patch_size=16, merge_size=2, temporal_patch_size=2, size=size
    ).save_pretrained(folder)
    (folder / "README.md").write_text(CARD)
    return folder
