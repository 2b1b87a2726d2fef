/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only */
/*
 * What the program in the kernel and the fault counter share. C and C++; the includer has __u32 and
 * __u64.
 */
#ifndef VNUMA_FAULT_MAPS_H
#define VNUMA_FAULT_MAPS_H

/* Of a process. `watch` differs whenever it is watched anew, so that older counts are told apart. */
struct watched_guest {
	__u32 shift;
	__u32 watch;
};

struct fault_key {
	__u32 process;
	__u32 thread;
	__u64 bucket_and_write; /* the write is the lowest bit */
};

struct fault_value {
	__u64 count;
	__u32 vcpu;
	__u32 watch;
};

/*
 * Times between two faults of a vCPU: four buckets an octave, 1 ns each up to 8 ns. The guest did
 * something else between two that are further apart than 16.8 ms.
 */
#define INTERVAL_OCTAVES 24
#define INTERVAL_BUCKETS ((INTERVAL_OCTAVES - 1) * 4)

/* Of one CPU, since the program was loaded. */
struct fault_tallies {
	__u64 dropped;
	__u64 intervals[INTERVAL_BUCKETS];
};

/* INTERVAL_BUCKETS for one that is too long. Without a loop, which older verifiers would unroll. */
static inline __u32 interval_bucket(__u64 ns)
{
	__u32 rest = (__u32)ns, octave = 0;

	if (ns >> INTERVAL_OCTAVES)
		return INTERVAL_BUCKETS;
	if (rest < 4)
		return rest;
	if (rest >= 1U << 16) {
		octave += 16;
		rest >>= 16;
	}
	if (rest >= 1U << 8) {
		octave += 8;
		rest >>= 8;
	}
	if (rest >= 1U << 4) {
		octave += 4;
		rest >>= 4;
	}
	if (rest >= 1U << 2) {
		octave += 2;
		rest >>= 2;
	}
	if (rest >= 1U << 1)
		octave += 1;
	return (octave - 1) * 4 + ((__u32)(ns >> (octave - 2)) & 3);
}

#endif
