"""How an episode moves: values that are no numbers, jumps, idleness, jerk, and a gripper that chatters."""

from collections.abc import Iterator, Sequence

import numpy as np
from jaxtyping import Bool, Float

from mu0.sources.lerobot.doctor.findings import Finding
from mu0.sources.lerobot.doctor.scales import MIN_EPISODES, Scale
from mu0.sources.lerobot.doctor.signals import ACTION, STATE, Signals
from mu0.sources.lerobot.doctor.times import LEAVE_OUT

JUMP_STEPS = 10.0  # times the usual step
JUMP_LARGEST = 3.0  # times the largest step of the median episode: fingers may snap
JUMP_SPAN_SHARE = 0.05
REST_SPAN_SHARE = 0.002
IDLE_END_S = 1.0
KEPT_IDLE_S = 0.5
IDLE_SHARE = 0.5
ROUGH = 3.0  # times the jerk of the dataset's median episode
SHORTEST_HOLD_S = 0.5
MIN_FLIPS = 3
CLOSED_SHARE, OPEN_SHARE = 0.6, 0.4


def check_finite(signals: Signals) -> Iterator[Finding]:
    """NaN and infinity in any feature."""
    for name, values in signals.numbers.items():
        bad = ~np.isfinite(values)
        if bad.any():
            row, dimension = (int(number) for number in np.argwhere(bad)[0])
            found = f"{int(bad.any(axis=1).sum())} rows of {name} hold NaN or infinity; first row {row}, "
            yield Finding(
                signals.name, "values", "unusable", f"{found}dimension {dimension}", "numbers", LEAVE_OUT
            )


def check_jumps(signals: Signals, scales: dict[str, Scale]) -> Iterator[Finding]:
    """Steps far beyond what the dataset does otherwise."""
    for name in (STATE, ACTION):
        if name not in signals.numbers or signals.length < 2:
            continue
        scale = scales[name]
        limit = np.maximum(JUMP_STEPS * scale.usual_step, JUMP_LARGEST * scale.largest_step)
        limit = np.maximum(limit, JUMP_SPAN_SHARE * scale.span)
        steps = np.abs(np.diff(signals.numbers[name], axis=0))
        jumps = (steps > limit) & scale.moves
        if jumps.any():
            row, dimension = (int(number) for number in np.argwhere(jumps)[0])
            yield Finding(
                signals.name,
                "jump",
                "notice",
                f"{int(jumps.any(axis=1).sum())} jump(s); {name}[{dimension}] changes by "
                f"{steps[row, dimension]:.4g} after row {row}",
                f"steps below {limit[dimension]:.4g}, by what the other episodes do",
                "look at the episode: a lost connection or a reset; leave it out if so.",
            )


def resting(signals: Signals, scales: dict[str, Scale]) -> Bool[np.ndarray, " t"]:
    """Rows in which nothing is commanded and nothing moves, as against the row before (the first: after)."""
    rests = np.ones(max(signals.length - 1, 0), bool)
    for name in (STATE, ACTION):
        if name in signals.numbers:
            limit = np.maximum(REST_SPAN_SHARE * scales[name].span, 1e-9)
            rests &= (np.abs(np.diff(signals.numbers[name], axis=0)) <= limit).all(axis=1)
    return np.concatenate([rests[:1], rests]) if len(rests) else np.zeros(signals.length, bool)


def moving_rows(signals: Signals, scales: dict[str, Scale]) -> slice:
    """The rows without an idle beginning and end of more than a second, of which half a second stays."""
    moves = np.flatnonzero(~resting(signals, scales))
    if not len(moves):
        return slice(0, signals.length)
    longest, kept = IDLE_END_S * signals.fps_hz, round(KEPT_IDLE_S * signals.fps_hz)
    first, last = int(moves[0]), int(moves[-1])
    n_after = signals.length - 1 - last
    begin = first - kept if first > longest else 0
    end = last + 1 + kept if n_after > longest else signals.length
    return slice(max(begin, 0), min(end, signals.length))


