"""A source of traces for `trace_controller.py`: every scene is filmed, extracted, and retold to the policy.

The video shows the scripted demonstrator with its disturbances, through the front camera with sensor depth
and known poses, as a training clip does. TraceExtract reads it with the project's defaults.
"""

import tempfile
from pathlib import Path

from mu0.envs.ur3.environment import Ur3Environment
from mu0.params.extract import ExtractParams
from mu0.params.raw_videos import SimulatedSource
from mu0.sources.clip.on_disk import read_clip
from mu0.sources.recording import store_recording
from mu0.sources.simulated import record_clip
from mu0.trace_policy.extracted_traces import ExtractedDemonstration, ExtractedTraces
from mu0.trace_policy.path_steps import PathSteps
from mu0.trace_policy.refusals import UnknownObjectError
from mu0.trace_policy.sources import AbstractTraceSource, Futures, Moment
from mu0.trace_policy.told_target import ToldTarget
from mu0.trace_policy.ur3 import read_ur3, ur3_embodiment
from mu0.traceextract.engine import extract_clip


class FilmedScenes(AbstractTraceSource):
    """Films and extracts a scene when an episode begins."""

    def __init__(self, environment: Ur3Environment, steps: PathSteps, size_px: int) -> None:
        self._environment, self._steps, self._size_px = environment, steps, size_px
        self._traces: ExtractedTraces | None = None
        self._why = ""

    def reset(self, seed: int) -> None:
        """Film scene `seed`."""
        self._traces = None
        if seed:  # the policy resets itself once when it is made
            self._film(seed)

    def look(self, moment: Moment) -> Futures:
        """The extracted traces; a scene without any counts as one where nothing moves."""
        if self._traces is None:
            raise UnknownObjectError(
                f"The video gave no traces: {self._why}.",
                expected="an episode",
                remedy="look at its quality row.",
            )
        return self._traces.look(moment)

    def _film(self, seed: int) -> None:
        source = SimulatedSource(
            kind="simulated",
            embodiment="ur3",
            n_clips=1,
            clips_per_scene=1,
            image_size_px=self._size_px,
            seed=seed,
        )
        with tempfile.TemporaryDirectory() as folder:
            store_recording(Path(folder), "filmed", record_clip(source, 0))
            clip = read_clip(Path(folder) / "clip")
            log = clip.robot()
            episode, sidecar, row = extract_clip(clip, ExtractParams())
        if row["status"] != "ok" or log is None:
            self._why = str(row.get("reason", row["status"]))
            return
        tools = [read_ur3(log.state[frame]) for frame in sidecar.source_frames]
        demonstration = ExtractedDemonstration(episode, tools)
        finder = ToldTarget(self._environment)
        self._traces = ExtractedTraces(demonstration, finder, ur3_embodiment(), self._steps)
        self._traces.reset(seed)
