#!/bin/sh
# record-qmp.sh DIRECTORY EMULATOR [ARGUMENT...]
# Records the answers of a real QEMU in one transcript of its monitor for each shape of machine. The
# id of an answer names the request. Guests stay stopped; only the one with KVM runs its BIOS, so
# that KVM's counters count something.
set -eu
directory=$1
shift
mkdir -p "$directory"

execute() { # ID COMMAND [ARGUMENTS]
    printf '{"execute": "%s", "arguments": %s, "id": "%s"}\n' "$2" "${3:-{\}}" "$1"
}

human() { # ID COMMAND-LINE
    execute "$1" human-monitor-command "{\"command-line\": \"$2\"}"
}

common_requests() {
    execute qmp_capabilities qmp_capabilities
    for command in query-status query-uuid query-name query-cpus-fast query-memdev \
        query-memory-devices query-balloon query-migrate query-iothreads query-dirty-rate; do
        execute "$command" "$command"
    done
    human gpa2hva-ram 'gpa2hva 0x1000000'
    human gpa2hva-rom 'gpa2hva 0xffff0000'
    human gpa2hva-io 'gpa2hva 0xfee00000'
    human gpa2hva-nothing 'gpa2hva 0x7fff00000000'
    human gpa2hva-syntax 'gpa2hva'
    human info-mtree-flat 'info mtree -f'
    human info-numa 'info numa'
    execute no-such-command no-such-command
    printf '{]\n'
}

# Measures the dirty rate for one second in each mode. QEMU 7.2 crashes on dirty-bitmap without KVM,
# and on any mode without CPUs.
dirty_rates() { # MODE...
    for mode in "$@"; do
        execute "calc-dirty-rate-$mode" calc-dirty-rate "{\"calc-time\": 1, \"mode\": \"$mode\"}"
        execute "calc-dirty-rate-again-$mode" calc-dirty-rate '{"calc-time": 1}'
        execute "query-dirty-rate-measuring-$mode" query-dirty-rate
        sleep 2
        execute "query-dirty-rate-$mode" query-dirty-rate
    done
}

stats() {
    for target in vm vcpu; do
        execute "query-stats-$target" query-stats \
            "{\"target\": \"$target\", \"providers\": [{\"provider\": \"kvm\", \"names\": [\"pages_4k\", \"pages_2m\", \"exits\", \"halt_exits\", \"pf_taken\", \"halt_wait_hist\"]}]}"
    done
}

record() { # SHAPE DIRTY-RATE-MODES EMULATOR [ARGUMENT...]
    file=$directory/$1.txt modes=$2
    shift 2
    {
        common_requests
        # shellcheck disable=SC2086
        dirty_rates $modes
        stats
        execute quit quit
    } | "$@" -display none -nodefaults -qmp stdio >"$file"
    printf '%s: %s lines\n' "$file" "$(wc -l <"$file")"
}

record none "" "$@" -machine none
record pc page-sampling "$@" -machine pc -accel tcg -S -m 128
record q35 page-sampling "$@" -machine q35 -accel tcg -S -name golden \
    -uuid 5e1bd8a3-8b25-4c0f-a6e5-0a2f3a2f6c01 -smp 4 -m 128M,slots=4,maxmem=1G \
    -object memory-backend-ram,id=m0,size=64M -object memory-backend-ram,id=m1,size=64M,prealloc=on \
    -numa node,nodeid=0,cpus=0-1,memdev=m0 -numa node,nodeid=1,cpus=2-3,memdev=m1 \
    -object iothread,id=io0 -device virtio-balloon-pci,id=balloon0 \
    -object memory-backend-memfd,id=hot0,size=128M,host-nodes=0,policy=bind \
    -device pc-dimm,id=dimm0,memdev=hot0,node=1 \
    -object memory-backend-ram,id=hot1,size=256M,reserve=off \
    -device virtio-mem-pci,id=vmem0,memdev=hot1,node=0,requested-size=64M
[ ! -w /dev/kvm ] ||
    record kvm 'page-sampling dirty-bitmap dirty-ring' "$@" -machine pc -accel kvm,dirty-ring-size=4096 -smp 2 -m 128
