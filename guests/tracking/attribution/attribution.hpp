// Attribution: turns counted page faults into which vCPU accesses which chunk, and which vCPUs
// share memory. Pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "guests/model/access_matrix.hpp"
#include "guests/tracking/attribution/fault_counter.hpp"
#include "guests/tracking/attribution/guest_physical_map.hpp"
#include "guests/tracking/heat/heat_table.hpp"

namespace vnuma {

// Why faults happened, which decides what the absence of faults means.
enum class FaultOrigin {
    // A round took down all mappings, so memory that did not fault was not accessed.
    round,
    // Faults that happen anyway: first accesses, NUMA balancing, dirty logging. Memory that stays
    // mapped is accessed without a fault.
    incidental,
};

struct RecordedFaults {
    std::uint64_t faults = 0;
    std::uint64_t outside = 0;  // faults outside the guest's chunks, or by none of its vCPUs
    std::size_t chunks = 0;     // chunks that faulted
    // How many of these had a known accessor before and have the same now, per mille of `chunks`;
    // 1000 if no chunk faulted.
    int agreement = 1000;
};

// Records the faults of one observation of one guest in its heat table (accessors and share of
// writes) and in its access matrix. Faults carry QEMU's vCPU ids and were counted in buckets of
// 2^shift bytes.
//
// The accessor of a chunk is the vCPU that caused at least three quarters of its faults; otherwise
// several vCPUs access the chunk. In the matrix each chunk that faulted adds its heat in
// thousandths of the maximum, 1 at least, split over the vCPUs by their faults. Older counts fade
// first: after a round those of all extents, otherwise those of the extents that faulted.
RecordedFaults record_faults(std::span<const CountedFaults> faults, int shift,
                             const GuestPhysicalMap& map, HeatTable& heat, AccessMatrix& matrix,
                             FaultOrigin origin);

}  // namespace vnuma
