"""The system libraries that drawing through GL needs: which, and the Debian packages that bring them.

pip cannot bring them, and a minimal system has none. This is the one list: `scripts/install.sh` installs or
prints it, `mu0 doctor` and the simulator's errors print it.

    EGL      libEGL, libOpenGL (PyOpenGL looks up its functions there; without it nothing can be drawn), and
             Mesa's drivers, which Debian 13 brings along; with NVIDIA's driver its own are used
    OSMesa   libOSMesa alone; Mesa has dropped it since 25.1, so Debian 13 is the last to have it

    python -m mu0.envs.system_libraries    the packages for EGL, on one line

Source: minimal Debian 12 and 13 systems, one package at a time (docs/experiments.md, 2026-11-29).
"""

import os
import shutil
import sys

EGL_PACKAGES = ("libegl1", "libopengl0", "libgl1-mesa-dri")
OSMESA_PACKAGES = ("libosmesa6",)
LIBRARIES = {"egl": ("libEGL.so.1", "libOpenGL.so.0|libGL.so.1"), "osmesa": ("libOSMesa.so.8|libOSMesa.so",)}
"""What each way to draw loads by name; `|` separates names of which one is enough."""


def install_command() -> str:
    """What to type on this machine to be able to draw through EGL."""
    packages = " ".join(EGL_PACKAGES)
    if shutil.which("apt-get") is None:
        libraries = ", ".join(LIBRARIES["egl"]).replace("|", " or ")
        return f"install the packages with {libraries} and Mesa's drivers (on Debian and Ubuntu: {packages})"
    sudo = "" if os.geteuid() == 0 else "sudo "
    return f"{sudo}apt-get update && {sudo}apt-get install -y {packages}"


if __name__ == "__main__":
    sys.stdout.write(" ".join(EGL_PACKAGES) + "\n")
