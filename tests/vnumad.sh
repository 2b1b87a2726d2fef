#!/bin/sh
# What vnumad says to bad input, as its user sees it. Needs neither guests nor libvirtd.
set -u
vnumad=$1
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
status=0

# expect STATUS TEXT COMMAND...: the command's exit status, and a text in its output
expect() {
    want=$1 text=$2
    shift 2
    output=$("$@" 2>&1)
    got=$?
    if [ "$got" -ne "$want" ] || ! printf '%s' "$output" | grep -qF -- "$text"; then
        printf 'FAILED: %s\n  exit status %s, wanted %s; output:\n%s\n' "$*" "$got" "$want" "$output"
        status=1
    fi
}

printf 'mode = "acto"\ncolour = 1\n[memory]\nrate = 5\n' >"$dir/bad.conf"
expect 2 "bad.conf:1: mode: must be one of" "$vnumad" --config "$dir/bad.conf" --check-config
expect 2 "bad.conf:2: colour: unknown key" "$vnumad" --config "$dir/bad.conf" --check-config
expect 2 "bad.conf:4: memory.rate: must be a string" "$vnumad" --config "$dir/bad.conf"
expect 2 "/no/such/file" "$vnumad" --config /no/such/file --check-config
expect 2 "/dev/zero: is no regular file" "$vnumad" --config /dev/zero --check-config
expect 0 'mode = "act"' "$vnumad" --check-config
# libvirt's test driver has one guest, "test".
printf '[libvirt]\nuri = "test:///default"\n[guest.test]\n[guest.tset]\n' >"$dir/sections.conf"
expect 0 'section guest.tset is that of no guest that libvirt knows' \
    "$vnumad" --config "$dir/sections.conf" --check-config
printf '[libvirt]\nuri = "qemu+unix:///system?socket=/nobody"\n[guest.web]\n' >"$dir/unknown.conf"
expect 0 'it is not known whether every section is that of a guest: libvirt at qemu+unix' \
    "$vnumad" --config "$dir/unknown.conf" --check-config
expect 0 '--dry-run' "$vnumad" --help
expect 109 'nonsense' "$vnumad" --nonsense

# What runs writes to no directory of this host's.
own="state_directory = \"$dir/run\"\nhistory.file = \"$dir/history.sqlite\"\n"
printf "$own"'mode = "observe"\ninterval = "100ms"\n[libvirt]\nuri = "qemu+unix:///system?socket=/nobody"\n' >"$dir/no-libvirt.conf"
if [ "$(id -u)" = 0 ]; then
    expect 1 'libvirt at qemu+unix:///system?socket=/nobody' "$vnumad" --config "$dir/no-libvirt.conf" --once
fi

# A reader that does not read must not keep vnumad from ending when it is told to.
if [ "$(id -u)" = 0 ]; then
    printf "$own"'mode = "observe"\ninterval = "100ms"\nsource = "qmp"\nqmp_dir = "%s"\n' "$dir" >"$dir/empty.conf"
    expect 0 'ended' python3 "$(dirname "$0")/stuck_reader.py" "$vnumad" --config "$dir/empty.conf" --report -
fi

# systemd may make the sockets, and start vnumad when somebody connects.
if [ "$(id -u)" = 0 ]; then
    expect 0 'served' python3 "$(dirname "$0")/socket_activation.py" "$dir" "$vnumad" \
        --config "$dir/empty.conf"
fi

golden=$(dirname "$0")/golden/recordings/two-nodes.jsonl
expect 0 '12 plans, 12 the same, 0 different' "$vnumad" --replay "$golden"
sed '1s/"cost_cpu_ms":[0-9]*/"cost_cpu_ms":7/' "$golden" >"$dir/other.jsonl"
expect 1 '12 plans, 11 the same, 1 different' "$vnumad" --replay "$dir/other.jsonl"
sed '3s/"now":/"then":/' "$golden" >"$dir/bad.jsonl"
expect 2 'bad.jsonl:3: snapshot.now: is missing' "$vnumad" --replay "$dir/bad.jsonl"
expect 2 '/no/such/file: cannot be read' "$vnumad" --replay /no/such/file
expect 2 '/dev/zero:1: has more than' "$vnumad" --replay /dev/zero
expect 108 '--record' "$vnumad" --record "$dir/recording" --replay "$golden"
if [ "$(id -u)" = 0 ]; then
    expect 1 '/no/such/directory/recording' "$vnumad" --config "$dir/no-libvirt.conf" --once \
        --record /no/such/directory/recording
fi
exit $status
