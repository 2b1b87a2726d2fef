#include "guests/memory/memory_reader.hpp"

#include <algorithm>

namespace vnuma {

void MemoryReader::read_map(const Process& process, const ListedGuest& listed, GuestSource& source,
                            bool rare_too) {
    if (!finder_.is_due(listed, rare_too)) return;
    const auto map = finder_.find(process, listed, source, rare_too);
    residency_.count_mappings(finder_.mappings());
    if (map) {
        unknown_ = map->unknown;
        problems_ = map->problems;
        no_dram_ = map->no_dram;
        source_ = map->source;
        residency_.change_ram(*listed.domain, map->blocks, map->lost);
    }
    residency_.read_task_policy(process);
}

void MemoryReader::read_residency(const Process& process, const PageReaders& readers,
                                  ResidencyMode mode, bool complete) {
    residency_.read(process, readers, mode, complete);
    outdated_ = false;
}

void MemoryReader::fill(GuestSample& sample, std::chrono::steady_clock::time_point now) const {
    if (!sample.process || !sample.domain) return;
    mark_unsteady(sample, unknown_);
    sample.map_source = source_;
    sample.problems.insert(sample.problems.end(), problems_.begin(), problems_.end());
    for (CellSample& cell : sample.cells)
        if (const auto other = no_dram_.find(cell.id); other != no_dram_.end())
            cell.size = std::max<std::int64_t>(cell.size - other->second, 0);
    residency_.fill(sample, now);
}

}  // namespace vnuma
