"""Tiny randomly initialised models of the true classes, saved with their processors as their makers do."""

import warnings
from pathlib import Path
from typing import Any

import torch

VOCABULARY = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", ".", "?", "a", "red", "mug", "drawer"]


def grounding_dino(folder: Path) -> str:
    import transformers as t
    from transformers.models.grounding_dino.image_processing_pil_grounding_dino import (
        GroundingDinoImageProcessorPil,
    )

    torch.manual_seed(0)
    config = t.GroundingDinoConfig(
        backbone_config=t.SwinConfig(
            image_size=64, embed_dim=16, depths=[1, 1, 1, 1], num_heads=[2, 2, 2, 2], window_size=2,
            out_indices=[2, 3, 4],
        ),
        text_config=t.BertConfig(
            vocab_size=len(VOCABULARY), hidden_size=32, num_hidden_layers=1, num_attention_heads=2,
            intermediate_size=32,
        ),
        num_queries=12, encoder_layers=1, encoder_ffn_dim=32, encoder_attention_heads=2, decoder_layers=2,
        decoder_ffn_dim=32, decoder_attention_heads=2, d_model=32, max_text_len=32,
    )  # fmt: skip
    images = GroundingDinoImageProcessorPil(size={"shortest_edge": 64, "longest_edge": 96})
    words = t.BertTokenizer(vocab={word: index for index, word in enumerate(VOCABULARY)})
    return _save(folder, t.GroundingDinoForObjectDetection(config), t.GroundingDinoProcessor(images, words))


def sam(folder: Path) -> str:
    import transformers as t
    from transformers.models.sam.image_processing_pil_sam import SamImageProcessorPil

    torch.manual_seed(0)
    config = t.SamConfig(
        vision_config=t.SamVisionConfig(
            hidden_size=32, output_channels=16, num_hidden_layers=2, num_attention_heads=2, image_size=64,
            patch_size=8, global_attn_indexes=[1], mlp_dim=32, window_size=4, num_pos_feats=8,
        ),
        prompt_encoder_config=t.SamPromptEncoderConfig(
            hidden_size=16, image_size=64, patch_size=8, mask_input_channels=4
        ),
        mask_decoder_config=t.SamMaskDecoderConfig(
            hidden_size=16, mlp_dim=32, num_hidden_layers=2, num_attention_heads=2, iou_head_hidden_dim=16
        ),
    )  # fmt: skip
    images = SamImageProcessorPil(
        size={"longest_edge": 64}, pad_size={"height": 64, "width": 64},
        mask_size={"longest_edge": 32}, mask_pad_size={"height": 32, "width": 32},
    )  # fmt: skip
    return _save(folder, t.SamModel(config), t.SamProcessor(images))


def _save(folder: Path, model: Any, processor: Any) -> str:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model.save_pretrained(folder)
        processor.save_pretrained(folder)
    return str(folder)
