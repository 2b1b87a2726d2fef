// A guest of a host in memory, for tests of the loop: what it has, and what is sampled of it.
#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "guests/model/access_matrix.hpp"
#include "guests/model/sample.hpp"

namespace vnuma::test {

inline constexpr Bytes chunk = 2 * mib;

// A guest whose cells have memory in chunks of 2 MiB, each on one node.
struct FakeGuest {
    struct Cell {
        int vcpus = 2;
        std::vector<int> chunk_nodes;  // the kernel's node number of each chunk; -1 if it is none
        MilliCpu use = 1000;           // of all its vCPUs together
        std::set<std::size_t> held{};  // chunks that something holds where they are
        // From this chunk on, the memory is of hugetlb pages of this size.
        std::size_t hugetlb_from = std::numeric_limits<std::size_t>::max();
        Bytes hugetlb_page = 2 * mib;

        bool is_hugetlb(std::size_t index) const { return index >= hugetlb_from; }
    };

    std::string name;
    std::vector<Cell> cells;
    RunState state = RunState::running;
    bool alive = true;
    bool movable = true;
    int emulator_threads = 0;
    std::map<int, int> iothread_cells{};  // an iothread for each; by its id
    // Each vCPU of its only cell accesses an equal run of chunks that no other one accesses.
    bool knows_accessors = false;
    PolicyOverrides metadata{};
    std::string cgroup{};
};

// `bytes` on one node.
inline FakeGuest make_guest(const std::string& name, int vcpus, Bytes bytes, int node,
                            MilliCpu use = 1000) {
    return {name,
            {{vcpus, std::vector<int>(static_cast<std::size_t>(bytes / (2 * mib)), node), use}}};
}

inline Bytes size_of(const FakeGuest::Cell& cell) {
    return chunk * static_cast<Bytes>(cell.chunk_nodes.size());
}

// A hugetlb page may be several chunks.
inline void move_page(FakeGuest::Cell& cell, std::size_t index, int node_id) {
    std::size_t first = index, count = 1;
    if (cell.is_hugetlb(index)) {
        count = static_cast<std::size_t>(cell.hugetlb_page / chunk);
        first = cell.hugetlb_from + (index - cell.hugetlb_from) / count * count;
    }
    std::fill_n(cell.chunk_nodes.begin() + static_cast<std::ptrdiff_t>(first), count, node_id);
}

// Ordinary memory first.
inline void add_blocks(std::uint64_t base, const FakeGuest::Cell& cell, CellSample& sample) {
    const auto all = static_cast<std::uint64_t>(sample.size);
    const std::uint64_t ordinary =
        std::min<std::uint64_t>(cell.hugetlb_from, cell.chunk_nodes.size()) * chunk;
    if (ordinary > 0) sample.blocks.emplace_back().host = {base, ordinary};
    if (ordinary == all) return;
    RamBlock& block = sample.blocks.emplace_back();
    block.host = {base + ordinary, all - ordinary};
    block.hugetlb = true;
    block.page_bytes = cell.hugetlb_page;
}

// What its trackers tell of a guest that knows_accessors.
inline void add_accessors(const FakeGuest& guest, GuestSample& sample) {
    const CellSample& cell = sample.cells.front();
    const std::size_t vcpus = cell.vcpus.size();
    const auto bytes = cell.blocks.front().host.size / vcpus;
    auto matrix = std::make_shared<AccessMatrix>(vcpus, vcpus);
    auto ranges = std::make_shared<std::vector<OwnRange>>();
    std::uint64_t at = cell.blocks.front().host.start;
    for (std::size_t v = 0; v < vcpus; ++v, at += bytes) {
        matrix->add(v, v, 1000);
        ranges->push_back({{at, bytes}, static_cast<int>(v), 0});
    }
    sample.tracking.access_matrix = std::move(matrix);
    sample.tracking.own_ranges = std::move(ranges);
    const std::vector<int>& chunks = guest.cells.front().chunk_nodes;
    for (std::size_t i = 0; i < chunks.size(); ++i)
        sample.tracking.owned.by_vcpu[static_cast<int>(i * vcpus / chunks.size())][chunks[i]] +=
            chunk;
}

}  // namespace vnuma::test
