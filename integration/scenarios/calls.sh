#!/bin/sh
# Which of the system calls that vnumad may make (src/seccomp_filter.cpp) it has not made, neither
# before it installed its filter nor after, while scenario programs ran in lab hosts of two nodes.
# calls.sh PROGRAM...   such as: privileges tracking. BUILD names the build directory.
set -u
root=$(realpath "$(dirname "$0")/../..")
build=$(realpath "${BUILD:-$root/build}")/integration
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export LC_ALL=C

# The kernel counts them by number.
# shellcheck disable=SC2016
count='event=/sys/kernel/tracing/events/raw_syscalls/sys_enter
    echo "hist:keys=id if comm == \"vnumad\"" >$event/trigger || exit
    "$1" || exit
    cat $event/hist'

for program in "$@"; do
    if ! "$build/vnuma-lab" run --timeout 2400 -- sh -c "$count" sh "$build/scenarios-$program" \
        >"$work/output" 2>&1; then
        tail -n 20 "$work/output" >&2
        exit 1
    fi
    sed -n 's/^{ id: *\([0-9]*\) } hitcount: .*/\1/p' "$work/output" >>"$work/numbers"
done

[ -s "$work/numbers" ] || exit 1
sed -n 's/^#define __NR_\([a-z0-9_]*\) \([0-9]*\)$/\2 \1/p' /usr/include/x86_64-linux-gnu/asm/unistd_64.h |
    awk 'FNR == NR { made[$1] = 1; next } $1 in made { print $2 }' "$work/numbers" - | sort >"$work/made"
grep -oE 'SYS_[a-z0-9_]+' "$root/src/seccomp_filter.cpp" | sed 's/^SYS_//' | sort -u >"$work/listed"
printf 'made %s of %s; not made:\n' "$(comm -12 "$work/made" "$work/listed" | wc -l)" \
    "$(wc -l <"$work/listed")"
comm -13 "$work/made" "$work/listed" | paste -sd' ' | fold -sw 100
