"""μ0 written down a second time, from the formulas of reference/mu0.md and nothing else.

Slow and plain on purpose: float64, one image, loops over heads, patches and layers, hidden things left out
instead of masked. It reads weights under their official names and imports nothing of mu0.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

VLM = "model.vlm_with_expert.vlm.model"
TOWER = f"{VLM}.vision_model.base_model.model"
EXPERT = "model.vlm_with_expert.lm_expert"


@dataclass(frozen=True)
class Scene:
    """The prefix of one image: hidden states, and per text layer rotated keys and values (p, heads, e)."""

    hidden: Tensor
    keys: list[Tensor]
    values: list[Tensor]


@dataclass(frozen=True)
class Heads:
    """What weights do not tell."""

    vision: int = 4
    text: int = 4
    dino: int = 2
    head_width: int = 8
    patch: int = 14
    table: int = 3
    fold: int = 2
    lora_scale: float = 2.0
    frequencies: int = 3


class Reference:
    """The official forward pass."""

    def __init__(self, weights: Mapping[str, Tensor], heads: Heads) -> None:
        self.w = {name: value.double() for name, value in weights.items()}
        self.heads = heads
        self.n_layers = 4

    # ------------------------------------------------------------------ building blocks

    def linear(self, name: str, x: Tensor) -> Tensor:
        y = x @ self.w[f"{name}.weight"].T
        return y + self.w[f"{name}.bias"] if f"{name}.bias" in self.w else y

    def adapted(self, name: str, x: Tensor, *, depth: bool) -> Tensor:
        y = self.linear(f"{name}.base_layer", x)
        if depth:
            down, up = (self.w[f"{name}.lora_{letter}.default.weight"] for letter in "AB")
            y = y + self.heads.lora_scale * (x @ down.T @ up.T)
        return y

    def layer_norm(self, name: str, x: Tensor, eps: float = 1e-6) -> Tensor:
        centred = x - x.mean(-1, keepdim=True)
        scaled = centred / (centred.square().mean(-1, keepdim=True) + eps).sqrt()
        return scaled * self.w[f"{name}.weight"] + self.w[f"{name}.bias"]

    def rms_norm(self, name: str, x: Tensor) -> Tensor:
        return x / (x.square().mean(-1, keepdim=True) + 1e-5).sqrt() * self.w[f"{name}.weight"]

    def swiglu(self, name: str, x: Tensor) -> Tensor:
        gate = self.linear(f"{name}.gate_proj", x)
        return self.linear(f"{name}.down_proj", gate * gate.sigmoid() * self.linear(f"{name}.up_proj", x))

    def split(self, x: Tensor) -> Tensor:
        return x.reshape(len(x), -1, self.heads.head_width)

    # ------------------------------------------------------------------ SigLIP and connector

    def image_tokens(self, image: Tensor, *, depth: bool = False) -> Tensor:
        """(3, s, s) in [0, 1] -> (n, text width)."""
        h = self.heads
        stem = (
            "model.vlm_with_expert._depth_patch_embedding" if depth else f"{TOWER}.embeddings.patch_embedding"
        )
        kernel = self.w[f"{stem}.weight"].flatten(1)
        table = self.w[f"{TOWER}.embeddings.position_embedding.weight"]
        pixels = image.double() * 2 - 1
        side = image.shape[-1] // h.patch
        rows = []
        for r in range(side):
            for c in range(side):
                patch = pixels[:, r * h.patch : (r + 1) * h.patch, c * h.patch : (c + 1) * h.patch].flatten()
                bucket = math.floor(r / side * h.table + 1e-9) * h.table + math.floor(
                    c / side * h.table + 1e-9
                )
                rows.append(kernel @ patch + self.w[f"{stem}.bias"] + table[bucket])
        x = torch.stack(rows)
        for i in range(2):
            name = f"{TOWER}.encoder.layers.{i}"
            normed = self.layer_norm(f"{name}.layer_norm1", x)
            q, k, v = (self.adapted(f"{name}.self_attn.{p}_proj", normed, depth=depth) for p in "qkv")
            mixed = full_attention(q, k, v, h.vision)
            x = x + self.adapted(f"{name}.self_attn.out_proj", mixed, depth=depth)
            inner = self.adapted(f"{name}.mlp.fc1", self.layer_norm(f"{name}.layer_norm2", x), depth=depth)
            x = x + self.adapted(f"{name}.mlp.fc2", gelu_tanh(inner), depth=depth)
        grid = self.layer_norm(f"{TOWER}.post_layernorm", x).reshape(side, side, -1)
        tokens = []
        for r in range(0, side, h.fold):
            for c in range(0, side, h.fold):
                block = [grid[r + i, c + j] for i in range(h.fold) for j in range(h.fold)]
                tokens.append(torch.cat(block))
        return self.linear(f"{VLM}.connector.modality_projection.proj", torch.stack(tokens))

    # ------------------------------------------------------------------ text layers

    def scene(self, image: Tensor, token_ids: Tensor, depth_panel: Tensor | None = None) -> Scene:
        """RGB block, depth block if any, text; everyone sees everyone; positions 0, 1, 2, ..."""
        blocks = [self.image_tokens(image)]
        if depth_panel is not None:
            blocks.append(self.image_tokens(depth_panel, depth=True))
        blocks.append(self.w[f"{VLM}.text_model.embed_tokens.weight"][token_ids])
        x = torch.cat(blocks)
        x = x * math.sqrt(x.shape[1])
        keys, values = [], []
        for i in range(self.n_layers):
            name = f"{VLM}.text_model.layers.{i}"
            normed = self.rms_norm(f"{name}.input_layernorm", x)
            q, k, v = (self.split(self.linear(f"{name}.self_attn.{p}_proj", normed)) for p in "qkv")
            q, k = (rope(part, list(range(len(x)))) for part in (q, k))
            keys.append(k)
            values.append(v)
            everything = torch.ones(len(x), len(x), dtype=torch.bool)
            x = x + self.linear(f"{name}.self_attn.o_proj", grouped_attention(q, k, v, everything))
            x = x + self.swiglu(f"{name}.mlp", self.rms_norm(f"{name}.post_attention_layernorm", x))
        return Scene(x, keys, values)

    # ------------------------------------------------------------------ DINOv2 at the keypoints

    def dino_features(self, image: Tensor, uv: Tensor, size_px: int = 42) -> Tensor:
        mean = torch.tensor([0.485, 0.456, 0.406], dtype=torch.float64)[:, None, None]
        std = torch.tensor([0.229, 0.224, 0.225], dtype=torch.float64)[:, None, None]
        pixels = resize((image.double() - mean) / std, size_px)
        side, name = size_px // 14, "model.dino.embeddings"
        kernel = self.w[f"{name}.patch_embeddings.projection.weight"].flatten(1)
        rows = [self.w[f"{name}.cls_token"][0, 0]]
        for r in range(side):
            for c in range(side):
                patch = pixels[:, r * 14 : r * 14 + 14, c * 14 : c * 14 + 14].flatten()
                rows.append(kernel @ patch + self.w[f"{name}.patch_embeddings.projection.bias"])
        x = torch.stack(rows) + self.w[f"{name}.position_embeddings"][0]
        for i in range(2):
            layer = f"model.dino.encoder.layer.{i}"
            normed = self.layer_norm(f"{layer}.norm1", x)
            parts = ("query", "key", "value")
            q, k, v = (self.linear(f"{layer}.attention.attention.{p}", normed) for p in parts)
            mixed = self.linear(f"{layer}.attention.output.dense", full_attention(q, k, v, self.heads.dino))
            x = x + self.w[f"{layer}.layer_scale1.lambda1"] * mixed
            inner = self.linear(f"{layer}.mlp.fc1", self.layer_norm(f"{layer}.norm2", x))
            inner = inner * 0.5 * (1 + torch.erf(inner / math.sqrt(2)))
            x = x + self.w[f"{layer}.layer_scale2.lambda1"] * self.linear(f"{layer}.mlp.fc2", inner)
        patches = self.layer_norm("model.dino.layernorm", x)[1:].reshape(side, side, -1)
        return torch.stack([sample_at(patches, float(u), float(v)) for u, v in uv])

    # ------------------------------------------------------------------ suffix and expert

    def suffix(self, uv: Tensor, history: Tensor, noisy: Tensor, features: Tensor) -> Tensor:
        """Two tokens per keypoint: [history, future], keypoint after keypoint."""
        tokens = []
        for i in range(len(uv)):
            groups = (
                self.linear("model.trace_in_proj_history", history[i].double().flatten()),
                self.linear("model.trace_in_proj_future", noisy[i].double().flatten()),
            )
            place = self.linear("model.trace_uv_pos_mlp.0", fourier(uv[i], self.heads.frequencies))
            place = self.linear("model.trace_uv_pos_mlp.2", place * place.sigmoid())
            for group, token in enumerate(groups):
                full = token + self.w["model.trace_time_embedding.weight"][group]
                full = full + self.w["model.trace_seg_embedding.weight"][group] + place
                fused = self.linear("model.trace_dino_fuse_in", torch.cat([full, features[i]]))
                tokens.append(self.linear("model.trace_dino_fuse_out", fused * fused.sigmoid()))
        return torch.stack(tokens)

    def expert(self, tokens: Tensor, scene: Scene, tau: float, shows_history: list[bool]) -> Tensor:
        """Hidden states before the final norm."""
        condition = self.linear("model.trace_timestep_embedder.mlp.0", sinusoid(tau, 16))
        condition = self.linear("model.trace_timestep_embedder.mlp.2", condition * condition.sigmoid())
        n_prefix, n_suffix = len(scene.hidden), len(tokens)
        sees = suffix_pattern(shows_history)
        sees_all = torch.cat([torch.ones(n_suffix, n_prefix, dtype=torch.bool), sees], dim=1)
        x = tokens
        for i in range(self.n_layers):
            name = f"{EXPERT}.layers.{i}"
            chunks = self.linear(f"model.trace_adaln_modulation.{i}.1", condition * condition.sigmoid())
            shift_a, scale_a, gate_a, shift_m, scale_m, gate_m = chunks.reshape(6, -1)
            normed = (1 + scale_a) * self.rms_norm(f"{name}.input_layernorm", x) + shift_a
            q = self.split(self.linear(f"{name}.self_attn.q_proj", normed))
            if i % 2 == 0:
                k, v = (self.split(self.linear(f"{name}.self_attn.{p}_proj", normed)) for p in "kv")
                q, k = (rope(part, [n_prefix] * n_suffix) for part in (q, k))
                k, v = torch.cat([scene.keys[i], k]), torch.cat([scene.values[i], v])
                mixed = grouped_attention(q, k, v, sees_all)
            else:
                k = self.split(self.linear(f"{name}.self_attn.k_proj", scene.keys[i].flatten(1)))
                v = self.split(self.linear(f"{name}.self_attn.v_proj", scene.values[i].flatten(1)))
                mixed = grouped_attention(q, k, v, torch.ones(n_suffix, n_prefix, dtype=torch.bool))
            x = x + gate_a * self.linear(f"{name}.self_attn.o_proj", mixed)
            normed = (1 + scale_m) * self.rms_norm(f"{name}.post_attention_layernorm", x) + shift_m
            x = x + gate_m * self.swiglu(f"{name}.mlp", normed)
        return x

    def heads_of(self, hidden: Tensor) -> tuple[Tensor, Tensor]:
        """Velocity (q, 10, 3) and done logits (q, 32) of the future tokens."""
        future = self.rms_norm(f"{EXPERT}.norm", hidden)[1::2]
        velocity = self.linear("model.trace_out_proj_future", future).reshape(len(future), 10, 3)
        return velocity, self.linear("model.trace_done_proj_bsp", future)

    def sample(
        self, scene: Scene, uv: Tensor, history: Tensor, shows_history: list[bool], noise: Tensor,
        features: Tensor,
    ) -> tuple[Tensor, Tensor]:  # fmt: skip
        """Four Euler steps at τ = 1, .75, .5, .25; done logits of the last one."""
        x = noise.double()
        for tau in (1.0, 0.75, 0.5, 0.25):
            hidden = self.expert(self.suffix(uv, history, x, features), scene, tau, shows_history)
            velocity, done = self.heads_of(hidden)
            x = x - velocity / 4
        return x, done


def full_attention(q: Tensor, k: Tensor, v: Tensor, n_heads: int) -> Tensor:
    out = []
    for q_h, k_h, v_h in zip(*(part.chunk(n_heads, dim=1) for part in (q, k, v)), strict=True):
        out.append((q_h @ k_h.T / math.sqrt(q_h.shape[1])).softmax(-1) @ v_h)
    return torch.cat(out, dim=1)


def grouped_attention(q: Tensor, k: Tensor, v: Tensor, sees: Tensor) -> Tensor:
    """(n, heads, e), (m, key heads, e) twice -> (n, heads · e); a query that sees nothing gives zeros."""
    out = []
    for head in range(q.shape[1]):
        shared = head * k.shape[1] // q.shape[1]
        scores = (q[:, head] @ k[:, shared].T / math.sqrt(q.shape[2])).masked_fill(~sees, -math.inf)
        out.append(scores.softmax(-1).nan_to_num(0.0) @ v[:, shared])
    return torch.cat(out, dim=1)


def suffix_pattern(shows_history: list[bool]) -> Tensor:
    """Tokens [h0, f0, h1, f1, ...]: all see shown history; only future tokens see future tokens."""
    n = 2 * len(shows_history)
    sees = torch.zeros(n, n, dtype=torch.bool)
    for query in range(n):
        for key in range(n):
            if key % 2 == 0:
                sees[query, key] = shows_history[key // 2]
            else:
                sees[query, key] = query % 2 == 1
    return sees


def rope(x: Tensor, positions: list[int]) -> Tensor:
    """(n, heads, e): channel i is turned with channel i + e/2 by position / 10000^(2i/e)."""
    out, half = torch.empty_like(x), x.shape[2] // 2
    for n, position in enumerate(positions):
        for i in range(half):
            angle = position / 10000 ** (2 * i / x.shape[2])
            first, second = x[n, :, i], x[n, :, i + half]
            out[n, :, i] = first * math.cos(angle) - second * math.sin(angle)
            out[n, :, i + half] = second * math.cos(angle) + first * math.sin(angle)
    return out


def gelu_tanh(x: Tensor) -> Tensor:
    return 0.5 * x * (1 + torch.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)))


def fourier(uv: Tensor, n: int) -> Tensor:
    """Eight (n) sines then as many cosines of π 2^k u; then the same of v."""
    values = []
    for coordinate in uv.tolist():
        values += [math.sin(math.pi * 2**k * coordinate) for k in range(n)]
        values += [math.cos(math.pi * 2**k * coordinate) for k in range(n)]
    return torch.tensor(values, dtype=torch.float64)


def sinusoid(tau: float, n: int) -> Tensor:
    """Sines, then cosines, of 2πτ/p with p from 4e-3 to 4, evenly spaced in the logarithm."""
    periods = [4e-3 * 1000 ** (j / (n // 2 - 1)) for j in range(n // 2)]
    angles = [2 * math.pi * tau / p for p in periods]
    return torch.tensor([math.sin(a) for a in angles] + [math.cos(a) for a in angles], dtype=torch.float64)


def resize(image: Tensor, size: int) -> Tensor:
    """Bilinear, half-pixel centres, no antialiasing."""
    n = image.shape[-1]
    weights = torch.zeros(size, n, dtype=torch.float64)
    for i in range(size):
        place = max((i + 0.5) * n / size - 0.5, 0.0)
        low = min(int(place), n - 1)
        weights[i, low] += 1 - (place - low)
        weights[i, min(low + 1, n - 1)] += place - low
    return weights @ image @ weights.T


def sample_at(grid: Tensor, u: float, v: float) -> Tensor:
    """Bilinear sample of (h, w, c) at u, v whose edges are -1 and 1; zero outside."""
    h, w, _ = grid.shape
    x, y = ((u + 1) * w - 1) / 2, ((v + 1) * h - 1) / 2
    total = torch.zeros_like(grid[0, 0])
    for row in (math.floor(y), math.floor(y) + 1):
        for column in (math.floor(x), math.floor(x) + 1):
            if 0 <= row < h and 0 <= column < w:
                total = total + (1 - abs(y - row)) * (1 - abs(x - column)) * grid[row, column]
    return total
