#!/bin/sh
# Runs a fuzz target for a short while; what it learns goes away, what it finds stays in the current
# directory. Longer: FUZZ_SECONDS=600.  run.sh TARGET SEED_DIRECTORY...
set -eu
target=$1
shift
corpus=$(mktemp -d)
trap 'rm -rf "$corpus"' EXIT
seeds=
for directory in "$@"; do
    [ ! -d "$directory" ] || seeds="$seeds $directory"
done
limits='-runs=200000 -max_total_time=20'
[ -z "${FUZZ_SECONDS:-}" ] || limits="-max_total_time=$FUZZ_SECONDS"
# shellcheck disable=SC2086
"$target" $limits -max_len=16384 -timeout=10 -print_final_stats=1 "$corpus" $seeds
