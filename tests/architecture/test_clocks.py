"""No test asserts on a clock: a busy machine says nothing about the code; benchmarks/ measure its speed."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

TESTS = sorted(Path("tests").rglob("*.py"))
CLOCKS = {"perf_counter", "process_time", "monotonic", "thread_time", "time", "perf_counter_ns", "time_ns",
          "process_time_ns", "monotonic_ns", "getrusage", "times", "now", "utcnow"}  # fmt: skip
MODULES = {"time", "resource", "os", "datetime"}


def is_reading(node: ast.AST) -> bool:
    """`time.perf_counter()`, `perf_counter()`, `datetime.now()`, `os.times()` and their kin."""
    if not isinstance(node, ast.Call):
        return False
    match node.func:
        case ast.Attribute(value=ast.Name(id=module), attr=name):
            return module in MODULES and name in CLOCKS
        case ast.Name(id=name):
            return name in CLOCKS - {"time", "now", "times"}
    return False


def contains_reading(node: ast.AST, tainted: set[str]) -> bool:
    """Whether an expression reads a clock, or a variable that one was read into."""
    return any(
        is_reading(part) or (isinstance(part, ast.Name) and part.id in tainted) for part in ast.walk(node)
    )


def is_deadline(test: ast.AST) -> bool:
    """`time.monotonic() < limit_s`: the safety net of a loop that waits, not a measurement."""
    return (
        isinstance(test, ast.Compare)
        and is_reading(test.left)
        and all(isinstance(other, ast.Name) for other in test.comparators)
    )


def clocks_asserted(tree: ast.AST) -> Iterator[int]:
    """Lines of the assertions that a clock decides, in each function by itself."""
    for function in ast.walk(tree):
        if not isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        tainted: set[str] = set()
        for _ in range(3):  # a reading may pass through a few variables
            for node in ast.walk(function):
                if isinstance(node, ast.Assign | ast.AugAssign) and contains_reading(node.value, tainted):
                    targets = node.targets if isinstance(node, ast.Assign) else [node.target]
                    tainted |= {n.id for t in targets for n in ast.walk(t) if isinstance(n, ast.Name)}
        for node in ast.walk(function):
            is_asserted = isinstance(node, ast.Assert) and contains_reading(node.test, tainted)
            if is_asserted and not is_deadline(node.test):
                yield node.lineno


@pytest.mark.slow
def test_no_test_asserts_on_a_clock() -> None:
    found = [f"{path}:{line}" for path in TESTS for line in clocks_asserted(ast.parse(path.read_text()))]
    assert found == [], "measure this in benchmarks/; a test waits for an event, with a generous time-out"


@pytest.mark.parametrize(
    "body",
    [
        "started = time.perf_counter()\n work()\n assert time.perf_counter() - started < 1",
        "a = time.monotonic()\n b = time.monotonic() - a\n c = b * 1000\n assert c < 3",
        "started = process_time()\n assert started < 5",
        "assert resource.getrusage(resource.RUSAGE_SELF).ru_utime < 2",
        "assert os.times().user < 2",
        "assert (datetime.now() - before).seconds < 2",
    ],
)
def test_such_assertions_are_seen(body: str) -> None:
    assert list(clocks_asserted(ast.parse(f"def test():\n {body}\n")))


@pytest.mark.parametrize(
    "body",
    [
        "deadline = time.monotonic() + 9\n while busy() and time.monotonic() < deadline: ...\n assert ok()",
        "limit_s = time.monotonic() + 60\n while busy():\n  assert time.monotonic() < limit_s",
        "assert event.wait(60)",
        "assert row.time_s < 3",
    ],
)
def test_safety_nets_are_allowed(body: str) -> None:
    assert not list(clocks_asserted(ast.parse(f"def test():\n {body}\n")))
