"""Pictures from MuJoCo on any machine: EGL, else OSMesa, else our own ray caster.

The simulator must render on a laptop without a display, in a bare container and on a cluster. GL needs
system libraries that pip cannot bring, so the last resort is a renderer of our own that needs only MuJoCo's
ray queries (mu0/envs/raycast_renderer.py): slower, without textures, always there.

How one is chosen
    MUJOCO_GL=egl | osmesa | glfw   that one; if it fails, the error says so (the user asked for it)
    MUJOCO_GL=off                   the ray caster
    unset                           the first that draws a test picture in a process of its own, because a
                                    broken GL library may end the process that loads it; where none does, the
                                    ray caster, and the log says so

Entry points
    open_renderer          model, data, largest picture -> AbstractRenderer
    available_renderers    what works here, and why the others do not (`mu0 doctor`)

Source: measured behaviour of mujoco 4.0.0; reference/simulation.md §1.
"""

import logging
import os
import subprocess
import sys
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from mu0.envs.renderer import AbstractRenderer
from mu0.envs.system_libraries import LIBRARIES, install_command
from mu0.errors import SimulationError

if TYPE_CHECKING:
    import mujoco

LOG = logging.getLogger(__name__)

GL_BACKENDS = ("egl", "osmesa")
RAYCAST = "raycast"
SWITCHED_OFF = ("off", "disable", "disabled", "false", "0")
RAYCAST_COST = "about 2 times slower at 128 px and 3 times at 256 px, without textures"
"""Frames per second of processor time against EGL on Mesa, docs/experiments.md, 2026-11-29."""
PROBE_TIMEOUT_S = 60
PROBE = """
import ctypes, sys
for names in sys.argv[1:]:
    for name in names.split("|"):
        try:
            ctypes.CDLL(name)
            break
        except OSError as error:
            found = error
    else:
        fault = "is not on this machine" if "No such file" in str(found) else f"does not load: {found}"
        sys.exit(f"{names.replace('|', ' or ')} {fault}")
import mujoco
model = mujoco.MjModel.from_xml_string(
    "<mujoco><worldbody><light pos='0 0 3'/><geom size='.2' rgba='1 1 1 1'/></worldbody></mujoco>")
data = mujoco.MjData(model)
mujoco.mj_forward(model, data)
renderer = mujoco.Renderer(model, 16, 16)
renderer.update_scene(data)
assert renderer.render().max() > 0, "the test picture is black"
"""


@dataclass(frozen=True)
class RendererStatus:
    """Whether one way to render works on this machine; `reason` is empty when it does."""

    name: str
    works: bool
    reason: str


@cache
def _probe(backend: str) -> RendererStatus:
    environment = {**os.environ, "MUJOCO_GL": backend, "PYOPENGL_PLATFORM": backend}
    try:
        done = subprocess.run(
            [sys.executable, "-c", PROBE, *LIBRARIES[backend]],
            env=environment,
            capture_output=True,
            text=True,
            timeout=PROBE_TIMEOUT_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return RendererStatus(backend, works=False, reason=f"no picture within {PROBE_TIMEOUT_S} s")
    if done.returncode == 0:
        return RendererStatus(backend, works=True, reason="")
    said = [line.strip() for line in done.stderr.splitlines() if line.strip()]
    reason = said[-1] if said else f"the test process ended with code {done.returncode}"
    return RendererStatus(backend, works=False, reason=reason)


def available_renderers() -> list[RendererStatus]:
    """Every renderer in the order of preference; the ray caster always works where MuJoCo imports."""
    return [*(_probe(backend) for backend in GL_BACKENDS), RendererStatus(RAYCAST, works=True, reason="")]


def choose_renderer() -> str:
    """Name of the renderer to use, as the module header explains.

    The choice is written to MUJOCO_GL, where MuJoCo and worker processes look for it.
    """
    asked = os.environ.get("MUJOCO_GL", "").lower().strip()
    if asked in SWITCHED_OFF:
        return RAYCAST
    if asked:
        return asked
    for backend in GL_BACKENDS:
        if _probe(backend).works:
            os.environ["MUJOCO_GL"] = backend
            return backend
    os.environ["MUJOCO_GL"] = "off"
    LOG.warning("%s", ray_casting_notice())
    return RAYCAST


def ray_casting_notice() -> str:
    """What it means that no GL works here, and what to do."""
    reasons = "; ".join(f"{name}: {_probe(name).reason}" for name in GL_BACKENDS)
    return (
        f"NO GL ON THIS MACHINE ({reasons}), so simulated pictures are ray-cast: {RAYCAST_COST}. "
        f"Numbers will differ from those in the README. For GL: {install_command()}"
    )


def open_renderer(
    model: "mujoco.MjModel", data: "mujoco.MjData", *, width_px: int, height_px: int, name: str | None = None
) -> AbstractRenderer:
    """A renderer for pictures of at most `width_px` x `height_px`.

    Args:
        model: The world.
        data: Its state; pictures show what it holds when they are taken.
        width_px: Widest picture.
        height_px: Highest picture.
        name: `egl`, `osmesa`, `glfw` or `raycast`; None chooses.

    Raises:
        SimulationError: The named renderer does not work here.
    """
    chosen = name or choose_renderer()
    if chosen == RAYCAST:
        from mu0.envs.raycast_renderer import RaycastRenderer

        return RaycastRenderer(model, data)
    from mu0.envs.gl_renderer import GlRenderer

    try:
        return GlRenderer(model, data, width_px=width_px, height_px=height_px, backend=chosen)
    except (ImportError, AttributeError, RuntimeError, OSError) as error:
        raise SimulationError(
            f"The renderer {chosen!r} does not work on this machine: {error}.",
            expected="a GL library for off-screen pictures, or the ray caster",
            remedy="unset MUJOCO_GL so that mu0 chooses one that works, set MUJOCO_GL=off for the ray "
            f"caster, or: {install_command()}",
        ) from error
