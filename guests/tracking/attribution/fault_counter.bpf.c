// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Counts KVM's page faults of watched processes. The program runs on the thread of the vCPU, just
 * before KVM handles the fault.
 *
 * It is attached to a raw tracepoint. A tp_btf program would need CAP_SYS_ADMIN, since KVM may be a
 * module and only that capability may look up a module's BTF. For the same reason user space finds
 * the offsets of KVM's fields in /sys/kernel/btf and passes them as constants.
 */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#include "fault_maps.h"

/* x86: bit 1 of the error code (AMD) and of the exit qualification (Intel) is set for a write. */
#define FAULT_IS_WRITE (1U << 1)

#define PAGE_SHIFT 12

/* Offsets in struct kvm_vcpu, in bytes. guest_mode_offset is 0 if this kernel has no such field. */
const volatile __u32 vcpu_id_offset, guest_mode_offset;

/* Watched guests by process id. User space sets the number of entries of this map and the next. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct watched_guest);
} watched SEC(".maps");

/*
 * Counts of faults. The entries are allocated in advance, 6 MiB for 65,536, so that a vCPU with
 * many faults neither waits for an allocator nor is refused by one.
 */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1);
	__type(key, struct fault_key);
	__type(value, struct fault_value);
} faults SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct fault_tallies);
} tallies SEC(".maps");

struct last_fault {
	__u64 at_ns;
	__u64 page_and_write;
};

/* The last fault of each thread. An entry ends with its thread. */
struct {
	__uint(type, BPF_MAP_TYPE_TASK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct last_fault);
} last_fault SEC(".maps");

/*
 * Returns whether the fault repeats the thread's last one, and counts the interval between the two
 * otherwise. KVM has a vCPU repeat a fault as long as the memory is being changed: for example,
 * until a write to /proc/PID/clear_refs is done. Repetitions say nothing about accesses, nor about
 * the time that a fault takes.
 */
static int is_repeated(__u64 page_and_write, struct fault_tallies *tally)
{
	struct last_fault *last = bpf_task_storage_get(&last_fault, bpf_get_current_task_btf(), 0,
						       BPF_LOCAL_STORAGE_GET_F_CREATE);
	__u64 now = bpf_ktime_get_ns();
	int repeated = 0;
	/*
	 * Not __u32: the compiler would widen copies of that to 64 bits, and the verifier would know
	 * the bounds of only one of them.
	 */
	__u64 bin;

	if (!last)
		return 0;
	bin = interval_bin(now - last->at_ns);
	/* Keeps the compiler, which knows the bound, from dropping the check the verifier needs. */
	asm volatile("" : "+r"(bin));
	if (last->at_ns && bin < INTERVAL_BINS) {
		repeated = last->page_and_write == page_and_write;
		if (!repeated)
			tally->intervals[bin]++;
	}
	last->at_ns = now;
	last->page_and_write = page_and_write;
	return repeated;
}

/* Needs no atomic operations: the key holds the thread, so only this thread changes the entry. */
static void add_fault(const struct fault_key *key, const struct watched_guest *guest, __u32 vcpu,
		      struct fault_tallies *tally)
{
	struct fault_value first = { .count = 1, .vcpu = vcpu, .watch = guest->watch };
	struct fault_value *value = bpf_map_lookup_elem(&faults, key);

	if (!value) {
		if (bpf_map_update_elem(&faults, key, &first, BPF_ANY))
			tally->dropped++;
		return;
	}
	if (value->watch == first.watch && value->vcpu == vcpu)
		value->count++;
	else
		*value = first;
}

SEC("raw_tp/kvm_page_fault")
int count_fault(struct bpf_raw_tracepoint_args *event)
{
	const char *vcpu = (const char *)event->args[0];
	__u64 address = event->args[1], error_code = event->args[2];
	__u64 thread_and_process = bpf_get_current_pid_tgid(), guest_mode = 0, write;
	struct fault_key key = {
		.process = thread_and_process >> 32,
		.thread = (__u32)thread_and_process,
	};
	__u32 only = 0, vcpu_id = 0;
	struct watched_guest *guest = bpf_map_lookup_elem(&watched, &key.process);
	struct fault_tallies *tally;

	if (!guest)
		return 0;
	tally = bpf_map_lookup_elem(&tallies, &only);
	if (!tally)
		return 0;
	/* Faults of a nested guest are skipped: their addresses are in that guest's memory. */
	if (guest_mode_offset)
		bpf_probe_read_kernel(&guest_mode, sizeof(guest_mode), vcpu + guest_mode_offset);
	if (guest_mode)
		return 0;
	if (bpf_probe_read_kernel(&vcpu_id, sizeof(vcpu_id), vcpu + vcpu_id_offset)) {
		tally->dropped++;
		return 0;
	}
	write = !!(error_code & FAULT_IS_WRITE);
	if (is_repeated(address >> PAGE_SHIFT << 1 | write, tally))
		return 0;
	key.bucket_and_write = (address >> (guest->shift & 63)) << 1 | write;
	add_fault(&key, guest, vcpu_id, tally);
	return 0;
}

/* The kernel does not know Apache-2.0; the GPL is the other licence of this file. */
char licence[] SEC("license") = "GPL";
