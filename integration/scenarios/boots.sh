#!/bin/sh
# How many lab boots in a row are clean: each starts libvirtd and two guests with two vCPUs, and has
# vnumad bring them home.  boots.sh COUNT [BUILD_DIRECTORY]
set -u
count=$1 build=$(realpath "${2:-build}")/integration
clean=0
while [ "$clean" -lt "$count" ]; do
    "$build/vnuma-lab" run --timeout 600 -- "$build/scenarios-two-nodes" \
        --gtest_filter='*MisplacedGuests*' >"${TMPDIR:-/tmp}/vnuma-boot.log" 2>&1 || break
    clean=$((clean + 1))
    printf '%s clean\n' "$clean"
done
printf '%s of %s boots were clean\n' "$clean" "$count"
[ "$clean" -eq "$count" ]
