"""Captioners by the name they have in params.yaml; a module is imported when it is asked for, not before."""

from pathlib import Path

from mu0.params.extract import CaptionsParams
from mu0.traceextract.captions.captioners.answer_cache import AnswerCache
from mu0.traceextract.captions.captioners.interfaces import AbstractCaptioner, AbstractChatModel
from mu0.traceextract.captions.captioners.template import TemplateCaptioner


def load_captioner(params: CaptionsParams, cache: Path) -> AbstractCaptioner:
    """The captioner that params name.

    Args:
        params: Section `captions`.
        cache: Folder of answers from earlier runs.

    Raises:
        CaptionError: Its model or key is missing.
    """
    if params.captioner == "template":
        return TemplateCaptioner(params.seed)
    from mu0.traceextract.captions.captioners.vlm import VlmCaptioner

    return VlmCaptioner(_chat_model(params), AnswerCache(cache), params.use_motion_mask)


def _chat_model(params: CaptionsParams) -> AbstractChatModel:
    if params.captioner == "local_vlm":
        from mu0.traceextract.captions.captioners.local_chat import LocalChat

        return LocalChat(params.local_vlm)
    from mu0.traceextract.captions.captioners.openai_chat import OpenAiChat

    return OpenAiChat(params.openai, params.seed)