def check_idle(signals: Signals, scales: dict[str, Scale]) -> Iterator[Finding]:
    """Rows in which nothing is commanded: at the ends, and in all."""
    rests = resting(signals, scales)
    share, kept = float(rests.mean()) if len(rests) else 0.0, moving_rows(signals, scales)
    if rests.all():
        found = "nothing moves in the whole episode"
        yield Finding(signals.name, "idle", "unusable", found, "a demonstration", LEAVE_OUT)
    elif (kept.start, kept.stop) != (0, signals.length):
        moves = np.flatnonzero(~rests)
        before_s, after_s = moves[0] / signals.fps_hz, (signals.length - 1 - moves[-1]) / signals.fps_hz
        yield Finding(
            signals.name,
            "idle",
            "mendable",
            f"nothing moves in the first {before_s:.1f} s and the last {after_s:.1f} s",
            f"at most {IDLE_END_S:g} s at either end",
            f"`--repair` keeps rows {kept.start} to {kept.stop - 1}.",
        )
    elif share > IDLE_SHARE:
        yield Finding(
            signals.name,
            "idle",
            "notice",
            f"nothing moves in {share:.0%} of the rows",
            f"at most {IDLE_SHARE:.0%}",
            "look at the episode; a policy learns to wait from it.",
        )


def check_jerk(episodes: Sequence[Signals], scales: dict[str, Scale]) -> Iterator[Finding]:
    """Episodes that are much rougher than the dataset's median one."""
    jerks = {signals.name: _jerk(signals, scales) for signals in episodes}
    usual = float(np.median(list(jerks.values()))) if len(jerks) >= MIN_EPISODES else 0.0
    for name, jerk in jerks.items():
        if usual > 0 and jerk > ROUGH * usual:
            yield Finding(
                name,
                "jerk",
                "notice",
                f"jerk is {jerk / usual:.1f} times that of the median episode",
                f"at most {ROUGH:g} times",
                "look at the episode: a collision, a shaking hand, or dropped commands.",
            )


def check_gripper(signals: Signals, scales: dict[str, Scale], names: Sequence[str]) -> Iterator[Finding]:
    """A gripper that opens and closes again and again; `names` are those of the action's dimensions."""
    if ACTION not in signals.numbers:
        return
    scale = scales[ACTION]
    for dimension in range(signals.numbers[ACTION].shape[1]):
        called = names[dimension] if dimension < len(names) else str(dimension)
        is_gripper = "gripper" in called.lower() or bool(scale.is_switch[dimension])
        if not is_gripper or scale.is_constant[dimension]:
            continue
        flips = _flips(signals.numbers[ACTION][:, dimension], scale.low[dimension], scale.span[dimension])
        n_short = int((np.diff(flips) < SHORTEST_HOLD_S * signals.fps_hz).sum())
        if n_short + 1 >= MIN_FLIPS:
            yield Finding(
                signals.name,
                "gripper",
                "notice",
                f"{called} changes {len(flips)} times, {n_short} times within {SHORTEST_HOLD_S:g} s of the "
                f"change before; first after row {int(flips[0]) - 1}",
                "a gripper that stays open or closed for a while",
                "look at the episode; smooth the command where it was recorded.",
            )


def _jerk(signals: Signals, scales: dict[str, Scale]) -> float:
    """Root mean square of the third difference, in spans of each dimension per second cubed."""
    if STATE not in signals.numbers or signals.length < 4 or not scales[STATE].moves.any():
        return 0.0
    moves = scales[STATE].moves
    shares = signals.numbers[STATE][:, moves] / scales[STATE].span[moves]
    return float(np.sqrt(np.mean(np.diff(shares, n=3, axis=0) ** 2)) * signals.fps_hz**3)


def _flips(values: Float[np.ndarray, " t"], low: float, span: float) -> np.ndarray:
    """Rows at which a gripper has changed sides; between 40 and 60 % of its way it stays where it was."""
    share = (values - low) / span
    closed, flips = bool(share[0] > (CLOSED_SHARE + OPEN_SHARE) / 2), []
    for row, at in enumerate(share):
        if (at > CLOSED_SHARE and not closed) or (at < OPEN_SHARE and closed):
            closed = not closed
            flips.append(row)
    return np.array(flips, np.int64)
