"""Words of the captions as numbers, with a tokenizer that is trained on those captions in milliseconds.

Byte-pair pieces: frequent words are one token, a word never seen is spelled in letters instead of being lost.
A tokenizer.json from the hub works in the same place when a pretrained backbone is used.
"""

from collections.abc import Sequence
from pathlib import Path

import torch
from jaxtyping import Bool, Int
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers
from torch import Tensor

from mu0.errors import CheckpointError

PAD_ID = 0
UNCAPTIONED = "predict future trajectory"
ALPHABET = [chr(code) for code in range(33, 127)]


def prompt(instruction: str) -> str:
    """The text that the model reads for an instruction; an empty one becomes a neutral task."""
    return f"Task: {instruction.strip() or UNCAPTIONED}\n"


class CaptionTokenizer:
    """Turns instructions into padded token ids; remembers those it has seen."""

    def __init__(self, tokenizer: Tokenizer, max_tokens: int) -> None:
        self.tokenizer = tokenizer
        self.max_tokens = max_tokens
        self._known: dict[str, list[int]] = {}

    @property
    def vocabulary_size(self) -> int:
        """How many rows the embedding table needs."""
        return self.tokenizer.get_vocab_size()

    def __call__(self, instructions: Sequence[str]) -> tuple[Int[Tensor, "b t"], Bool[Tensor, "b t"]]:
        """Ids padded on the right to the longest instruction, and the mask of real tokens."""
        rows = [self._encode(instruction) for instruction in instructions]
        longest = max(len(row) for row in rows)
        tokens = torch.tensor([row + [PAD_ID] * (longest - len(row)) for row in rows])
        lengths = torch.tensor([len(row) for row in rows])
        return tokens, torch.arange(longest) < lengths[:, None]

    def _encode(self, instruction: str) -> list[int]:
        if instruction not in self._known:
            self._known[instruction] = self.tokenizer.encode(prompt(instruction)).ids[: self.max_tokens]
        return self._known[instruction]

    def write(self, path: Path) -> None:
        """Store as tokenizer.json."""
        path.write_text(self.tokenizer.to_str(pretty=True))


def train_tokenizer(captions: Sequence[str], vocabulary_size: int, max_tokens: int) -> CaptionTokenizer:
    """Learn byte-pair pieces from the captions; equal captions give equal pieces."""
    tokenizer = Tokenizer(models.BPE(unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.Lowercase()
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer.decoder = decoders.Metaspace()
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary_size,
        special_tokens=["[PAD]", "[UNK]"],
        initial_alphabet=ALPHABET,
        show_progress=False,
    )
    tokenizer.train_from_iterator([prompt(caption) for caption in sorted(captions)], trainer)
    return CaptionTokenizer(tokenizer, max_tokens)


def read_tokenizer(path: Path, max_tokens: int) -> CaptionTokenizer:
    """Read a tokenizer.json.

    Raises:
        CheckpointError: The file is not a tokenizer.
    """
    try:
        tokenizer = Tokenizer.from_str(path.read_text())
    except Exception as error:  # tokenizers raises nothing more specific
        raise CheckpointError(
            f"{path} is not a tokenizer: {error}.",
            expected="the tokenizer.json that training wrote",
            remedy="train the world model again, or restore the file.",
        ) from error
    tokenizer.no_padding()  # both are done here; a file from the hub may ask for its own
    tokenizer.no_truncation()
    return CaptionTokenizer(tokenizer, max_tokens)
