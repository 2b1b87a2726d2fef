/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only */
/*
 * Layout of the BPF maps that the program in the kernel and the fault counter share, for C and C++.
 * The includer defines __u32 and __u64.
 */
#ifndef VNUMA_FAULT_MAPS_H
#define VNUMA_FAULT_MAPS_H

/*
 * Entry of a watched process, whose faults are counted in buckets of 2^shift bytes. `watch` is a
 * new number each time a process is watched, so that counts of an earlier watch are recognised.
 */
struct watched_guest {
	__u32 shift;
	__u32 watch;
};

struct fault_key {
	__u32 process;
	__u32 thread;
	__u64 bucket_and_write; /* bit 0: the fault was a write; above: the bucket */
};

struct fault_value {
	__u64 count;
	__u32 vcpu;
	__u32 watch;
};

/*
 * Histogram of the time between two faults of a vCPU: four bins in each octave, and bins of 1 ns up
 * to 8 ns. Between faults that are further apart than 2^24 ns (16.8 ms) the guest did something
 * else.
 */
#define INTERVAL_OCTAVES 24
#define INTERVAL_BINS ((INTERVAL_OCTAVES - 1) * 4)

/* Counts of one CPU since the program was loaded. */
struct fault_tallies {
	__u64 dropped; /* faults that found no room in the map */
	__u64 intervals[INTERVAL_BINS];
};

/*
 * The bin of an interval; INTERVAL_BINS if the interval is too long. There is no loop, since older
 * verifiers would unroll it.
 */
static inline __u32 interval_bin(__u64 ns)
{
	__u32 rest = (__u32)ns, octave = 0;

	if (ns >> INTERVAL_OCTAVES)
		return INTERVAL_BINS;
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
