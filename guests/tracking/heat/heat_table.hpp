// What is known of the use of one guest's memory, per chunk: how hot the chunk is, which vCPU
// accesses it, and which share of the accesses are writes. Pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "guests/memory/chunk_grid.hpp"
#include "guests/tracking/heat/heat_tracker.hpp"
#include "guests/tracking/heat/two_sample_filter.hpp"

namespace vnuma {

// Most chunks of one guest: 1 TiB in chunks of 2 MiB, more memory in larger chunks. A table of this
// size takes 6 MiB.
inline constexpr std::size_t max_heat_chunks = 512 * 1024;

// Bytes per chunk for a guest with this much memory in this number of ranges: the smallest power of
// two, at least 2 MiB, that keeps the guest within max_heat_chunks.
std::uint64_t heat_chunk_bytes(std::uint64_t bytes, std::size_t ranges);

inline constexpr int unknown_write_share = -1;

class HeatTable {
  public:
    HeatTable() = default;
    explicit HeatTable(ChunkGrid grid) : grid_(std::move(grid)), entries_(grid_.size()) {}

    // Replaces the grid. Chunks that begin and end where an old chunk did keep their entry.
    void change_grid(ChunkGrid grid);

    const ChunkGrid& grid() const { return grid_; }

    // Merges a scan, given as levels_by_chunk() returns it for this grid. The new heat of a chunk
    // is the mean of its old heat and its level, so that earlier scans are halved each time, as in
    // the kernel's NUMA fault statistics (task_numa_placement() in kernel/sched/fair.c). A chunk
    // that was accessed often before and in none of `samples` now, so that chance is no
    // explanation, loses all of its heat at once. `writes_only` says that the scan measures no
    // reads. Returns how well the scan agrees with the heat before it, from 0 (nothing in common)
    // to 1000 (the same).
    int merge(std::span<const std::int32_t> levels, int samples, bool writes_only);

    // Records that one vCPU, or several (vcpu < 0), accessed the chunk in one round. The round may
    // have induced the faults, or counted faults that happened anyway. `writes` of the `faults`
    // were writes.
    void record_faults(std::size_t chunk, int vcpu, std::uint64_t faults, std::uint64_t writes);

    // Forgets the heat of all chunks, and keeps who accesses them.
    void forget_heat();

    // Whether a scan has measured the chunk.
    bool known(std::size_t chunk) const { return entries_[chunk].known; }
    std::uint16_t heat(std::size_t chunk) const { return entries_[chunk].heat; }
    Accessor accessor(std::size_t chunk) const { return entries_[chunk].accessors.accessor(); }
    // The share of writes in the accesses to a chunk, 0 to 1000. It is unknown_write_share until a
    // source that can tell writes from reads has seen the chunk.
    int write_share(std::size_t chunk) const {
        const Entry& entry = entries_[chunk];
        return entry.writes_known ? entry.writes * 1000 / 255 : unknown_write_share;
    }

    // Chunks are hot from this heat on: an eighth of the mean heat of all chunks that have any, and
    // at least 1. The hottest chunk would be a worse yardstick than the mean, since some memory,
    // such as that of the guest's kernel, is accessed all the time in any guest.
    std::uint16_t hot_from() const;

    std::size_t bytes_held() const;

  private:
    struct Entry {
        std::uint16_t heat = 0;
        TwoSampleFilter accessors;
        std::uint8_t writes = 0;  // share of the accesses, of 255
        bool known = false;
        bool writes_known = false;
    };
    static_assert(sizeof(Entry) <= 16);

    ChunkGrid grid_;
    std::vector<Entry> entries_;
};

// The chunks whose heat is at least `hot_from`, sorted by address and with neighbours joined. Empty
// if there are more than max_hot_ranges ranges.
inline constexpr std::size_t max_hot_ranges = 4096;
std::vector<RamRange> hot_ranges(const HeatTable& table, std::uint16_t hot_from);

}  // namespace vnuma
