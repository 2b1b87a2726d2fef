// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Counts KVM's page faults of watched processes, on the vCPU's own thread, just before KVM handles
 * them.
 *
 * A raw tracepoint, not one by BTF (tp_btf): those of modules take CAP_SYS_ADMIN, because only that
 * may look up a module's BTF. What is read of KVM's structs is where user space found it in
 * /sys/kernel/btf, for the same reason.
 */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#include "fault_maps.h"

/* x86: bit 1 of the error code (AMD) and of the exit qualification (Intel). */
#define FAULT_IS_WRITE (1U << 1)

#define PAGE_SHIFT 12

/* In struct kvm_vcpu. The second is 0 where the kernel has no such field. */
const volatile __u32 vcpu_id_offset, guest_mode_offset;

/* User space sets the sizes. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct watched_guest);
} watched SEC(".maps");

/*
 * Allocated in advance: that is 6 MiB for 65,536 entries, and a vCPU in a storm of faults then never
 * waits for an allocator nor is refused by one.
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

/* Of a thread, and ends with it. */
struct {
	__uint(type, BPF_MAP_TYPE_TASK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct last_fault);
} last_fault SEC(".maps");

/*
 * Whether KVM only had the vCPU try again. It does as long as the memory is just being changed:
 * while /proc/PID/clear_refs is written, a vCPU repeats one fault until that is done. Repetitions
 * tell nothing of who touches what, nor of what a fault takes.
 */
static int is_repeated(__u64 page_and_write, struct fault_tallies *tally)
{
	struct last_fault *last = bpf_task_storage_get(&last_fault, bpf_get_current_task_btf(), 0,
						       BPF_LOCAL_STORAGE_GET_F_CREATE);
	__u64 now = bpf_ktime_get_ns();
	int repeated = 0;
	__u64 bucket; /* 32 bits would be widened in copies, and the verifier sees one checked only */

	if (!last)
		return 0;
	bucket = interval_bucket(now - last->at_ns);
	/* Compilers know the bound already; the verifier is to see it. */
	asm volatile("" : "+r"(bucket));
	if (last->at_ns && bucket < INTERVAL_BUCKETS) {
		repeated = last->page_and_write == page_and_write;
		if (!repeated)
			tally->intervals[bucket]++;
	}
	last->at_ns = now;
	last->page_and_write = page_and_write;
	return repeated;
}

/* Only the thread itself adds to its entries. */
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
	/* A fault of a guest's own guest has an address of that one's memory. */
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

/* Apache-2.0 is not among the licences the kernel knows; the other choice is. */
char licence[] SEC("license") = "GPL";
