/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only */
/*
 * What the program in the kernel that reads KVM's own data (kvm_reader.bpf.c) and its reader in
 * user space share, for C and C++. The includer defines __u32 and __u64.
 */
#ifndef VNUMA_KVM_RECORDS_H
#define VNUMA_KVM_RECORDS_H

/* Buckets of the kernel's hash table of memory slots. */
#define KVM_SLOT_BUCKETS 128

/*
 * Offsets in KVM's structures, in bytes, which user space finds. Memory slots are not read if
 * `memslots` is 0.
 */
struct kvm_offsets {
	__u32 vcpu_id, vcpu_pid;                      /* struct kvm_vcpu */
	__u32 memslots;                               /* struct kvm */
	__u32 generation, id_hash, node_idx;          /* struct kvm_memslots */
	__u32 id_node, base_gfn, npages, userspace_addr; /* struct kvm_memory_slot */
};

enum kvm_record_kind {
	KVM_RECORD_VCPU = 1, /* `id` is KVM's number of a vCPU, `value` its thread */
	KVM_RECORD_SLOT,     /* a memory slot of a VM */
	KVM_RECORD_VM_END    /* follows the VM's slots; `id` is 1 if they are all that it has, else 0 */
};

struct kvm_record {
	__u32 kind, id;
	__u64 value;  /* of a slot: guest-physical address >> 12 */
	__u64 pages;  /* of a slot: of 4 KiB */
	__u64 address; /* of a slot: in the address space of the process */
};

#endif
