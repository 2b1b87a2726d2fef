#!/bin/sh
# The other compiler, and its checks: clang 14 builds the tree without a warning, and clang-tidy
# finds nothing.  clang.sh SOURCE_ROOT BUILD_DIRECTORY
set -eu
source=$1 build=$2
[ -e "$build/build.ninja" ] || CXX=clang++-14 meson setup "$build" "$source"
ninja -C "$build"
files=$(cd "$source" && find policy qmp guests src integration -name '*.cpp' | sed "s|^|$source/|")
# shellcheck disable=SC2086
printf '%s\n' $files | xargs -P "$(nproc)" -n 4 clang-tidy-14 -p "$build" --quiet
