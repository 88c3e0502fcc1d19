#!/bin/sh
# How large the environment is, and its largest packages.
#
# Usage: sizes.sh VENV
set -eu
site=$("$1/bin/python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')

printf 'The environment takes %s MiB. The largest packages:\n' "$(du -sk "$1" | awk '{ printf "%.0f", $1 / 1024 }')"
(cd "$site" && du -sk -- *) | sort -rn | awk 'NR <= 5 { printf "  %6.0f MiB  %s\n", $1 / 1024, $2 }'
