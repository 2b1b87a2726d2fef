#!/bin/sh
# Runs the commands that README.md, CONTRIBUTING.md and docs/ name, as tests/documented_commands.txt
# says for one suite. In suite `unit` it also fails where a document names a command that the list
# has not, or the list one that no document names.
# documented_commands.sh SUITE SOURCE_ROOT BUILD_DIRECTORY
set -u
suite=$1 source=$(realpath "$2") build=$(realpath "$3")
list=$source/tests/documented_commands.txt
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
status=0

fail() {
    printf 'FAILED: %s\n' "$*"
    status=1
}

# What is between backticks, and lines indented as code, if they begin with a program of ours.
documented() {
    ours='(\./bootstrap|(ninja|meson) [a-z]|[A-Z_]+=[^ ]+ build/|build/|integration/scenarios/[a-z]+\.sh'
    ours="$ours|tests/golden/record-[a-z]+\.(sh|py) |(vnumad|vnumactl|vnuma-lab|tracking-tables|wide-table|guest-shapes|simulate-baselines)( |$))"
    (cd "$source" && awk '
        FNR == 1 { fenced = 0 }
        /^```/ { fenced = !fenced; next }
        fenced { print; next }
        /^    / { print substr($0, 5); next }
        { n = split($0, part, "`"); for (i = 2; i <= n; i += 2) print part[i] }
        ' README.md CONTRIBUTING.md docs/*.md) |
        sed 's/  *#.*//; s/ *$//' | grep -E "^$ours" | LC_ALL=C sort -u
}

# run COMMAND: in the source tree, as a reader would, with the build's own programs for installed ones
run() {
    (
        cd "$source" || exit
        PATH=$build/src:$build/integration:$build/tests/simulator:$PATH WORK=$work BUILD=$build
        export PATH WORK BUILD
        eval "$1"
    ) >"$work/output" 2>&1 </dev/null && return
    fail "$command, run as: $1"
    cat "$work/output"
}

# is_run_by FILE TEXT: another test runs the command
is_run_by() {
    grep -qF -- "$2" "$source/$1" || fail "$command: $1 does not have: $2"
}

if [ "$suite" = unit ]; then
    documented >"$work/documented"
    grep -v '^[[# ]' "$list" | grep . | LC_ALL=C sort >"$work/listed"
    LC_ALL=C comm -23 "$work/documented" "$work/listed" >"$work/missing"
    LC_ALL=C comm -13 "$work/documented" "$work/listed" >"$work/stale"
    while read -r command; do fail "tests/documented_commands.txt has no: $command"; done <"$work/missing"
    while read -r command; do fail "no document names: $command"; done <"$work/stale"
fi

section=
while IFS= read -r line <&3; do
    case $line in
    '' | '#'*) ;;
    '['*) section=$line ;;
    '    run by '*)
        [ "$suite" != unit ] || {
            line=${line#    run by }
            is_run_by "${line%%: *}" "${line#*: }"
        }
        ;;
    '    '*) [ "$section" != "[$suite]" ] || run "${line#    }" ;;
    *) command=$line ;;
    esac
done 3<"$list"
exit $status
