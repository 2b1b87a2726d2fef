#!/bin/sh
# The other compiler, and its checks: its fuzzer finds nothing in a short run, and clang-tidy finds
# nothing in what is installed, nor does clang warn of it. With FUZZ_SECONDS, it fuzzes for so long
# and checks every file by itself.  clang.sh SOURCE_ROOT BUILD_DIRECTORY
set -eu
source=$1 build=$2 fuzz=$2/clang
# Optimised a little: most of the time goes into compiling.
[ -e "$fuzz/build.ninja" ] ||
    CXX=clang++-14 meson setup -Doptimization=1 -Ddebug=false -Dfuzz=true "$fuzz" "$source"
# The directory may be older than the option.
[ -d "$fuzz/tests/fuzz" ] || meson configure -Dfuzz=true "$fuzz"
# Builds what these need and nothing else.
meson test -C "$fuzz" --print-errorlogs --suite fuzz
python3 "$source/tests/tidy.py" "$source" "$build" ${FUZZ_SECONDS:+each}
