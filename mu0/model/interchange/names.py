"""What our weights are called in the official release, and back: a bijection over all of them.

The release wraps SmolVLA's modules, keeps the vision tower inside PEFT's adapters and names its own layers
`trace_*`. Every difference is a renaming; no tensor is reshaped, split or merged. A name that no rule knows
has no counterpart, which is an error and never a silent omission.

Patterns
    {n}     a layer number
    {part}  weight or bias
    {leaf}  one name, such as q_proj
    {rest}  everything that follows

Source
    reference/mu0.md §9 (the state dict of the released trace model).
"""

import re
from collections.abc import Iterable

from mu0.errors import CheckpointError

_WILD = {"n": "[0-9]+", "part": "weight|bias", "leaf": "[a-z0-9_]+", "rest": ".+"}
_VLM = "model.vlm_with_expert.vlm"
_EXPERT = "model.vlm_with_expert.lm_expert"
_TOWER = "backbone.smolvlm.vision_model"

_VISION = (
    ("backbone.stem.projection.{part}", "{tower}embeddings.patch_embedding.{part}"),
    ("backbone.position_embedding.weight", "{tower}embeddings.position_embedding.weight"),
    (f"{_TOWER}.encoder.layers.{{n}}.layer_norm1.{{part}}", "{tower}encoder.layers.{n}.layer_norm1.{part}"),
    (f"{_TOWER}.encoder.layers.{{n}}.layer_norm2.{{part}}", "{tower}encoder.layers.{n}.layer_norm2.{part}"),
    (f"{_TOWER}.post_layernorm.{{part}}", "{tower}post_layernorm.{part}"),
)
_PLAIN_LINEAR = (("{leaf}.{part}", "{leaf}.{part}"),)
_ADAPTED_LINEAR = (
    ("{leaf}.base.{part}", "{leaf}.base_layer.{part}"),
    ("{leaf}.down.weight", "{leaf}.lora_A.default.weight"),
    ("{leaf}.up.weight", "{leaf}.lora_B.default.weight"),
)
_REST = (
    ("backbone.depth_stem.projection.{part}", "model.vlm_with_expert._depth_patch_embedding.{part}"),
    ("backbone.smolvlm.connector.{rest}", f"{_VLM}.model.connector.{{rest}}"),
    ("backbone.smolvlm.text_model.{rest}", f"{_VLM}.model.text_model.{{rest}}"),
    ("backbone.language_head.weight", f"{_VLM}.lm_head.weight"),
    *(
        (f"expert.layers.{{n}}.{x}_proj.weight", f"{_EXPERT}.layers.{{n}}.self_attn.{x}_proj.weight")
        for x in "qkvo"
    ),
    ("expert.layers.{n}.mlp.{leaf}.weight", f"{_EXPERT}.layers.{{n}}.mlp.{{leaf}}.weight"),
    *(
        (f"expert.layers.{{n}}.{norm}.weight", f"{_EXPERT}.layers.{{n}}.{norm}.weight")
        for norm in ("input_layernorm", "post_attention_layernorm")
    ),
    ("expert.layers.{n}.modulation.{part}", "model.trace_adaln_modulation.{n}.1.{part}"),
    ("expert.norm.weight", f"{_EXPERT}.norm.weight"),
    ("expert.unused_time_in.{part}", "model.action_time_mlp_in.{part}"),
    ("expert.unused_time_out.{part}", "model.action_time_mlp_out.{part}"),
    ("time_mlp.{n}.{part}", "model.trace_timestep_embedder.mlp.{n}.{part}"),
    ("suffix.group_embedding.weight", "model.trace_time_embedding.weight"),
    ("suffix.segment_embedding.weight", "model.trace_seg_embedding.weight"),
    ("suffix.uv_mlp.{n}.{part}", "model.trace_uv_pos_mlp.{n}.{part}"),
    ("suffix.history_in.{part}", "model.trace_in_proj_history.{part}"),
    ("suffix.future_in.{part}", "model.trace_in_proj_future.{part}"),
    ("suffix.fuse_in.{part}", "model.trace_dino_fuse_in.{part}"),
    ("suffix.fuse_out.{part}", "model.trace_dino_fuse_out.{part}"),
    ("velocity_head.{part}", "model.trace_out_proj_future.{part}"),
    ("done_head.{part}", "model.trace_done_proj_bsp.{part}"),
    ("keypoint_features.dino.embeddings.{rest}", "model.dino.embeddings.{rest}"),
    ("keypoint_features.dino.layernorm.{part}", "model.dino.layernorm.{part}"),
    *(
        (f"keypoint_features.dino.encoder.layer.{{n}}.{ours}", f"model.dino.encoder.layer.{{n}}.{theirs}")
        for ours, theirs in (
            ("attention.q_proj.{part}", "attention.attention.query.{part}"),
            ("attention.k_proj.{part}", "attention.attention.key.{part}"),
            ("attention.v_proj.{part}", "attention.attention.value.{part}"),
            ("attention.o_proj.{part}", "attention.output.dense.{part}"),
            ("norm1.{part}", "norm1.{part}"),
            ("norm2.{part}", "norm2.{part}"),
            ("layer_scale1.lambda1", "layer_scale1.lambda1"),
            ("layer_scale2.lambda1", "layer_scale2.lambda1"),
            ("mlp.{leaf}.{part}", "mlp.{leaf}.{part}"),
        )
    ),
)


