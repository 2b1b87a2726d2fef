// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Reads what KVM knows of the VMs and vCPUs that a process holds: the thread that runs each vCPU,
 * and where in the process the memory of each VM is.
 *
 * It is an iterator over the open files of the process and runs only while its output is read. So
 * nothing is attached to KVM, and no guest takes notice. Types of the kernel itself are relocated
 * by libbpf. KVM may be a module, and only CAP_SYS_ADMIN may look up a module's types; so user
 * space finds the offsets of KVM's fields in /sys/kernel/btf and passes them as constants.
 */
#include <linux/bpf.h>
#include <linux/magic.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>

#include "kvm_records.h"

/* Slots in one bucket of KVM's hash table. With 467 slots no bucket has more. */
#define MAX_BUCKET_SLOTS 4

/* The fields of the kernel's structures that are used. */
#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)
struct super_block {
	unsigned long s_magic;
};
struct inode {
	struct super_block *i_sb;
};
struct qstr {
	const unsigned char *name;
};
struct dentry {
	struct qstr d_name;
};
struct path {
	struct dentry *dentry;
};
struct file {
	struct path f_path;
	struct inode *f_inode;
	void *private_data;
};
struct task_struct {
	int tgid;
};
struct upid {
	int nr;
};
struct pid {
	struct upid numbers[1];
};
struct bpf_iter_meta {
	struct seq_file *seq;
};
struct bpf_iter__task_file {
	struct bpf_iter_meta *meta;
	struct task_struct *task;
	struct file *file;
};
#pragma clang attribute pop

const volatile struct kvm_offsets offsets;

/* The process. Kernels before 6.1 iterate over the files of all processes. */
int wanted_process;

static __u64 read_word(const char *address)
{
	__u64 value = 0;

	bpf_probe_read_kernel(&value, sizeof(value), address);
	return value;
}

static __u32 read_int(const char *address)
{
	__u32 value = 0;

	bpf_probe_read_kernel(&value, sizeof(value), address);
	return value;
}

static void write_vcpu(struct seq_file *seq, const char *vcpu)
{
	const struct pid *pid = (const struct pid *)read_word(vcpu + offsets.vcpu_pid);
	struct kvm_record record = { .kind = KVM_RECORD_VCPU };
	int thread = 0;

	/* The number in the initial PID namespace. A vCPU that has never run has no thread. */
	if (!pid || bpf_core_read(&thread, sizeof(thread), &pid->numbers[0].nr))
		return;
	record.id = read_int(vcpu + offsets.vcpu_id);
	record.value = (__u32)thread;
	bpf_seq_write(seq, &record, sizeof(record));
}

/* `node` is the slot's list entry in the hash table, `node_offset` its place in the slot. */
static void write_slot(struct seq_file *seq, const char *node, __u64 node_offset)
{
	const char *slot = node - node_offset;
	struct kvm_record record = { .kind = KVM_RECORD_SLOT };

	record.value = read_word(slot + offsets.base_gfn);
	record.pages = read_word(slot + offsets.npages);
	record.address = read_word(slot + offsets.userspace_addr);
	bpf_seq_write(seq, &record, sizeof(record));
}

/* Returns whether all slots were written. */
static int write_slots(struct seq_file *seq, const char *memslots)
{
	/* Each slot has a list entry for each of the two sets of slots: the one in use, and the next. */
	__u64 node_offset = offsets.id_node + (read_int(memslots + offsets.node_idx) & 1) * 16;
	int bucket, slot;

	for (bucket = 0; bucket < KVM_SLOT_BUCKETS; bucket++) {
		__u64 node = read_word(memslots + offsets.id_hash + bucket * sizeof(node));

		for (slot = 0; node && slot < MAX_BUCKET_SLOTS; slot++) {
			write_slot(seq, (const char *)node, node_offset);
			node = read_word((const char *)node); /* the next one comes first in an entry */
		}
		if (node)
			return 0;
	}
	return 1;
}

/* KVM may exchange its sets of slots meanwhile, and changes the one that is not in use. */
static void write_vm(struct seq_file *seq, const char *vm)
{
	const char *memslots = (const char *)read_word(vm + offsets.memslots);
	__u64 generation = read_word(memslots + offsets.generation);
	struct kvm_record record = { .kind = KVM_RECORD_VM_END };

	record.id = write_slots(seq, memslots) &&
		    read_word(vm + offsets.memslots) == (__u64)memslots &&
		    read_word(memslots + offsets.generation) == generation;
	bpf_seq_write(seq, &record, sizeof(record));
}

static int begins_with(const char *text, const char *beginning, int length)
{
	int i;

#pragma unroll
	for (i = 0; i < length; i++)
		if (text[i] != beginning[i])
			return 0;
	return 1;
}

SEC("iter/task_file")
int read_kvm(struct bpf_iter__task_file *context)
{
	struct seq_file *seq = context->meta->seq;
	struct task_struct *task = context->task;
	struct file *file = context->file;
	char name[16] = {};

	if (!task || !file || task->tgid != wanted_process)
		return 0;
	/* Only the kernel gives names to files of this kind. */
	if (file->f_inode->i_sb->s_magic != ANON_INODE_FS_MAGIC)
		return 0;
	bpf_probe_read_kernel_str(name, sizeof(name), file->f_path.dentry->d_name.name);
	if (begins_with(name, "kvm-vcpu:", 9))
		write_vcpu(seq, file->private_data);
	else if (offsets.memslots && begins_with(name, "kvm-vm", 7))
		write_vm(seq, file->private_data);
	return 0;
}

/* The kernel does not know Apache-2.0; the GPL is the other licence of this file. */
char licence[] SEC("license") = "GPL";
