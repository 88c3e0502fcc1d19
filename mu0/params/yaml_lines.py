"""YAML that remembers where it stands: every value knows its line, and a key given twice is an error.

PyYAML speaks YAML 1.1 and takes the last of two equal keys in silence; DVC reads the same file as YAML 1.2
and refuses it. Here both agree, also on `1e-3`, which is text in YAML 1.1 and a number in 1.2.
"""

import re
import reprlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import yaml
from pydantic import ValidationError

Path = tuple[str | int, ...]
LONGEST_VALUE = 80  # characters of a value that a message repeats
SCIENTIFIC = re.compile(r"^[-+]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)[eE][-+]?[0-9]+$")


class _Loader(yaml.SafeLoader):
    """PyYAML's safe loader that also knows numbers such as 1e-3."""


_Loader.add_implicit_resolver("tag:yaml.org,2002:float", SCIENTIFIC, list("-+.0123456789"))


@dataclass(frozen=True)
class Lined:
    """A YAML document.

    Attributes:
        content: Dicts, lists and scalars.
        lines: Of every key and list item, the line on which it stands, counted from 1.
    """

    content: Any
    lines: dict[Path, int]

    def line_of(self, place: Sequence[str | int]) -> int | None:
        """Line of the deepest part of `place` that the document has; what it does not have is left out."""
        found: Path = ()
        for part in place:
            if (*found, part) in self.lines:
                found = (*found, part)
        return self.lines.get(found)


def read_yaml(text: str | bytes) -> Lined:
    """Parse one document.

    Raises:
        yaml.YAMLError: It is no YAML, or a key is given twice in one place; the message has both lines.
    """
    loader = _Loader(text)
    try:
        node = loader.get_single_node()
        lines: dict[Path, int] = {}
        if node is not None:
            _note_lines(node, (), lines, frozenset())
        return Lined(None if node is None else loader.construct_document(node), lines)
    finally:
        loader.dispose()


def _note_lines(node: yaml.Node, place: Path, lines: dict[Path, int], above: frozenset[int]) -> None:
    if id(node) in above:
        raise yaml.MarkedYAMLError("in a part that contains itself", node.start_mark, "found an alias", None)
    above = above | {id(node)}
    if isinstance(node, yaml.SequenceNode):
        for number, item in enumerate(node.value):
            lines[*place, number] = item.start_mark.line + 1
            _note_lines(item, (*place, number), lines, above)
    elif isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            inner = (*place, str(key.value))
            line = key.start_mark.line + 1
            if inner in lines:
                raise yaml.MarkedYAMLError(
                    problem=f"the key {'.'.join(map(str, inner))!r} is given twice, on line {lines[inner]} "
                    f"and on line {line}"
                )
            lines[inner] = line
            _note_lines(value, inner, lines, above)


def describe_faults(error: ValidationError, document: Lined) -> str:
    """One line for every fault: `line 12: section.key  what is wrong (found …)`."""
    return "\n".join(_describe(fault, document) for fault in error.errors())


def _describe(fault: Any, document: Lined) -> str:
    line = document.line_of(fault["loc"])
    where = "" if line is None else f"line {line}: "
    found = "" if fault["type"] in {"missing", "extra_forbidden"} else f" (found {_shown(fault['input'])})"
    return f"    {where}{'.'.join(map(str, fault['loc'])) or '(whole file)'}  {fault['msg']}{found}"


def _shown(value: object) -> str:
    brief = reprlib.Repr()
    brief.maxstring = brief.maxother = brief.maxlong = LONGEST_VALUE
    return brief.repr(value)