class NameMap:
    """Renames weights in both directions.

    Args:
        has_depth: Whether the model has a depth branch; the release then wraps its vision tower in PEFT.
    """

    def __init__(self, *, has_depth: bool) -> None:
        tower = f"{_VLM}.model.vision_model." + ("base_model.model." if has_depth else "")
        layer = "encoder.layers.{n}"
        linear = _ADAPTED_LINEAR if has_depth else _PLAIN_LINEAR
        layers = [
            (f"{_TOWER}.{layer}.{block}.{ours}", f"{{tower}}{layer}.{block}.{theirs}")
            for block in ("self_attn", "mlp")
            for ours, theirs in linear
        ]
        pairs = [(ours, theirs.replace("{tower}", tower)) for ours, theirs in (*_VISION, *layers, *_REST)]
        self._to_official = [(_pattern(ours), theirs) for ours, theirs in pairs]
        self._to_ours = [(_pattern(theirs), ours) for ours, theirs in pairs]

    def official(self, names: Iterable[str]) -> dict[str, str]:
        """Our names -> official ones, in the given order.

        Raises:
            CheckpointError: A name has no counterpart.
        """
        return _rename(names, self._to_official, "official release")

    def ours(self, names: Iterable[str]) -> dict[str, str]:
        """Official names -> ours, in the given order.

        Raises:
            CheckpointError: A name has no counterpart.
        """
        return _rename(names, self._to_ours, "world model")


def _pattern(template: str) -> re.Pattern[str]:
    escaped = re.escape(template).replace(r"\{", "{").replace(r"\}", "}")
    return re.compile(re.sub("{([a-z]+)}", lambda found: f"(?P<{found[1]}>{_WILD[found[1]]})", escaped))


def _rename(
    names: Iterable[str], rules: list[tuple[re.Pattern[str], str]], other_side: str
) -> dict[str, str]:
    renamed: dict[str, str] = {}
    unknown = []
    for name in names:
        found = next(((match, goal) for rule, goal in rules if (match := rule.fullmatch(name))), None)
        if found is None:
            unknown.append(name)
        else:
            renamed[name] = found[1].format(**found[0].groupdict())
    if unknown:
        raise CheckpointError(
            f"Unexpected weights: {listed(unknown)}.",
            expected=f"only weights that the {other_side} has, too",
            remedy="check that this is the trace model (not a policy), saved by a version that mu0 knows.",
        )
    return renamed


def listed(names: Iterable[str]) -> str:
    """All names in few words: those that differ in their layer number only are written once."""
    layers: dict[str, list[int]] = {}
    for name in names:
        numbered = re.sub(r"\.[0-9]+\.", ".{}.", name, count=1)
        number = re.search(r"\.([0-9]+)\.", name)
        layers.setdefault(numbered, []).append(int(number[1]) if number else -1)
    return ", ".join(
        template.replace("{}", _numbers(sorted(numbers)), 1) for template, numbers in layers.items()
    )


def _numbers(numbers: list[int]) -> str:
    """`3`, or `{0-19}`, or `{0,4,5}`."""
    if len(numbers) == 1:
        return str(numbers[0])
    if numbers == list(range(numbers[0], numbers[-1] + 1)):
        return f"{{{numbers[0]}-{numbers[-1]}}}"
    return f"{{{','.join(map(str, numbers))}}}"
