#!/bin/sh
# Fails when CONTRIBUTING.md names a file or folder that does not exist, or leaves a folder out, and
# when docs/safety.md names a test that does not exist.
# map.sh SOURCE_ROOT
set -u
cd "$1" || exit 1
status=0

complain() {
    printf '%s\n' "$*"
    status=1
}

# Whatever is written like a path of ours.
named=$(grep -oE '`(policy|qmp|guests|src|integration|tests|contrib|docs)(/[A-Za-z0-9_./-]+)?`' CONTRIBUTING.md |
    tr -d '`' | sort -u)
for path in $named; do
    [ -e "$path" ] || complain "CONTRIBUTING.md: $path does not exist"
done

# Folders of code. tests/ mirrors the others.
folders=$(find policy qmp guests src integration contrib docs .ci tests/browser tests/simulator tests/benchmarks tests/fuzz \
    tests/golden -type d -not -path 'tests/golden/*' -not -path 'tests/fuzz/*' -not -path 'contrib/*')
for folder in $folders; do
    grep -q "^| \`$folder\` |" CONTRIBUTING.md ||
        complain "CONTRIBUTING.md: the table of folders leaves out $folder"
done

for folder in $(find tests -mindepth 1 -type d -not -path 'tests/golden*' -not -path 'tests/fuzz*' \
    -not -path 'tests/simulator*' -not -path 'tests/benchmarks*' -not -path 'tests/browser*'); do
    [ -d "${folder#tests/}" ] || complain "CONTRIBUTING.md: $folder mirrors no folder"
done

# Tests, written SUITE.TEST, or SUITE/ROW where a table has a row for each.
for test in $(grep -oE '`[A-Z][A-Za-z0-9]*[./][A-Z][A-Za-z0-9]*`' docs/safety.md | tr -d '`' | sort -u); do
    suite=${test%%[./]*} name=${test##*[./]}
    grep -rlE "TEST(_F|_P)?\($suite, " tests integration --include='*.cpp' | xargs grep -qE "\"$name\"|\($suite, $name\)" ||
        complain "docs/safety.md: there is no test $test"
done
exit $status
