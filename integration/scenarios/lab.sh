#!/bin/sh
# The lab itself: exit statuses, timeouts, crashes, and that nothing is left running.
# lab.sh VNUMA_LAB
set -u
lab=$1
out=$(mktemp)
trap 'rm -f "$out" "$out.directory"' EXIT
status=0

fail() {
    printf 'FAILED: %s; output:\n' "$1"
    cat "$out"
    status=1
}

# Each failure names its console file; nobody may still hold the directory it is in.
check_console_and_leftovers() {
    consoles=$(sed -n 's/.*its console is in //p' "$out")
    [ -n "$consoles" ] || fail "$1: no console is named"
    for console in $consoles; do
        [ -s "$console" ] || fail "$1: no console kept"
        # From a file: grep's own command line must not hold what it looks for.
        dirname "$console" >"$out.directory"
        if grep -lasF -f "$out.directory" /proc/[0-9]*/cmdline | grep -q .; then
            fail "$1: something is left running"
        fi
        rm -rf "$(dirname "$console")"
    done
}

"$lab" run --topology one-node -- sh -c 'echo to-stdout; echo to-stderr >&2; exit 3' >"$out" 2>&1
[ $? -eq 3 ] || fail 'the exit status is not the command'"'"'s'
grep -q to-stdout "$out" && grep -q to-stderr "$out" || fail 'output is missing'

"$lab" run --topology one-node --timeout 20 -- sleep 1000 >"$out" 2>&1
[ $? -eq 125 ] && grep -q 'no end after 20 s' "$out" || fail 'a hung host is not reported'
check_console_and_leftovers 'timeout'

"$lab" run --topology one-node -- sh -c 'echo c >/proc/sysrq-trigger; sleep 100' >"$out" 2>&1
[ $? -eq 125 ] && grep -q 'its kernel said: .*sysrq' "$out" || fail 'a crash is not reported'
check_console_and_leftovers 'crash'

"$lab" run --topology one-node --attempts 2 -- sh -c 'echo c >/proc/sysrq-trigger; sleep 100' >"$out" 2>&1
[ $? -eq 125 ] && [ "$(grep -c 'its kernel said: .*sysrq' "$out")" = 2 ] ||
    fail 'a crash is not tried once more'
check_console_and_leftovers 'second attempt'

"$lab" run --topology one-node --attempts 2 -- sh -c '
    echo "rcu: INFO: rcu_preempt detected stalls on CPUs/tasks:" >/dev/kmsg; sleep 100' >"$out" 2>&1
[ $? -eq 125 ] && [ "$(grep -c 'a processor of the host stalled' "$out")" = 2 ] ||
    fail 'a stalled processor is not a crash'
check_console_and_leftovers 'stall'

# The agent is the command's parent.
"$lab" run --topology one-node -- sh -c 'kill -STOP $PPID; sleep 200' >"$out" 2>&1
[ $? -eq 125 ] && grep -q 'a processor of the host stalled' "$out" ||
    fail 'a host whose processors are not awake is not a crash'
check_console_and_leftovers 'beats'

"$lab" run --topology one-node --attempts 2 --boot-timeout 3 -- true >"$out" 2>&1
[ $? -eq 125 ] && [ "$(grep -c 'was not up after 3 s' "$out")" = 2 ] ||
    fail 'a host that does not come up is not tried once more'
check_console_and_leftovers 'boot'

"$lab" run --topology one-node --attempts 2 -- sh -c 'echo begun; exit 3' >"$out" 2>&1
[ $? -eq 3 ] && [ "$(grep -c begun "$out")" = 1 ] || fail 'what fails by itself is tried once more'

"$lab" run --topology one-node --attempts 2 -- sh -c 'echo begun; exit 75' >"$out" 2>&1
[ $? -eq 75 ] && [ "$(grep -c begun "$out")" = 2 ] || fail 'what asks for another attempt has none'

# Killed outright it can tell nothing, but its host dies with it.
"$lab" run --topology one-node -v -- sleep 1000 >"$out" 2>&1 &
pid=$!
tries=0
until grep -q 'host is up' "$out" || [ $tries -gt 60 ]; do
    sleep 1
    tries=$((tries + 1))
done
host=$(cat "/proc/$pid/task/$pid/children")
[ -n "$host" ] || fail 'the host did not come up'
kill -KILL "$pid"
wait "$pid" 2>/dev/null
sleep 1
for child in $host; do
    directory=$(tr '\0' '\n' <"/proc/$child/cmdline" 2>/dev/null | sed -n 's|^file:\(.*\)/console.log|\1|p')
    [ -z "$directory" ] || fail 'the host outlived the lab'
done

# A kernel that patches hot code of busy CPUs all the time lives on (docs/lab.md).
"$lab" run --timeout 90 -- sh -c '
    for cpu in 1 2 3 4; do (while :; do /bin/true; done) & done
    end=$(($(cut -d. -f1 /proc/uptime) + 30))
    while [ "$(cut -d. -f1 /proc/uptime)" -lt $end ]; do
        echo 1 >/proc/sys/kernel/sched_schedstats
        echo 0 >/proc/sys/kernel/sched_schedstats
    done
    echo lived on' >"$out" 2>&1
grep -q 'lived on' "$out" || fail 'patched kernel code kills the host'

"$lab" run --topology nonsense -- true >"$out" 2>&1
[ $? -eq 125 ] && grep -q 'no topology of that name' "$out" || fail 'an unknown topology is not reported'
"$lab" run --kernel /nowhere -- true >"$out" 2>&1
[ $? -eq 125 ] && grep -q '/nowhere' "$out" || fail 'a missing kernel is not reported'
exit $status
