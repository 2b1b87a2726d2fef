#!/bin/sh
# Fails when an include breaks the arrows between the folders (CONTRIBUTING.md, "Where things are").
# includes.sh SOURCE_ROOT
set -u
root=$1
status=0

# check FOLDER OWN OTHERS: its files may include "FOLDER/..." for the folders in OWN, the standard's
# <names>, and <what matches OTHERS>.
check() {
    folder=$1 own=$2 others=$3
    [ -d "$root/$folder" ] || {
        printf 'no such folder: %s\n' "$root/$folder"
        status=1
        return
    }
    found=$(grep -rnE '^ *# *include' --include='*.hpp' --include='*.cpp' "$root/$folder" |
        grep -vE "include \"($own)/[^\"]*\"" |
        grep -vE 'include <[a-z_]+>' |
        grep -vE "include <($others)")
    [ -z "$found" ] && return
    printf 'breaks the arrows:\n%s\n' "$found"
    status=1
}

system='[a-z_]+\.h>|sys/|linux/'
check policy policy 'nothing-else'
check qmp qmp 'boost/|nlohmann/|sys/'
check guests 'guests|policy|qmp' "boost/|bpf/|nlohmann/|libvirt/|pugixml.hpp|$system"
check src 'src|guests|policy|qmp' "boost/|nlohmann/|spdlog/|toml\+\+/|CLI/|systemd/|cap-ng.h|$system"
check integration 'integration|qmp' "boost/|nlohmann/|libvirt/|gtest/|CLI/|$system"
# Threads, clocks and files are the standard's too, but not policy's.
if grep -rnE 'include <(chrono|thread|fstream|filesystem|iostream|mutex|atomic|random)>' "$root/policy"; then
    printf 'breaks the arrows: policy is pure\n'
    status=1
fi
exit $status
