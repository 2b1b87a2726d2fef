// What is known of the use of a guest's memory, for each chunk of it: how hot it is, who touched it
// last, how much of that was writing. Pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "guests/memory/chunk_grid.hpp"
#include "guests/tracking/heat/heat_tracker.hpp"

namespace vnuma {

// Of one guest: 1 TiB in chunks of 2 MiB, or more in larger ones. 6 MiB are held for them.
inline constexpr std::size_t max_heat_chunks = 512 * 1024;

// The smallest power of two from 2 MiB on with which a guest of so many bytes in so many ranges has
// no more chunks than that.
std::uint64_t heat_chunk_bytes(std::uint64_t bytes, std::size_t ranges);

// How much each chunk was accessed, 0 to max_level, by the bytes of it that were looked at;
// not_looked_at without any. Ranges may come in any order; of two that overlap the one that begins
// later loses the common part.
inline constexpr std::int32_t not_looked_at = -1;
std::vector<std::int32_t> spread(std::vector<AccessedRange> accessed, const ChunkGrid& grid);

// Who touches a chunk.
struct Accessor {
    enum Kind : std::uint8_t {
        unknown,  // nobody was seen twice in a row
        one,      // a vCPU: of the two last rounds in which it was touched, both
        several,  // more than one, in one round or within eight
    } kind = unknown;
    int vcpu = -1;  // one only

    friend bool operator==(const Accessor&, const Accessor&) = default;
};

inline constexpr int max_vcpu_id = 65'000;

class HeatTable {
  public:
    HeatTable() = default;
    explicit HeatTable(ChunkGrid grid) : grid_(std::move(grid)), entries_(grid_.size()) {}

    // Keeps what is known of chunks that begin and end where one did before.
    void change_grid(ChunkGrid grid);

    const ChunkGrid& grid() const { return grid_; }

    // One look; `levels` is as spread() made it for this grid. Heat is halved in each look, as the
    // kernel's own statistics of NUMA faults are (task_numa_placement), and the look makes up the
    // other half; but what was accessed often and now in none of `samples`, so that this is no
    // chance, is forgotten at once. Returns how well the look agrees with what was known before,
    // from 0 to 1000: the common part of both. `writes`: the look told of nothing else.
    int merge(std::span<const std::int32_t> levels, int samples, bool writes);

    // Touched by one vCPU, or by several (vcpu < 0), in a round of induced faults or by faults that
    // happened anyway. `writes` of `faults` were writes.
    void note(std::size_t chunk, int vcpu, std::uint64_t faults, std::uint64_t writes);

    // Who touches what stays known.
    void forget_heat();

    bool known(std::size_t chunk) const { return entries_[chunk].known; }
    std::uint16_t heat(std::size_t chunk) const { return entries_[chunk].heat; }
    Accessor accessor(std::size_t chunk) const;
    // From 0 to 1000; not_looked_at where nothing has told writes from reads.
    int write_share(std::size_t chunk) const {
        const Entry& entry = entries_[chunk];
        return entry.writes_known ? entry.writes * 1000 / 255 : not_looked_at;
    }

    // Chunks are hot from this heat on: an eighth of the mean of those that have any, 1 at least.
    // The mean and not the hottest: there is always something, like a guest's own kernel, that is
    // touched all the time.
    std::uint16_t hot_from() const;

    std::size_t bytes_held() const;

  private:
    static constexpr std::uint16_t nobody = 0xffff, many = 0xfffe;
    struct Entry {
        std::uint16_t heat = 0;
        std::uint16_t last = nobody, before = nobody;  // accessors, the two-sample filter
        std::uint8_t disagreements = 0;  // a bit for each of the last eight rounds, the last lowest
        std::uint8_t writes = 0;         // share of accesses, of 255
        std::uint8_t rounds = 0;         // in which it was touched; no more than are remembered
        bool known = false;              // whether it was ever looked at
        bool writes_known = false;
    };
    static_assert(sizeof(Entry) <= 16);

    ChunkGrid grid_;
    std::vector<Entry> entries_;
};

// Chunks that are at least so hot, neighbours together, in the order of their addresses; of more
// pieces than that, none.
inline constexpr std::size_t max_hot_ranges = 4096;
std::vector<RamRange> hot_ranges(const HeatTable& table, std::uint16_t hot_from);

}  // namespace vnuma
