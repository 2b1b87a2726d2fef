#!/bin/sh
# run.sh TARGET SEED_DIRECTORY...
# Runs a fuzz target for at most 20 seconds, or FUZZ_SECONDS. New corpus entries are discarded. An
# input that fails is kept in the current directory.
set -eu
target=$1
shift
corpus=$(mktemp -d)
trap 'rm -rf "$corpus"' EXIT
seeds=
for directory in "$@"; do
    [ ! -d "$directory" ] || seeds="$seeds $directory"
done
limits='-runs=200000 -max_total_time=5'
[ -z "${FUZZ_SECONDS:-}" ] || limits="-max_total_time=$FUZZ_SECONDS"
# shellcheck disable=SC2086
"$target" $limits -max_len=16384 -timeout=10 -print_final_stats=1 "$corpus" $seeds
