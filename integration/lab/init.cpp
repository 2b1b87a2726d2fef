#include "integration/lab/init.hpp"

namespace vnuma::lab {

// The order matters: modules before the file system they carry, the file system before the agent.
const char* const init_script = R"sh(#!/bin/busybox sh
/bin/busybox --install -s /bin
export PATH=/bin
mkdir -p /proc /sys /dev /lower /upper /host
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs devtmpfs /dev
while read -r module; do insmod "/modules/$module.ko"; done </modules/order

# The caller's file system, never written: changes go to memory and die with the host.
mount -t 9p -o trans=virtio,version=9p2000.L,ro,cache=loose,msize=512000 root0 /lower || poweroff -f
mount -t tmpfs -o mode=755 tmpfs /upper
mkdir /upper/data /upper/work
mount -t overlay -o lowerdir=/lower,upperdir=/upper/data,workdir=/upper/work overlay /host || poweroff -f

for directory in proc sys dev; do mount --move "/$directory" "/host/$directory"; done
cd /host
mkdir -p dev/pts dev/shm run sys/fs/cgroup sys/kernel/debug sys/kernel/tracing var/lib/libvirt
# A shell's <(COMMAND) is a file there.
ln -s /proc/self/fd dev/fd
mount -t devpts -o mode=620,ptmxmode=666 devpts dev/pts
mount -t tmpfs -o mode=1777 tmpfs dev/shm
mount -t tmpfs -o mode=755 tmpfs run
mount -t tmpfs -o mode=755 tmpfs var/lib/libvirt
mount -t cgroup2 cgroup2 sys/fs/cgroup
mount -t tracefs tracefs sys/kernel/tracing
# KVM tells there which thread is which vCPU.
mount -t debugfs debugfs sys/kernel/debug
echo '+cpuset +cpu +memory' >sys/fs/cgroup/cgroup.subtree_control
# One balancer at a time; a test that wants the kernel's turns it on again.
echo 0 >proc/sys/kernel/numa_balancing
ip link set lo up
hostname lab
agent=$(cat /agent)
exec switch_root /host /bin/busybox sh -c "'$agent' agent; busybox poweroff -f"
)sh";

}  // namespace vnuma::lab
