#!/bin/sh
# Builds everything with both compilers, in directories of their own below the build; a warning is an
# error. GCC warns of other things when it optimises; clang's warnings do not depend on that, so one
# build with it speaks for release builds too.  builds.sh SOURCE_ROOT BUILD_DIRECTORY
set -eu
source=$1 build=$2
# Meson uses ccache by itself only where it chooses the compiler. Debug information takes time, and
# no warning depends on it.
ccache=$(command -v ccache || :)
for kind in g++-debug g++-release clang++-14-debug; do
    directory=$build/$kind
    [ -e "$directory/build.ninja" ] ||
        CXX="${ccache:+ccache }${kind%-*}" meson setup --buildtype "${kind##*-}" -Ddebug=false \
            -Dwerror=true "$directory" "$source"
    ninja -C "$directory"
done
