"""Everything that was recorded, re-hashed: DVC's cache, what stages wrote, what the registry stores."""

from dataclasses import dataclass, field
from pathlib import Path

from assets_defs.chain import BENCHMARK, TAU0
from mu0.progress import track
from orchestration.verify.cache import Cache, Hasher
from orchestration.verify.difference import NOTHING, Difference
from orchestration.verify.outputs import FileDifference, Recorded, differences_of, recorded_outputs

FIX = "`mu0 verify --fix`"


@dataclass
class Findings:
    """What differs, by kind, and how much was read."""

    damaged: list[str] = field(default_factory=list)
    different: list[FileDifference] = field(default_factory=list)
    n_objects: int = 0
    n_outputs: int = 0


def examine_data(root: Path) -> Findings:
    """Read every object of the cache and every file of every output."""
    cache, hasher, findings = Cache.of(root), Hasher(), Findings()
    objects = list(cache.objects())
    for md5, path in track(objects, "re-hashing DVC's cache"):
        if not cache.is_good(md5, hasher) and path.exists():
            findings.damaged.append(md5)
    outputs = recorded_outputs(root)
    for output in track(outputs, "re-hashing outputs"):
        findings.different += differences_of(root, output, cache, hasher)
    findings.n_objects, findings.n_outputs = len(objects), len(outputs)
    return findings


def data_differences(root: Path, findings: Findings) -> list[Difference]:
    """The findings in words, each with what to do; all that a stage has not made here is one difference."""
    cache, hasher = Cache.of(root), Hasher()
    outputs = recorded_outputs(root)
    used_by = {md5: output for output in outputs for md5 in cache.members(output.md5)}
    absent: dict[str, list[Recorded]] = {}
    here = []
    for each in findings.different:
        is_absent = each.path == each.output.path and not each.found
        if is_absent and not cache.is_whole(each.output.md5, hasher):
            absent.setdefault(each.output.stage, []).append(each.output)
        else:
            here.append(each)
    return [
        *(_damaged_object(root, cache, md5, used_by.get(md5), hasher) for md5 in findings.damaged),
        *(_differing_file(cache, each, hasher) for each in here),
        *(_not_here(missing) for missing in absent.values()),
    ]


def _damaged_object(
    root: Path, cache: Cache, md5: str, output: Recorded | None, hasher: Hasher
) -> Difference:
    path = cache.path(md5)
    shown = path.relative_to(root).as_posix() if path.is_relative_to(root) else str(path)
    use = f"run {FIX}, which replaces it from a good copy or moves it aside"
    after = f"{use}, then {_make_again(output)}" if output else f"{use}; no present output uses it."
    return Difference(shown, f"md5 {md5.removesuffix('.dir')}, its name", f"md5 {hasher.md5(path)}", after)


def _differing_file(cache: Cache, difference: FileDifference, hasher: Hasher) -> Difference:
    output = difference.output
    if cache.is_whole(output.md5, hasher):
        remedy = f"run {FIX}, which puts {output.path} back from DVC's cache."
    elif difference.found:
        remedy = f"run {FIX}, which moves the differing bytes aside, then {_make_again(output)}"
    else:
        remedy = (
            f"it is in no cache of this machine: `dvc pull {output.path}` if you have a remote, "
            f"else {_make_again(output)}"
        )
    expected = (
        f"md5 {difference.expected}" if difference.expected else f"{NOTHING}: it is no part of {output.path}"
    )
    found = f"md5 {difference.found}" if difference.found else NOTHING
    return Difference(difference.path, expected, found, remedy)


def _not_here(outputs: list[Recorded]) -> Difference:
    """Everything of one stage that is neither in the working tree nor in the cache."""
    paths = [output.path for output in outputs]
    remedy = f"`dvc pull {' '.join(paths)}` if you have a remote, else {_make_again(outputs[0])}"
    return Difference(
        ", ".join(paths),
        ", ".join(f"md5 {output.md5}" for output in outputs),
        f"{NOTHING}, nor in the cache",
        remedy,
    )


def _make_again(output: Recorded) -> str:
    if output.stage.endswith(".dvc"):
        return f"restore {output.path} from your own copy."
    for beside in (BENCHMARK, TAU0):  # `mu0 run` runs the main chain alone
        if output.stage in beside.stages:
            return f"`dvc repro {beside.address(beside.stages[output.stage])}`, which makes it again."
    return f"`mu0 run {output.stage}`, which makes it again."
