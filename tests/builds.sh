#!/bin/sh
# Builds everything with both compilers, for debugging and for release, in directories of their own
# below the build; a warning is an error.  builds.sh SOURCE_ROOT BUILD_DIRECTORY
set -eu
source=$1 build=$2
# Meson uses ccache by itself only where it chooses the compiler. Debug information takes time, and
# no warning depends on it.
ccache=$(command -v ccache || :)
for compiler in g++ clang++-14; do
    for type in debug release; do
        directory=$build/$compiler-$type
        [ -e "$directory/build.ninja" ] ||
            CXX="${ccache:+ccache }$compiler" meson setup --buildtype "$type" -Ddebug=false -Dwerror=true "$directory" "$source"
        ninja -C "$directory"
    done
done
