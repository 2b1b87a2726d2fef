#include "guests/memory/memory_reader.hpp"

namespace vnuma {

void MemoryReader::read_map(const Process& process, const ListedGuest& listed, GuestSource& source,
                            bool rare_too) {
    if (!finder_.is_due(listed, rare_too)) return;
    const auto map = finder_.find(process, listed, source, rare_too);
    residency_.count_mappings(finder_.mappings());
    if (map) {
        unknown_ = map->unknown;
        source_ = map->source;
        residency_.change_ram(*listed.domain, map->blocks);
    }
    residency_.read_task_policy(process);
}

void MemoryReader::read_residency(const Process& process, const PageReaders& readers,
                                  ResidencyMode mode, bool complete) {
    residency_.read(process, readers, mode, complete);
}

void MemoryReader::fill(GuestSample& sample, std::chrono::steady_clock::time_point now) const {
    if (!sample.process || !sample.domain) return;
    mark_unsteady(sample, unknown_);
    sample.map_source = source_;
    residency_.fill(sample, now);
}

}  // namespace vnuma
