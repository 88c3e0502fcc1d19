"""All checks on a dataset, in the order in which people want to read them.

Checks of single episodes come first; what is measured against the other episodes (idleness, jumps, jerk,
lengths, duplicates, statistics) looks at those alone whose numbers can be used.
"""

from dataclasses import dataclass
from pathlib import Path

from mu0.progress import track
from mu0.sources.lerobot.doctor.findings import Finding
from mu0.sources.lerobot.doctor.motion import (
    check_finite,
    check_gripper,
    check_idle,
    check_jerk,
    check_jumps,
    moving_rows,
)
from mu0.sources.lerobot.doctor.scales import scales_of
from mu0.sources.lerobot.doctor.sets import DUPLICATE, check_constant, check_duplicates, check_lengths
from mu0.sources.lerobot.doctor.signals import ACTION, Signals, signals_of
from mu0.sources.lerobot.doctor.statistics import check_statistics
from mu0.sources.lerobot.doctor.times import LEAVE_OUT, check_times
from mu0.sources.lerobot.layout import Layout, read_layout


@dataclass(frozen=True)
class Examination:
    """What was found in a dataset.

    Attributes:
        layout: Its metadata.
        findings: Everything, by check.
        kept: The rows to keep of each episode that can be used, by name; of all others there is no entry.
    """

    layout: Layout
    findings: tuple[Finding, ...]
    kept: dict[str, slice]

    @property
    def unusable(self) -> list[str]:
        """The episodes that must not be learned from, in order."""
        return [e.name for e in self.layout.episodes if e.name in self._with("unusable")]

    @property
    def left_out(self) -> dict[str, str]:
        """The episodes that a repair leaves out, and why."""
        return {
            f.where: f.found for f in reversed(self.findings)
            if f.severity == "unusable" or f.check == DUPLICATE
        }  # fmt: skip

    def _with(self, severity: str) -> set[str]:
        return {finding.where for finding in self.findings if finding.severity == severity}


def examine(root: Path) -> Examination:
    """Look at every episode of a LeRobotDataset v2.0, v2.1 or v3.0.

    Raises:
        SourceError: The folder is no LeRobotDataset of these versions.
    """
    layout = read_layout(root)
    findings: list[Finding] = []
    episodes: list[Signals] = []
    for found in track(signals_of(layout), "examining", total=len(layout.episodes)):
        if isinstance(found, Signals):
            episodes.append(found)
        else:
            episode, error = found
            findings.append(Finding(episode.name, "read", "unusable", error.found, error.expected, LEAVE_OUT))
    for signals in episodes:
        findings += [*check_times(signals), *check_finite(signals)]
    broken = {finding.where for finding in findings if finding.check == "values"}
    finite = [signals for signals in episodes if signals.name not in broken]
    scales = scales_of(finite)
    names = _names_of(layout, ACTION)
    findings += [*check_lengths(finite), *check_duplicates(finite), *check_constant(scales)]
    for signals in finite:
        findings += check_idle(signals, scales)
        findings += check_jumps(signals, scales)
        findings += check_gripper(signals, scales, names)
    findings += check_jerk(finite, scales)
    findings += check_statistics(layout, finite, is_complete=len(finite) == len(layout.episodes))
    kept = {signals.name: moving_rows(signals, scales) for signals in finite}
    return Examination(layout, tuple(findings), kept)


def _names_of(layout: Layout, feature: str) -> list[str]:
    """What a feature's dimensions are called; nested names are flattened."""
    names = (layout.features.get(feature) or {}).get("names") or []
    if isinstance(names, dict):
        names = [name for part in names.values() for name in (part if isinstance(part, list) else [part])]
    return [str(name) for name in names]
