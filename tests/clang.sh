#!/bin/sh
# The other compiler, and its checks: clang 14 builds the tree without a warning, its fuzzer finds
# nothing in a short run, and clang-tidy finds nothing.  clang.sh SOURCE_ROOT BUILD_DIRECTORY
set -eu
source=$1 build=$2
[ -e "$build/build.ninja" ] || CXX=clang++-14 meson setup -Dfuzz=true "$build" "$source"
# The directory may be older than the option.
[ -d "$build/tests/fuzz" ] || meson configure -Dfuzz=true "$build"
ninja -C "$build"
meson test -C "$build" --no-rebuild --print-errorlogs --suite fuzz
files=$(cd "$source" && find policy qmp guests src integration -name '*.cpp' | sed "s|^|$source/|")
# shellcheck disable=SC2086
printf '%s\n' $files | xargs -P "$(nproc)" -n 4 clang-tidy-14 -p "$build" --quiet 2>"$build/tidy.err" || {
    # But for how much it does not say.
    grep -v ' warnings generated' "$build/tidy.err" >&2
    exit 1
}
