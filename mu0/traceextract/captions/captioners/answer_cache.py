"""Answers that were paid for once are not asked for again; failures are not kept.

An answer's address is a hash of everything it depends on: the event's frame range, the whole question, the
bytes of the pictures, the model and its settings. Event parameters that lead to another frame range lead to
another question, and a caption never appears at a range that it was not made for.

    .mu0_cache/captions/<key>.json    {"answer": ..., "n_prompt_tokens": ..., "n_completion_tokens": ...}

Source
    reference/traceextract.md §9, faults 37 and 38.
"""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

from mu0.files import write_json
from mu0.traceextract.captions.captioners.interfaces import Origin, Prompt, Reply


def question_key(span: tuple[int, int], prompt: Prompt, origin: Origin, settings: dict[str, object]) -> str:
    """The address of the answer to a question about frames `span`."""
    parts = [
        part if isinstance(part, str) else [part.label, hashlib.sha256(part.png).hexdigest()]
        for part in prompt.parts
    ]
    basis = {
        "span": list(span),
        "system": prompt.system,
        "parts": parts,
        "captioner": origin.captioner,
        "model": origin.model,
        "settings": settings,
    }
    return hashlib.sha256(json.dumps(basis, sort_keys=True).encode()).hexdigest()


@dataclass(frozen=True)
class AnswerCache:
    """Usable answers by key."""

    root: Path

    def find(self, key: str) -> Reply | None:
        """The answer of an earlier run, or None; a damaged entry is as good as none."""
        try:
            entry = json.loads((self.root / f"{key}.json").read_text())
            return Reply(
                entry["answer"],
                n_prompt_tokens=entry["n_prompt_tokens"],
                n_completion_tokens=entry["n_completion_tokens"],
            )
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def keep(self, key: str, reply: Reply) -> None:
        """Store an answer that was read without fault."""
        entry = {
            "answer": reply.text,
            "n_prompt_tokens": reply.n_prompt_tokens,
            "n_completion_tokens": reply.n_completion_tokens,
        }
        write_json(self.root / f"{key}.json", entry)
