// From counted page faults to who touches which chunk, and which vCPUs share memory. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "guests/ram_map.hpp"
#include "guests/tracking/fault_counter.hpp"
#include "guests/tracking/heat.hpp"

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

// How often each vCPU was seen touching each of some equal groups of chunks, one after the other in
// the grid. What shards are made from.
class TouchMatrix {
  public:
    static constexpr std::size_t max_groups = 256;
    static constexpr std::size_t max_vcpus = 1'024;  // of any guest of QEMU's

    TouchMatrix() = default;
    TouchMatrix(std::size_t vcpus, std::size_t chunks);

    std::size_t vcpus() const { return vcpus_; }
    std::size_t groups() const { return groups_; }
    std::size_t group_of(std::size_t chunk) const { return chunk * groups_ / chunks_; }
    std::uint32_t at(std::size_t vcpu, std::size_t group) const {
        return counts_[vcpu * groups_ + group];
    }
    const std::vector<std::uint32_t>& counts() const { return counts_; }  // vCPU by vCPU

    // What was seen of a group, before it is seen again. Slower than heat: of memory that several
    // share, one may come first some times in a row.
    void fade(std::size_t group);
    void add(std::size_t vcpu, std::size_t chunk, std::uint32_t weight);

  private:
    std::size_t vcpus_ = 0, chunks_ = 1, groups_ = 0;
    std::vector<std::uint32_t> counts_;
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
                  HeatTable& heat, TouchMatrix& matrix, Observation kind);

}  // namespace vnuma
