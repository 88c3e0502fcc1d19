#!/bin/sh
# Make the virtual environment and install mu0 into it.
#
# Safe to repeat: done at once when nothing has changed. An interrupted install, a folder that was moved or copied, or
# another PYTHON start the environment anew (uv keeps what it has downloaded).
#
#   PYTHON=/path/to/python3.12   which Python; otherwise the one that the environment has, or python3
#   TORCH_BACKEND=cpu            which build of torch (scripts/torch_backend.sh); remembered until the next one is given
set -eu

VENV=${VENV:-.venv}
STAMP=$VENV/.installed
PENDING=$VENV/.installing
scripts=$(dirname "$0")

say() { printf '%s\n' "$*" >&2; }

# ---- what is asked for, and is it there already? -------------------------------------------------------------------
version() { "$1" -c 'import sys; print(*sys.version_info[:3], sep=".")' 2>/dev/null || echo none; }
stamped() { [ ! -f "$STAMP" ] || sed -n "$1p" "$STAMP"; }

place=$(pwd -P)
contents=$(cat pyproject.toml constraints.txt "$scripts"/*.sh | cksum)
backend_asked=${TORCH_BACKEND:-$(stamped 3)}
wanted=$(printf '%s\n%s\n%s' "$place" "$contents" "$backend_asked")
another_python() { [ -n "${PYTHON:-}" ] && [ "$(version "$PYTHON")" != "$(version "$VENV/bin/python")" ]; }

if [ -f "$STAMP" ] && [ "$(cat "$STAMP")" = "$wanted" ] && [ -x "$VENV/bin/python" ] && ! another_python; then
    exit 0
fi

# ---- a Python that fits, and git -----------------------------------------------------------------------------------
python=${PYTHON:-python3}
[ -n "${PYTHON:-}" ] || [ "$(version "$VENV/bin/python")" = none ] || python=$VENV/bin/python
if ! command -v "$python" >/dev/null 2>&1; then
    say "There is no '$python' on this machine. mu0 needs Python 3.11, 3.12 or 3.13: install it, or run make install PYTHON=/path/to/python3."
    exit 1
fi
if ! "$python" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))'; then
    say "'$python' is $("$python" --version 2>&1). mu0 needs Python 3.11, 3.12 or 3.13: run make install PYTHON=/path/to/python3.12."
    exit 1
fi
if ! command -v git >/dev/null 2>&1; then
    say "There is no git on this machine, and DVC keeps its records in git: install git."
    exit 1
fi

# ---- the environment -----------------------------------------------------------------------------------------------
usable() {
    [ ! -e "$PENDING" ] && ! another_python && "$VENV/bin/python" -m pip --version >/dev/null 2>&1 &&
        { [ -z "$(stamped 1)" ] || [ "$(stamped 1)" = "$place" ]; }
}
if ! usable; then
    if [ -d "$VENV" ]; then
        say "Making $VENV anew: it was left half made, moved, or belongs to another Python."
        # the Python inside may be the one that we were going to use
        [ "$python" != "$VENV/bin/python" ] || python=$("$python" -c 'import sys; print(sys._base_executable)')
        rm -rf "$VENV"
    fi
    "$python" -m venv "$VENV" || {
        say "The virtual environment could not be made; the message above says why. If ensurepip is missing, on Debian and Ubuntu: apt-get install python3-venv."
        exit 1
    }
fi
py=$VENV/bin/python
uv=$VENV/bin/uv
rm -f "$STAMP"
touch "$PENDING"

# uv installs in seconds what takes pip minutes. It does not read pip's configuration, so hand on what a mirror needs.
[ -x "$uv" ] || "$py" -m pip install --quiet --disable-pip-version-check --constraint constraints.txt uv
from_pip() {
    value=$("$py" -m pip config get "global.$2" 2>/dev/null || "$py" -m pip config get ":env:.$2" 2>/dev/null || true)
    [ -z "$value" ] || eval "export $1=\${$1:-\$value}"
}
from_pip UV_FIND_LINKS find-links
from_pip UV_DEFAULT_INDEX index-url
from_pip SSL_CERT_FILE cert

backend=$(TORCH_BACKEND=$backend_asked sh "$scripts/torch_backend.sh" "$uv" "$py" constraints.txt)
set -- --constraint constraints.txt --editable '.[sim,sources,viz,dev]'
[ "$backend" = plain ] || set -- --torch-backend "$backend" "$@"
# uv leaves a build of torch that is there already; one that is asked for by name takes its place
[ -z "$backend_asked" ] || set -- --reinstall-package torch "$@"
say "Installing into $VENV; what uv has downloaded before is not fetched again."
sh "$scripts/uv_install.sh" "$uv" --python "$py" "$@" || {
    code=$?
    [ -z "$backend_asked" ] || [ "$backend_asked" = plain ] ||
        say "You asked for TORCH_BACKEND=$backend_asked. TORCH_BACKEND=plain takes torch from where everything else comes from."
    exit "$code"
}
printf '%s\n' "$wanted" >"$STAMP"
rm -f "$PENDING"

# ---- drawing: EGL, else OSMesa, else our ray caster. Only the first two need system libraries ------------------------
has_gl() {
    "$py" -c 'import sys; from mu0.envs.rendering import available_renderers
sys.exit(not any(renderer.works for renderer in available_renderers() if renderer.name != "raycast"))'
}
if ! has_gl; then
    if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
        packages=$("$py" -m mu0.envs.system_libraries)
        say "No GL for rendering: apt-get install $packages"
        # shellcheck disable=SC2086  # the packages are words
        { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq $packages >/dev/null; } ||
            say "They could not be installed; the messages above say why."
    fi
    has_gl || "$py" -c 'from mu0.envs.rendering import ray_casting_notice; print(f"\n{ray_casting_notice()}\n")' >&2
fi

say "Ready: $("$py" --version), torch $("$py" -c 'import torch; print(torch.__version__)')."
sh "$scripts/sizes.sh" "$VENV"
