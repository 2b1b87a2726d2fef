#!/bin/sh
# Runs the parser of domain XML over all domain files of a folder, and prints what it refuses or does
# not understand, and why. Exit status 1 if it refuses one.
# libvirt_files.sh PROGRAM FOLDER: the folder has domain files, or is libvirt's source tree, which
#   `apt-get source libvirt` brings; its tests/*data/*.xml are taken then.
# libvirt_files.sh PROGRAM: tries that on a folder of its own.
set -u
program=$1

run() {
    folder=$1
    [ -d "$folder/tests" ] && folder=$folder/tests
    find "$folder" -maxdepth 2 -name '*.xml' -type f | LC_ALL=C sort | tr '\n' '\0' |
        xargs -0 -n 100000 -r "$program"
}

if [ $# -gt 1 ]; then
    run "$2"
    exit
fi

dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
mkdir -p "$dir/tests/qemudata"
domain() { # FILE TYPE BODY
    printf '<domain type="%s"><name>a</name><uuid>u</uuid>%s</domain>\n' "$2" "$3" >"$dir/tests/qemudata/$1"
}
domain good.xml kvm '<memory>1024</memory><vcpu>1</vcpu>'
domain odd.xml qemu '<memory unit="XiB">1024</memory>'
domain container.xml lxc '<memory>1024</memory>'
printf '<network/>' >"$dir/tests/qemudata/network.xml"
printf '<domstatus><domain type="kvm"><name>a</name><uuid>u</uuid><memory>1</memory></domain></domstatus>' \
    >"$dir/tests/qemudata/status.xml"
printf '<domain' >"$dir/tests/qemudata/broken.xml"

status=0
output=$(run "$dir") || status=1
for wanted in \
    "not understood: $dir/tests/qemudata/odd.xml: <memory> must be a size in a unit that libvirt knows" \
    '6 files: 3 domains of QEMU and KVM, 3 other files; 0 domains refused, 1 with details that are not understood'; do
    printf '%s\n' "$output" | grep -qF -- "$wanted" || status=1
done
[ "$(printf '%s\n' "$output" | wc -l)" -eq 2 ] || status=1
[ $status -eq 0 ] || printf 'FAILED; output:\n%s\n' "$output"
exit $status
