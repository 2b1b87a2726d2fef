// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Makes a kernel survive patching its own code under QEMU's software emulation.
 *
 * On a write to a page that holds translated code, QEMU first drops the translations and then
 * stores the bytes. Another CPU that translates the same code between the two keeps a translation
 * of the old bytes for good. When those were the breakpoint that the kernel puts there while it
 * patches (a static branch, say), that CPU traps long after the patching is over, and nobody knows
 * the breakpoint any more: "Oops: int3".
 *
 * So every write is made twice. The second finds the right bytes already there: translations it
 * drops can only be made again from them. docs/lab.md has the measurements.
 */
#include <linux/ftrace.h>
#include <linux/kprobes.h>
#include <linux/module.h>

typedef void poke_fn(void *to, const void *from, size_t len);

static void *(*kernels_text_poke)(poke_fn *fn, void *addr, const void *bytes, size_t len);

static void *poke_twice(poke_fn *fn, void *addr, const void *bytes, size_t len)
{
	kernels_text_poke(fn, addr, bytes, len);
	addr = kernels_text_poke(fn, addr, bytes, len);
	barrier(); /* no tail call: redirect() tells by the return address who calls */
	return addr;
}

static void notrace redirect(unsigned long ip, unsigned long caller, struct ftrace_ops *ops,
			     struct ftrace_regs *regs)
{
	if (!within_module(caller, THIS_MODULE))
		ftrace_regs_set_instruction_pointer(regs, (unsigned long)poke_twice);
}

static struct ftrace_ops redirection = {
	.func = redirect,
	.flags = FTRACE_OPS_FL_SAVE_REGS | FTRACE_OPS_FL_RECURSION | FTRACE_OPS_FL_IPMODIFY,
};

static int __init poke_twice_init(void)
{
	/* The function is not exported; a probe that is never hit tells its address. */
	struct kprobe finder = { .symbol_name = "__text_poke" };
	int error = register_kprobe(&finder);

	if (error)
		return error;
	kernels_text_poke = (void *)finder.addr;
	unregister_kprobe(&finder);
	error = ftrace_set_filter_ip(&redirection, (unsigned long)kernels_text_poke, 0, 0);
	return error ? error : register_ftrace_function(&redirection);
}
module_init(poke_twice_init);

MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("Writes kernel text twice, for QEMU's software emulation");
