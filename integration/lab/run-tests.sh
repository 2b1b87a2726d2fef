#!/bin/sh
# Runs a GoogleTest program in lab hosts until each of its tests has passed. Emulation is not
# dependable (docs/lab.md): where a host ends before the program does, another one goes on with the
# tests that have not passed yet. A test that fails has a second attempt, in another host too, unless
# the program says (status 75, EX_TEMPFAIL) that its failures say nothing. Gives up after two
# failures of one test, or three hosts in a row in which no test passed. For the summary of
# ./bootstrap test it prints a line "second attempt: TEST: REASON" for every test that it runs again.
# run-tests.sh VNUMA_LAB TOPOLOGY FILTER PROGRAM...     LAB_SECONDS: how long a host may run; default 1500
set -u
lab=$1 topology=$2 filter=$3
shift 3
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 143' TERM INT
: >"$work/passed"
: >"$work/failed"

# The names in such lines of what was printed last.
names() {
    sed -n "s/^\[ *$1 *\] \([^ ,]*\).* (.* ms)\$/\1/p" "$work/output"
}

# Of the test that ran when the host ended.
interrupted() {
    sed -n 's/^\[ RUN      \] //p' "$work/output" | tail -n 1
}

# reason TEST: why it has not passed, in one line
reason() {
    case $status in
    125) sed -n 's/^vnuma-lab: //p' "$work/output" ;;
    75) sed -n 's/^lab: \(.* has been reset\):$/\1/p' "$work/output" ;;
    *) awk -v test="$1" '
        index($0, "[ RUN      ] " test) == 1 { inside = 1 }
        inside && / Failure$/ { file = $1; sub(".*/", "", file); getline; print file " " $0 }' "$work/output" ;;
    esac | head -n 1
}

# Once for each test, though GoogleTest names a failed one again in the end.
announce_second_attempts() {
    case $status in
    125) interrupted ;;
    *) names FAILED | sort -u ;;
    esac | while read -r test; do
        why=$(reason "$test")
        echo "second attempt: $test: ${why:-the program ended with status $status}"
    done
}

case $filter in
*-*) but=: ;;
*) but=- ;;
esac
fruitless=0 unexplained=0
while :; do
    passed=$(paste -sd: "$work/passed")
    {
        "$lab" run --topology "$topology" --timeout "${LAB_SECONDS:-1500}" -- "$@" --gtest_filter="$filter$but$passed" 2>&1
        echo $? >"$work/status"
    } | tee "$work/output"
    status=$(cat "$work/status")
    # What failed although each test passed is not made good by a host in which no test ran.
    if [ "$status" = 0 ]; then
        [ -z "$(names OK)" ] || exit 0
        exit "$unexplained"
    fi

    before=$(wc -l <"$work/passed")
    names OK >>"$work/passed"
    fruitless=$((fruitless + 1))
    [ "$(wc -l <"$work/passed")" -eq "$before" ] || fruitless=0
    [ "$status" = 75 ] || names FAILED >>"$work/failed"
    case $status in
    75 | 125) ;;
    *) [ -n "$(names FAILED)" ] || unexplained=$status ;;
    esac
    twice=$(sort "$work/failed" | uniq -d)
    if [ -n "$twice" ] || [ "$fruitless" -ge 3 ]; then
        echo "run-tests: given up; failed twice: ${twice:-none}" >&2
        exit "$status"
    fi
    announce_second_attempts
done
