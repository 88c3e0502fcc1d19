#!/bin/sh
# Run `uv pip install`, and show what it says but the list of every package. All of it stays in a log beside Python.
#
# Usage: uv_install.sh UV --python VENV/bin/python ARGUMENTS
set -eu
uv=$1
shift
log=$(dirname "$uv")/../install.log
status=$(dirname "$uv")/../install.status

{
    code=0
    "$uv" pip install "$@" 2>&1 || code=$?
    echo "$code" >"$status"
} | tee "$log" | while IFS= read -r line; do
    case $line in
    ' + '* | ' - '* | ' ~ '* | ' Downloaded '*) ;;
    *) printf '  %s\n' "$line" >&2 ;;
    esac
done

code=$(cat "$status")
rm -f "$status"
[ "$code" = 0 ] || exit "$code"

# "Downloading torch (181.2MiB)": uv names every file over a megabyte
sed -n 's/^Downloading .*(\([0-9.]*\)\([KMG]\)iB)$/\1 \2/p' "$log" | awk '
    { mib += $1 * ($2 == "G" ? 1024 : $2 == "M" ? 1 : 1 / 1024) }
    END { if (NR) printf "Downloaded %.0f MiB in %d large files.\n", mib, NR; else print "Nothing large was downloaded." }' >&2
