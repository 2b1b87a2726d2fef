#!/bin/sh
# Records tests/golden/lab again: what a lab host's kernel, libvirt and QEMU say of a guest of each
# shape.  record.sh [BUILD_DIRECTORY]
set -eu
root=$(realpath "$(dirname "$0")/../..")
build=$(realpath "${1:-$root/build}")/integration
out=$(mktemp)
trap 'rm -f "$out"' EXIT
# The host's changes die with it; what is recorded comes out as an archive.
# shellcheck disable=SC2016
"$build/vnuma-lab" run --timeout 600 -- sh -c '
    "$1" record /run/golden >&2 && tar -C /run/golden -c .' sh "$build/guest-shapes" >"$out"
tar -tf "$out" >/dev/null
for shape in $(tar -tf "$out" | sed -n 's|^\./\([^/]*\)/$|\1|p'); do
    rm -rf "$root/tests/golden/lab/$shape"
done
mkdir -p "$root/tests/golden/lab"
tar -C "$root/tests/golden/lab" -xf "$out"
