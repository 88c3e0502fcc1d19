"""Every registered backend is where the registry says; the rooms hold them, the registry imports none."""

import ast
from importlib.util import find_spec
from pathlib import Path

import pytest

from mu0.traceextract.backends.registry import EMBEDDED, LEARNED

ADDRESSES = sorted(
    {address for table in (EMBEDDED, LEARNED) for names in table.values() for address in names.values()}
)


@pytest.mark.parametrize("address", ADDRESSES)
def test_an_address_names_a_class_in_a_module(address: str) -> None:
    module, _, kind = address.partition(":")
    spec = find_spec(module)
    assert spec is not None
    assert spec.origin is not None
    tree = ast.parse(Path(spec.origin).read_text())
    assert kind in {node.name for node in tree.body if isinstance(node, ast.ClassDef)}


def test_embedded_and_learned_names_do_not_meet() -> None:
    for role in EMBEDDED:
        assert not set(EMBEDDED[role]) & set(LEARNED[role])
