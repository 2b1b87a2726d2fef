#!/bin/sh
# The lab itself: exit statuses, timeouts, crashes, and that nothing is left running.
# lab.sh VNUMA_LAB SUITE     SUITE: lab, or long for what takes a minute each
set -u
lab=$1 suite=$2
out=$(mktemp)
trap 'rm -f "$out" "$out.directory"' EXIT
status=0

# try WHAT FUNCTION: in a host that emulation may end at any time, hence twice
try() {
    "$2" && return
    echo "second attempt: $1: its output follows"
    cat "$out"
    "$2" && return
    echo "FAILED: $1; output:"
    cat "$out"
    status=1
}

# run OPTIONS...: the lab's exit status, and what it printed in $out
run() {
    "$lab" run --topology one-node "$@" >"$out" 2>&1
    echo $?
}

# A failure names its console file; nobody may still hold the directory that is in.
console_and_nothing_else_is_left() {
    console=$(sed -n 's/.*its console is in //p' "$out")
    [ -s "$console" ] || return
    # From a file: grep's own command line must not hold what it looks for.
    dirname "$console" >"$out.directory"
    ! grep -lasF -f "$out.directory" /proc/[0-9]*/cmdline | grep -q . && rm -rf "$(dirname "$console")"
}

passes_on_output_and_status() {
    [ "$(run -- sh -c 'echo to-stdout; echo to-stderr >&2; exit 3')" = 3 ] &&
        grep -q to-stdout "$out" && grep -q to-stderr "$out"
}

ends_at_the_timeout() {
    [ "$(run --timeout 20 -- sleep 1000)" = 125 ] && grep -q 'no end after 20 s' "$out" &&
        console_and_nothing_else_is_left
}

tells_of_a_crash() {
    [ "$(run -- sh -c 'echo c >/proc/sysrq-trigger; sleep 100')" = 125 ] &&
        grep -q 'its kernel said: .*sysrq' "$out" && console_and_nothing_else_is_left
}

tells_of_a_stall() {
    stall='rcu: INFO: rcu_preempt detected stalls on CPUs/tasks:'
    [ "$(run -- sh -c "echo '$stall' >/dev/kmsg; sleep 100")" = 125 ] &&
        grep -q 'a processor of the host stalled' "$out" && console_and_nothing_else_is_left
}

# The agent is the command's parent.
tells_of_processors_that_sleep() {
    [ "$(run -- sh -c 'kill -STOP $PPID; sleep 200')" = 125 ] &&
        grep -q 'a processor of the host stalled' "$out" && console_and_nothing_else_is_left
}

does_not_wait_for_a_boot_for_ever() {
    [ "$(run --boot-timeout 2 -- true)" = 125 ] && grep -q 'was not up after 2 s' "$out" &&
        console_and_nothing_else_is_left
}

# directory_of PID...: where the files of these hosts are, as long as they run
directory_of() {
    for host_pid; do
        tr '\0' '\n' <"/proc/$host_pid/cmdline" 2>/dev/null | sed -n 's|^file:\(.*\)/console.log|\1|p'
    done
}

# Killed outright it can tell nothing, but its host dies with it.
takes_its_host_along() {
    "$lab" run --topology one-node -v -- sleep 1000 >"$out" 2>&1 &
    pid=$!
    tries=0
    until grep -q 'host is up' "$out" || [ $tries -gt 60 ]; do
        sleep 1
        tries=$((tries + 1))
    done
    host=$(cat "/proc/$pid/task/$pid/children")
    directory=$(directory_of $host)
    kill -KILL "$pid"
    wait "$pid" 2>/dev/null
    sleep 1
    [ -n "$directory" ] && rm -rf "$directory" && [ -z "$(directory_of $host)" ]
}

# A kernel that patches hot code of busy CPUs all the time lives on (docs/lab.md).
survives_patched_code() {
    "$lab" run --timeout 120 -- sh -c '
        for cpu in 1 2 3 4; do (while :; do /bin/true; done) & done
        end=$(($(cut -d. -f1 /proc/uptime) + 30))
        while [ "$(cut -d. -f1 /proc/uptime)" -lt $end ]; do
            echo 1 >/proc/sys/kernel/sched_schedstats
            echo 0 >/proc/sys/kernel/sched_schedstats
        done
        echo lived on' >"$out" 2>&1
    grep -q 'lived on' "$out"
}

refuses_what_is_not_there() {
    "$lab" run --topology nonsense -- true >"$out" 2>&1
    [ $? -eq 125 ] && grep -q 'no topology of that name' "$out" || return
    [ "$(run --kernel /nowhere -- true)" = 125 ] && grep -q '/nowhere' "$out" || return
    [ "$(run --terminal -- true </dev/null)" = 125 ] && grep -q 'is no terminal' "$out"
}

if [ "$suite" = long ]; then
    try 'processors that do not wake up are told of' tells_of_processors_that_sleep
    try 'patched kernel code kills no host' survives_patched_code
    exit $status
fi
try 'output and exit status are those of the command' passes_on_output_and_status
try 'a hung host is ended and told of' ends_at_the_timeout
try 'a crash is told of' tells_of_a_crash
try 'a stalled processor is told of' tells_of_a_stall
try 'a host that does not come up is told of' does_not_wait_for_a_boot_for_ever
try 'the host ends with the lab' takes_its_host_along
try 'topologies, kernels and terminals that are not there are told of' refuses_what_is_not_there
exit $status
