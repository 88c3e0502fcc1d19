#!/bin/sh
# Make the virtual environment and install mu0 into it. Safe to repeat.
set -eu

PYTHON=${PYTHON:-python3}
VENV=${VENV:-.venv}

say() { printf '%s\n' "$*" >&2; }

if ! command -v "$PYTHON" >/dev/null 2>&1; then
    say "There is no '$PYTHON' on this machine. mu0 needs Python 3.11, 3.12 or 3.13: install it, or run make PYTHON=/path/to/python3."
    exit 1
fi
if ! "$PYTHON" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))'; then
    say "'$PYTHON' is $("$PYTHON" --version 2>&1). mu0 needs Python 3.11, 3.12 or 3.13: run make PYTHON=/path/to/python3.12."
    exit 1
fi
if ! command -v git >/dev/null 2>&1; then
    say "There is no git on this machine, and DVC keeps its records in git: install git."
    exit 1
fi

[ -x "$VENV/bin/python" ] || "$PYTHON" -m venv "$VENV" || {
    say "The virtual environment could not be made. On Debian: apt-get install python3-venv."
    exit 1
}

# uv installs in seconds what takes pip minutes; it does not read pip's configuration, so hand it the folder of wheels
"$VENV/bin/python" -m pip install --quiet uv
links=$("$VENV/bin/python" -m pip config get global.find-links 2>/dev/null || true)
UV_FIND_LINKS="${UV_FIND_LINKS:-$links}" "$VENV/bin/uv" pip install --quiet --python "$VENV/bin/python" \
    --constraint constraints.txt --editable '.[sim,sources,viz,dev]'

# Rendering: EGL, else OSMesa, else our ray caster. Only the first two need a system library.
has_gl() {
    "$VENV/bin/python" -c 'import sys; from mu0.envs.rendering import available_renderers
sys.exit(not any(renderer.works for renderer in available_renderers() if renderer.name != "raycast"))'
}
if ! has_gl; then
    if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
        say "No GL for rendering: installing libegl1 and Mesa."
        apt-get update -qq && apt-get install -y -qq libegl1 libgl1-mesa-dri >/dev/null || true
    fi
    has_gl || say "No GL for rendering, so simulated videos are ray-cast (slower, no textures). \
For the faster way: apt-get install libegl1 libgl1-mesa-dri (or libosmesa6)."
fi
