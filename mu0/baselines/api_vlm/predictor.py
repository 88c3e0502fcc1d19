"""GPT, Gemini or any chat model as a trace predictor; every sample is an answer of its own.

Any endpoint that speaks OpenAI's chat completions serves, Gemini's among them
(https://generativelanguage.googleapis.com/v1beta/openai). Retries, rate limits and the key are the business
of the captioner's client, which is used as it is. An answer that cannot be used is sent back once with what
is wrong with it; if that does not help, the prediction fails with an error, and no trace is made up.

The models see pixels, so they predict u and v; z stays at the anchor's (official scripts copy it from the
truth, which a predictor cannot see). Read their errors in uv.

Usable answers are kept by a hash of all they depend on, so a benchmark that was stopped goes on without
paying twice, and `offline` replays it without any network.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import final

import numpy as np

from mu0.baselines.api_vlm.answer import Trajectories, read_trajectories
from mu0.baselines.api_vlm.prompt import grid_from_uv, question, uv_from_grid
from mu0.errors import CaptionError, PredictionError
from mu0.interfaces import AbstractTracePredictor
from mu0.params.api_vlm import ApiVlmParams
from mu0.records import Observation, Queries, TraceSamples
from mu0.traceextract.captions.captioners.answer import AnswerError
from mu0.traceextract.captions.captioners.answer_cache import AnswerCache, question_key
from mu0.traceextract.captions.captioners.interfaces import AbstractChatModel, Prompt, Reply
from mu0.traceextract.captions.captioners.openai_chat import OpenAiChat
from mu0.traceextract.captions.captioners.prompts import correction

NO_SPAN = (0, 0)  # the cache was made for events; a question about a moment has no range of frames


@dataclass
class Counts:
    """What happened in this run; `report` puts it into words."""

    asked: int = 0
    known: int = 0
    corrected: int = 0
    failed: int = 0
    filled_keypoints: int = 0


@dataclass(frozen=True)
class _Outcome:
    """One sample: its trajectories, or why there are none."""

    trajectories: Trajectories | None
    failure: str = ""
    was_known: bool = False
    was_corrected: bool = False


@final
class ApiVlmPredictor(AbstractTracePredictor):
    """A chat model behind an endpoint.

    Args:
        params: Endpoint, model and protocol.
        future_len: Steps that are asked for.
        cache: Where usable answers are kept.
        chat: Makes the client for a seed; the default is the endpoint of `params`.
    """

    def __init__(
        self,
        params: ApiVlmParams,
        future_len: int,
        cache: AnswerCache,
        chat: Callable[[int], AbstractChatModel] | None = None,
    ) -> None:
        self.name = f"api_vlm_{params.model}"
        self.params = params
        self.future_len = future_len
        self.cache = cache
        self.counts = Counts()
        self._chat = chat or (lambda seed: OpenAiChat(_without_key_if_offline(params), seed))

    @classmethod
    def from_params(cls, params: ApiVlmParams, future_len: int, answers: Path) -> "ApiVlmPredictor":
        """The predictor that params.yaml describes.

        Raises:
            PredictionError: It is switched off, as it is by default: it sends images to another party.
        """
        if not params.enabled:
            raise PredictionError(
                "The chat model behind an endpoint (api_vlm) is switched off.",
                expected="api_vlm.enabled: true in params.yaml, because it sends images out and costs money",
                remedy=f"set it, and export the key as {params.api_key_env or '(none needed)'}.",
            )
        return cls(params, future_len, AnswerCache(answers))

    def predict(self, observation: Observation, queries: Queries, n_samples: int, seed: int) -> TraceSamples:
        """Ask `n_samples` times, with seeds of their own; z stays where it is.

        Raises:
            PredictionError: The endpoint refuses, or a sample could not be had; the message says why.
        """
        shown = queries if self.params.use_history else Queries(queries.anchor_uvz)
        prompt = question(
            observation, shown, self.future_len, self.params.image_side_px, use_depth=self.params.use_depth
        )
        anchors = grid_from_uv(queries.anchor_uvz[:, :2]).astype(np.float64)
        with ThreadPoolExecutor(min(self.params.concurrency, n_samples)) as pool:
            seeds = range(seed * n_samples, (seed + 1) * n_samples)
            outcomes = list(pool.map(lambda own: self._sample(prompt, anchors, own), seeds))
        self._count(outcomes)
        failures = [outcome.failure for outcome in outcomes if outcome.trajectories is None]
        if failures:
            raise PredictionError(
                f"{self.params.model} gave no usable answer for {len(failures)} of {n_samples} samples; "
                f"first: {failures[0]}.",
                expected=f"{self.future_len} positions for each of {len(anchors)} keypoints",
                remedy="run it again (usable answers are kept), ask for fewer keypoints, raise max_tokens, "
                "or use a stronger model.",
            )
        grid = np.stack([outcome.trajectories.grid for outcome in outcomes if outcome.trajectories])
        uv = uv_from_grid(grid)
        z = np.broadcast_to(queries.anchor_uvz[None, :, None, 2:], (*uv.shape[:3], 1))
        return TraceSamples(np.concatenate([uv, z], axis=-1), np.ones(uv.shape[:3]))

    def report(self) -> list[str]:
        """One line for people about this run."""
        counts = self.counts
        return [
            f"{counts.asked} asked ({counts.corrected} corrected once), {counts.known} known from earlier "
            f"runs, {counts.failed} failed, {counts.filled_keypoints} keypoints completed by us"
        ]

    def _sample(self, prompt: Prompt, anchors: np.ndarray, seed: int) -> _Outcome:
        chat = self._client(seed)
        key = question_key(NO_SPAN, prompt, chat.origin, chat.settings)
        known = self.cache.find(key)
        if known is not None:
            trajectories, _ = self._read(known, anchors)
            if trajectories is not None:
                return _Outcome(trajectories, was_known=True)
        if self.params.offline:
            return _Outcome(None, f"offline, and there is no usable answer {key}.json in {self.cache.root}")
        reply = self._ask(chat, prompt)
        trajectories, fault = self._read(reply, anchors)
        is_corrected = trajectories is None and not reply.failure
        if is_corrected:
            told = correction(fault, is_cut=reply.is_cut)
            reply = self._ask(chat, replace(prompt, corrections=((reply.text, told),)))
            trajectories, fault = self._read(reply, anchors)
        if trajectories is not None:
            self.cache.keep(key, reply)
        return _Outcome(trajectories, fault, was_corrected=is_corrected)

    def _client(self, seed: int) -> AbstractChatModel:
        try:
            return self._chat(seed)
        except CaptionError as error:
            raise _as_prediction_error(error, self.params) from None

    def _ask(self, chat: AbstractChatModel, prompt: Prompt) -> Reply:
        try:
            ((_, reply),) = chat.reply([prompt])
        except CaptionError as error:
            raise _as_prediction_error(error, self.params) from None
        return reply

    def _read(self, reply: Reply, anchors: np.ndarray) -> tuple[Trajectories | None, str]:
        if reply.failure:
            return None, reply.failure
        try:
            complete = self.params.incomplete == "complete"
            return read_trajectories(reply.text, anchors, self.future_len, complete=complete), ""
        except AnswerError as error:
            return None, f"{error}{' (cut off: too long)' if reply.is_cut else ''}"

    def _count(self, outcomes: list[_Outcome]) -> None:
        counts = self.counts
        counts.known += sum(outcome.was_known for outcome in outcomes)
        counts.asked += sum(not outcome.was_known for outcome in outcomes)
        counts.corrected += sum(outcome.was_corrected for outcome in outcomes)
        counts.failed += sum(outcome.trajectories is None for outcome in outcomes)
        counts.filled_keypoints += sum(
            outcome.trajectories.n_filled for outcome in outcomes if outcome.trajectories
        )


def _as_prediction_error(error: CaptionError, params: ApiVlmParams) -> PredictionError:
    """The client speaks of captions; here the same fault belongs to the section api_vlm."""
    return PredictionError(
        error.found,
        expected=f"chat completions of {params.model!r} at api_vlm.base_url, {params.base_url}",
        remedy=f"check the section api_vlm of params.yaml and the environment variable "
        f"{params.api_key_env or '(none is used)'} that holds the key. Answers so far are kept.",
    )


def _without_key_if_offline(params: ApiVlmParams) -> ApiVlmParams:
    """What is only replayed needs no key."""
    return params.model_copy(update={"api_key_env": ""}) if params.offline else params
