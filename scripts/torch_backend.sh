#!/bin/sh
# Which build of torch to ask uv for: prints a torch backend of uv (cpu, auto, cu128, ...) or `plain`, and says why.
#
#   TORCH_BACKEND=cpu|cu128|...|plain   that one; nothing is asked
#   no NVIDIA driver                    cpu: what CUDA adds takes gigabytes that nothing here can use
#   an NVIDIA driver                    auto: uv finds the newest CUDA build that the driver can run
#
# These builds lie on PyTorch's own index. Where that is out of reach, or lacks our version, it is `plain`: the index
# that everything else comes from. One question that is not repeated decides, so this takes seconds, not minutes.
#
# Usage: torch_backend.sh UV PYTHON CONSTRAINTS
set -eu
uv=$1
python=$2
constraints=$3
CUDA_SIZE="about 3 GB to download and 4 GB on disk"

say() { printf '%s\n' "$*" >&2; }

has_nvidia() {
    [ -n "${UV_CUDA_DRIVER_VERSION:-}" ] || [ -e "${NVIDIA_DRIVER_FILE:-/proc/driver/nvidia/version}" ] ||
        { command -v nvidia-smi >/dev/null 2>&1 && nvidia-smi -L >/dev/null 2>&1; }
}

# What torch would be installed: uv resolves it without a download. Further arguments go to uv.
resolve() {
    printf 'torch\n' | UV_HTTP_CONNECT_TIMEOUT=5 UV_HTTP_TIMEOUT=15 "$uv" pip compile --quiet --no-header --no-annotate \
        --python "$python" --constraint "$constraints" "$@" - 2>&1
}

if [ -n "${TORCH_BACKEND:-}" ]; then
    say "torch: the build for '$TORCH_BACKEND', as TORCH_BACKEND asks."
    echo "$TORCH_BACKEND"
    exit 0
fi

if has_nvidia; then
    backend=auto
    why="this machine has an NVIDIA driver: the CUDA build that fits it, $CUDA_SIZE (TORCH_BACKEND=cpu: 0.2 GB)"
else
    backend=cpu
    why="no NVIDIA driver on this machine: the CPU build, about 0.2 GB to download and 0.7 GB on disk"
fi

if answer=$(UV_HTTP_RETRIES=0 resolve --no-deps --torch-backend "$backend"); then
    say "torch: $why."
    echo "$backend"
    exit 0
fi

reason=$(printf '%s\n' "$answer" | sed -n '$s/^[ a-z]*: *//p')
say "torch: ${why%%:*}, but PyTorch's own index does not give that build (${reason:-no reason given}); so the plain index it is."
if answer=$(resolve); then
    if printf '%s\n' "$answer" | grep -q '^nvidia-'; then
        say "torch: the build of the plain index brings CUDA: $CUDA_SIZE."
        [ "$backend" = auto ] || say "torch: nothing here can use it. If you have an index or a folder with a CPU build, name it: UV_FIND_LINKS=FOLDER make install."
    else
        say "torch: the build of the plain index is without CUDA: $(printf '%s\n' "$answer" | grep '^torch==')."
    fi
fi
echo plain
