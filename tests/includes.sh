#!/bin/sh
# Fails when an include breaks the arrows between the folders (CONTRIBUTING.md, "Where things are").
# includes.sh SOURCE_ROOT
set -u
cd "$1" || exit 1
status=0

complain() {
    printf 'breaks the arrows: %s\n%s\n' "$1" "$2"
    status=1
}

# check_system FOLDER OWN OTHERS: the folder's files may include "X/..." for the top folders X in
# OWN, the <names> of the C++ standard, and those <names> that match OTHERS.
check_system() {
    found=$(grep -rnE '^ *# *include' --include='*.hpp' --include='*.cpp' "$1" |
        grep -vE "include \"($2)/[^\"]*\"" |
        grep -vE 'include <[a-z_]+>' |
        grep -vE "include <($3)")
    [ -z "$found" ] || complain "$1 may not include these" "$found"
}

# check_level PLACE BELOW...: files at PLACE may include files at PLACE and at the places BELOW of the
# same top folder. A place is a folder with all that is in it, or "FOLDER/." for the files directly
# in a folder.
check_level() {
    place=$1
    top=${place%%/*}
    case $place in
    */.) files=$(find "${place%/.}" -maxdepth 1 -name '*.[ch]pp') ;;
    *) files=$(find "$place" -name '*.[ch]pp') ;;
    esac
    [ -n "$files" ] || complain "$place" 'there is no such place; tests/includes.sh names it'
    allowed=
    for one in "$@"; do
        case $one in
        */.) allowed="$allowed|${one%/.}/[^/\"]*" ;;
        *.hpp) allowed="$allowed|$one" ;;
        *) allowed="$allowed|$one/[^\"]*" ;;
        esac
    done
    # shellcheck disable=SC2086
    found=$(grep -nE "^ *# *include \"$top/" $files | grep -v '\.skel\.h"' | grep -vE "include \"(${allowed#|})\"")
    [ -z "$found" ] || complain "$place is below what it includes" "$found"
}

# check_levels PLACE...: each place may use those before it.
check_levels() {
    below=
    for level in "$@"; do
        # shellcheck disable=SC2086
        check_level "$level" $below
        below="$below $level"
    done
}

system='[a-z_]+\.h>|sys/|linux/'
check_system policy policy 'nothing-else'
check_system qmp qmp 'boost/|nlohmann/|sys/'
check_system guests 'guests|policy|qmp' "boost/|bpf/|nlohmann/|libvirt/|pugixml.hpp|$system"
check_system src 'src|guests|policy|qmp' "boost/|nlohmann/|spdlog/|toml\+\+/|CLI/|systemd/|cap-ng.h|prometheus/|sqlite3.h|$system"
check_system integration 'integration|qmp' "boost/|nlohmann/|libvirt/|gtest/|CLI/|$system"

check_levels policy/model policy/units policy/search policy/verdict policy/.
check_levels guests/model guests/bpf guests/process guests/discovery guests/memory guests/tracking guests/.
tracking=guests/tracking
below='guests/model guests/bpf guests/process guests/discovery guests/memory'
# shellcheck disable=SC2086
{
    below="$below $tracking/tracking_budget.hpp $tracking/scan_period.hpp"
    check_level $tracking/heat $below
    for part in attribution damon idle_page soft_dirty dirty_rate; do
        check_level $tracking/$part $below $tracking/heat
    done
}
check_levels src/json src/config src/observe src/act src/record src/control/protocol src/report src/history \
    src/control/orders src/control/queries src/metrics src/control/server src/state_directory.hpp src/control/. src/.
check_level src/ctl src/json src/config src/observe src/act src/record src/control/protocol src/control/orders

# Threads, clocks and files are the standard's too, but not policy's.
found=$(grep -rnE 'include <(chrono|thread|fstream|filesystem|iostream|mutex|atomic|random)>' policy)
[ -z "$found" ] || complain 'policy is pure' "$found"
exit $status
