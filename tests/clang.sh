#!/bin/sh
# The other compiler, and its checks: its fuzzer finds nothing in a short run, and clang-tidy finds
# nothing in what is installed, nor does clang warn of it.  clang.sh SOURCE_ROOT BUILD_DIRECTORY
set -eu
source=$1 build=$2 fuzz=$2/clang
[ -e "$fuzz/build.ninja" ] || CXX=clang++-14 meson setup -Dfuzz=true "$fuzz" "$source"
# The directory may be older than the option.
[ -d "$fuzz/tests/fuzz" ] || meson configure -Dfuzz=true "$fuzz"
# Builds what these need and nothing else.
meson test -C "$fuzz" --print-errorlogs --suite fuzz
files=$(cd "$source" && find policy qmp guests src -name '*.cpp' | sed "s|^|$source/|")
# shellcheck disable=SC2086
printf '%s\n' $files | xargs -P "$(nproc)" -n 4 clang-tidy-14 -p "$build" --quiet 2>"$build/tidy.err" || {
    # But for how much it does not say.
    grep -v ' warnings generated' "$build/tidy.err" >&2
    exit 1
}
