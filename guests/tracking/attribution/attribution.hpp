// From counted page faults to who touches which chunk, and which vCPUs share memory. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "guests/model/access_matrix.hpp"
#include "guests/model/ram.hpp"
#include "guests/tracking/attribution/fault_counter.hpp"
#include "guests/tracking/heat/heat_table.hpp"

namespace vnuma {

// Where guest-physical memory is in QEMU's address space.
class GuestPhysicalMap {
  public:
    GuestPhysicalMap() = default;
    // Of blocks whose place in guest-physical memory is known; others are left out.
    explicit GuestPhysicalMap(const std::vector<RamBlock>& blocks);

    bool empty() const { return pieces_.empty(); }
    // Whether the place of all of it is known.
    bool complete() const { return complete_; }
    std::optional<std::uint64_t> host_address(std::uint64_t guest_physical) const;
    // Whether any of 2 to the power of `shift` bytes is the guest's memory.
    bool has_any(std::uint64_t guest_physical, int shift) const;
    std::optional<std::uint64_t> guest_address(std::uint64_t host_virtual) const;

  private:
    struct Piece {
        std::uint64_t guest = 0, bytes = 0, host = 0;
    };
    bool complete_ = true;
    std::vector<Piece> pieces_;  // in the order of their guest-physical addresses
};

struct FoldedFaults {
    std::uint64_t faults = 0;
    std::size_t chunks = 0;     // that were touched
    int agreement = 1000;       // share of those whose accessor was known and is the same, of 1000
    std::uint64_t outside = 0;  // faults in none of the guest's chunks, or by no vCPU of it
};

// After a round all memory that is touched faults, so that no fault tells, too; without one, only
// what is not mapped does.
enum class Observation { round, by_the_way };

// Counts faults of one guest, whose vCPUs are QEMU's, taken with `shift`, into both. A chunk that
// one vCPU has three quarters of the faults of is its own. In the matrix a chunk weighs as many
// thousandths as it is hot, 1 at least, shared out by the faults. What is known of groups that the
// observation tells of fades.
FoldedFaults fold(std::span<const CountedFaults> faults, int shift, const GuestPhysicalMap& map,
                  HeatTable& heat, AccessMatrix& matrix, Observation kind);

}  // namespace vnuma
