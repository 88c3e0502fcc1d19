"""The tokenised VLM: image, instruction and a keypoint in; the keypoint's waypoints out, word by word.

    prefix = backbone(image, depth, instruction)                 once per image, μ0's own pass
    words  = [keypoint] u1 v1 z1 u2 v2 z2 ...                    causal, cross-entropy, one run per keypoint
    trace  = straight lines over the waypoints

What differs from μ0 is only how traces are produced: words one after another instead of all control points at
once, the backbone's own text layers instead of an expert, classes instead of a velocity. Position and
appearance of the keypoint enter as μ0's do. The past of keypoints is not an input.

Conventions (docs/conventions.md)
    traces  anchor-relative (u, v, z), divided by the delta scale of the statistics
    END     a trace may end instead of taking its next waypoint; END competes with the words of u. Decoding
            never stops: it records the probability that the trace goes on, and draws among the words

Source
    The baseline of arXiv:2606.13769, table of trace errors; its code was not released, the design is ours.
"""

import dataclasses

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn
from torch.nn import functional

from mu0.baselines.token_vlm.config import TokenVlmConfig
from mu0.baselines.token_vlm.decoder import empty_cache, run_layers
from mu0.baselines.token_vlm.waypoints import UNKNOWN, blurred_labels, points_of, waypoint_words
from mu0.dataset.batch import TraceBatch
from mu0.dataset.statistics import NormalizerStats
from mu0.model.backbone import Backbone, Prefix
from mu0.model.embeddings import fourier_uv
from mu0.model.keypoint_features import keypoint_features, sample_map
from mu0.model.tokenizer import CaptionTokenizer


