#!/bin/sh
# integration/lab/run-tests.sh, with a lab that does what it is told.  run-tests.sh RUN_TESTS
set -u
run_tests=$1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
status=0

# Each host prints what is in the file of its number, and ends with the status in the last line.
cat >"$work/lab" <<'END'
#!/bin/sh
work=${0%/*}
echo "$@" >>"$work/calls"
host=$work/host.$(wc -l <"$work/calls")
[ -e "$host" ] || exit 99
sed '$d' "$host"
exit "$(tail -n 1 "$host")"
END
chmod +x "$work/lab"

# hosts TEXT...: what each prints
hosts() {
    rm -f "$work"/host.* "$work/calls"
    number=0
    for text; do
        number=$((number + 1))
        printf "$text\n" >"$work/host.$number"
    done
}

# expect STATUS CALLS WHAT [FILTER]
expect() {
    "$run_tests" "$work/lab" some-nodes "${4:-*}" program >"$work/output" 2>&1
    got=$?
    calls=$(wc -l <"$work/calls")
    [ $got -eq "$1" ] && [ "$calls" -eq "$2" ] && return
    echo "FAILED: $3: status $got, $calls hosts"
    cat "$work/calls" "$work/output"
    status=1
}

# expect_line TEXT: in what the last run printed
expect_line() {
    grep -qxF -- "$1" "$work/output" && return
    echo "FAILED: there is no line \"$1\""
    cat "$work/output"
    status=1
}

ok() { printf '[       OK ] %s (5 ms)\\n' "$1"; }
failed() { printf '[  FAILED  ] %s (5 ms)\\n' "$1"; }

hosts "$(ok A.a)0"
expect 0 1 'all pass'
grep -q -- '--topology some-nodes .*-- program --gtest_filter=\*-$' "$work/calls" || {
    echo 'FAILED: what the lab is told'
    status=1
}

hosts "$(ok A.a)$(ok A.b/1)125" "$(ok A.c)0"
expect 0 2 'a host that crashes'
tail -n 1 "$work/calls" | grep -q 'filter=\*-A.a:A.b/1$' || {
    echo 'FAILED: what has passed is run again'
    status=1
}

hosts "$(ok A.a)125" "$(ok A.c)0"
expect 0 2 'a filter that leaves tests out' '*-A.b'
tail -n 1 "$work/calls" | grep -q 'filter=\*-A.b:A.a$' || {
    echo 'FAILED: what is left out'
    status=1
}

hosts "$(ok A.a)3" 0
expect 3 2 'a program that fails although its tests pass'
hosts "$(ok A.a)139" "$(ok A.b)0"
expect 0 2 'a test in which the program crashed once'
hosts "$(ok A.a)$(failed A.b)1" "$(ok A.b)0"
expect 0 2 'a test that fails once'
expect_line 'second attempt: A.b: the program ended with status 1'
hosts "[ RUN      ] A.a\n$(ok A.a)[ RUN      ] A.b\n../integration/b.cpp:12: Failure\nValue of: home\n$(failed A.b)1" "$(ok A.b)0"
expect 0 2 'a test that fails once and says why'
expect_line 'second attempt: A.b: b.cpp:12: Value of: home'
hosts "[ RUN      ] A.a\nvnuma-lab: a processor of the host stalled\n125" "$(ok A.a)0"
expect 0 2 'a host that ends during a test'
expect_line 'second attempt: A.a: a processor of the host stalled'
hosts "[ RUN      ] A.a\n$(failed A.a)lab: alpha has been reset:\n75" "$(ok A.a)0"
expect 0 2 'a guest that is reset'
expect_line 'second attempt: A.a: alpha has been reset'
hosts "$(failed A.a)$(ok A.b)[  FAILED  ] 1 test, listed below:\n[  FAILED  ] A.a\n1" "$(failed A.a)1"
expect 1 2 'a test that fails twice'
hosts "$(ok A.a)$(failed A.b)75" "$(failed A.b)75" "$(ok A.b)0"
expect 0 3 'failures that say nothing'
hosts 125 125 125
expect 125 3 'hosts that do not come up'
hosts "$(failed A.a)1" "$(ok A.b)125" "$(failed A.a)1"
expect 1 3 'a test that fails twice, with a crash between'
exit $status