class TokenVlm(nn.Module):
    """The rival with everything that it needs to speak about metres and words."""

    def __init__(
        self, config: TokenVlmConfig, tokenizer: CaptionTokenizer, statistics: NormalizerStats
    ) -> None:
        super().__init__()
        self.config = config
        self.tokenizer = tokenizer
        self.statistics = statistics
        sizes = config.backbone
        self.backbone = Backbone(sizes)
        self.keypoint_features = keypoint_features(sizes)
        n_inputs = 4 * sizes.uv_frequencies + self.keypoint_features.width
        self.keypoint_in = nn.Sequential(
            nn.Linear(n_inputs, sizes.text_width), nn.SiLU(), nn.Linear(sizes.text_width, sizes.text_width)
        )
        self.word_embedding = nn.Embedding(3 * config.n_bins + 1, sizes.text_width)  # the last: unknown
        self.place_embedding = nn.Embedding(config.n_tokens, sizes.text_width)
        self.word_head = nn.Linear(sizes.text_width, 3 * config.n_bins)
        self.end_head = nn.Linear(sizes.text_width, 1)
        labels = blurred_labels(config.n_bins, config.blur_bins)
        self.register_buffer("labels", labels, persistent=False)
        for embedding in (self.word_embedding, self.place_embedding):
            nn.init.normal_(embedding.weight, std=sizes.text_width**-0.5)

    def encode_prefix(
        self,
        image: Float[Tensor, "b 3 s s"],
        instructions: list[str],
        depth_panel: Float[Tensor, "b 3 s s"] | None = None,
        depth_valid: Bool[Tensor, " b"] | None = None,
    ) -> Prefix:
        """Look at images (in [0, 1]) and read instructions, exactly as μ0 does."""
        tokens, token_mask = self.tokenizer(instructions)
        if not self.config.backbone.use_depth:
            depth_panel = None
        if depth_panel is not None and depth_valid is None:
            depth_valid = torch.ones(len(image), dtype=torch.bool, device=image.device)
        device = image.device
        prefix = self.backbone(image, tokens.to(device), token_mask.to(device), depth_panel, depth_valid)
        return dataclasses.replace(prefix, feature_maps=self.keypoint_features(image, prefix))

    def keypoint_token(self, prefix: Prefix, uv: Float[Tensor, "b q 2"]) -> Float[Tensor, "b q w"]:
        """Where a keypoint is and what it looks like, as the first token of its trace."""
        seen = [sample_map(a_map, uv) for a_map in prefix.feature_maps]
        inputs = torch.cat([fourier_uv(uv, self.config.backbone.uv_frequencies), *seen], dim=-1)
        return torch.as_tensor(self.keypoint_in(inputs)) + self.place_embedding.weight[0]

    def word_tokens(self, words: Int[Tensor, "b r l"], places: Int[Tensor, " l"]) -> Float[Tensor, "b r l w"]:
        """Embedded words; `places` counts the words before them plus one, so axes alternate from 1 = u."""
        rows = torch.where(
            words == UNKNOWN, 3 * self.config.n_bins, words + (places - 1) % 3 * self.config.n_bins
        )
        return torch.as_tensor(self.word_embedding(rows) + self.place_embedding(places))

    def logits(
        self, prefix: Prefix, uv: Float[Tensor, "b q 2"], words: Int[Tensor, "b q k 3"]
    ) -> tuple[Float[Tensor, "b q k 3 bins"], Float[Tensor, "b q k"]]:
        """Teacher forcing: scores of every word given those before it, and of END at every waypoint."""
        config = self.config
        places = torch.arange(1, config.n_tokens, device=uv.device)
        earlier = self.word_tokens(words.flatten(2)[..., :-1], places)
        tokens = torch.cat([self.keypoint_token(prefix, uv)[:, :, None], earlier], dim=2)
        hidden = run_layers(self.backbone, self._scaled(tokens), prefix).unflatten(2, (-1, 3))
        heads = self.word_head.weight.view(3, config.n_bins, -1)
        scores = torch.einsum("bqkaw,anw->bqkan", hidden, heads) + self.word_head.bias.view(3, -1)
        return scores, self.end_head(hidden[..., 0, :])[..., 0]

    def _scaled(self, tokens: Float[Tensor, "b r l w"]) -> Float[Tensor, "b r l w"]:
        """As the backbone scales its own embeddings."""
        sizes = self.config.backbone
        return tokens * sizes.text_width**0.5 if sizes.scale_embeddings else tokens

    # ------------------------------------------------------------------ training

    def loss(self, batch: TraceBatch, generator: torch.Generator) -> dict[str, Tensor]:
        """Cross-entropy per word: "loss" over all words, "place" and "end" its parts.

        Args:
            batch: Windows; NaN-free, read through their masks.
            generator: On the CPU; decides which images show their depth.
        """
        panel, panel_valid = self._kept_depth(batch, generator)
        prefix = self.encode_prefix(batch.image, batch.instructions, panel, panel_valid)
        axis_known = torch.ones(len(batch.image), 3, dtype=torch.bool, device=batch.image.device)
        if batch.has_depth_axis is not None:
            axis_known[:, 2] = batch.has_depth_axis
        valid = batch.future_valid & batch.query_valid[..., None]
        words, reached = waypoint_words(batch.future, valid, axis_known, self.config)
        scores, end = self.logits(prefix, batch.anchor_uvz[..., :2], words)
        is_known = words != UNKNOWN
        label = self.labels[words.clamp(min=0)]  # type: ignore[index]
        place = -(label * functional.log_softmax(scores, dim=-1)).sum(-1)
        goes_on, ends = _end_terms(scores[..., 0, :], end)
        is_asked = batch.query_valid[..., None] & _all_before(reached)
        end_loss = torch.where(is_asked, torch.where(reached, goes_on, ends), 0.0)
        n_words = is_known.sum().clamp(min=1)
        place_mean = torch.where(is_known, place, 0.0).sum() / n_words
        end_mean = end_loss.sum() / n_words
        return {"loss": place_mean + end_mean, "place": place_mean.detach(), "end": end_mean.detach()}

    def _kept_depth(
        self, batch: TraceBatch, generator: torch.Generator
    ) -> tuple[Float[Tensor, "b 3 s s"] | None, Bool[Tensor, " b"] | None]:
        """Depth dropout as in μ0's training."""
        sizes = self.config.backbone
        n_rolls = 1 if sizes.depth_dropout_whole_batch else len(batch.image)
        kept = torch.rand(n_rolls, generator=generator) >= sizes.depth_dropout
        if batch.depth_panel is None or batch.depth_valid is None:
            return None, None
        if not self.training:
            return batch.depth_panel, batch.depth_valid
        depth_valid = batch.depth_valid & kept.to(batch.image.device)
        return (batch.depth_panel, depth_valid) if depth_valid.any() else (None, None)

    # ------------------------------------------------------------------ inference

    @torch.no_grad()
    def sample(
        self,
        prefix: Prefix,
        uv: Float[Tensor, "b r 2"],
        draws: Float[Tensor, "b r words"],
        temperature: float,
    ) -> tuple[Float[Tensor, "b r k 3"], Float[Tensor, "b r k"]]:
        """Waypoints of one trace per row, and the probability that the trace reaches each.

        Args:
            prefix: The scene; shared by all rows of its image.
            uv: Keypoints; repeat one to sample it several times.
            draws: Uniform numbers in [0, 1), one per word; equal numbers give equal traces whatever else is
                in the batch (up to rounding of the scores).
            temperature: Of the words; END's probability is always that of temperature 1.
        """
        config = self.config
        cache = empty_cache(prefix, uv.shape[1], config.n_tokens)
        token = self.keypoint_token(prefix, uv)[:, :, None]
        words, reached = [], []
        for place in range(config.n_tokens):
            axis = place % 3
            hidden = run_layers(self.backbone, self._scaled(token), prefix, cache, place)[:, :, 0]
            rows = slice(axis * config.n_bins, (axis + 1) * config.n_bins)
            scores = functional.linear(hidden, self.word_head.weight[rows], self.word_head.bias[rows])
            if axis == 0:
                reached.append(_end_terms(scores, self.end_head(hidden)[..., 0])[0].neg().exp())
            words.append(_draw(scores / temperature, draws[..., place]))
            if place + 1 < config.n_tokens:
                token = self.word_tokens(words[-1][..., None], torch.tensor([place + 1], device=uv.device))
        bins = torch.stack(words, dim=-1).view(*uv.shape[:2], -1, 3)
        return points_of(bins, config), torch.stack(reached, dim=-1).cumprod(-1)


def _end_terms(
    scores_u: Float[Tensor, "*batch bins"], end: Float[Tensor, "*batch"]
) -> tuple[Float[Tensor, "*batch"], Float[Tensor, "*batch"]]:
    """Cross-entropy of "goes on" and of END, where END is one more word beside those of u."""
    surplus = end - scores_u.logsumexp(-1)
    return functional.softplus(surplus), functional.softplus(-surplus)


def _all_before(reached: Bool[Tensor, "b q k"]) -> Bool[Tensor, "b q k"]:
    """True up to and including the first waypoint that is not reached."""
    return functional.pad(reached[..., :-1], (1, 0), value=True)


def _draw(scores: Float[Tensor, "b r bins"], draw: Float[Tensor, "b r"]) -> Int[Tensor, "b r"]:
    """The bin at which the cumulative probability passes `draw`."""
    cumulative = scores.double().softmax(-1).cumsum(-1)
    return (cumulative <= draw[..., None]).sum(-1).clamp(max=scores.shape[-1] - 1)
