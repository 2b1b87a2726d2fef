#include "guests/memory/summed_residency.hpp"

#include <algorithm>

#include "policy/model/number_list.hpp"

namespace vnuma {
namespace {

bool contains(const RamRange& range, std::uint64_t address) {
    return address >= range.start && address - range.start < range.size;
}

}  // namespace

// A policy may have a flag, as in "bind=static:0-1".
void apply_memory_policy(std::string_view policy, Residency& residency) {
    if (policy.starts_with("interleave") || policy.starts_with("weighted"))
        residency.forbidden = interleaved_by_owner;
    if (!policy.starts_with("bind")) return;
    auto nodes = parse_number_list(policy.substr(policy.find(':') + 1));
    if (nodes && !residency.bound_to.empty())
        std::erase_if(*nodes, [&](int node) {
            return std::find(residency.bound_to.begin(), residency.bound_to.end(), node) ==
                   residency.bound_to.end();
        });
    residency.bound_to = nodes.value_or(std::vector<int>{});
    if (residency.bound_to.empty()) residency.forbidden = bound_apart;
}

Residency sum_residency(const std::vector<RamRange>& ranges,
                        const std::vector<NumaMapping>& numa_mappings) {
    Residency residency;
    for (const NumaMapping& mapping : numa_mappings) {
        const bool in_ranges =
            std::any_of(ranges.begin(), ranges.end(),
                        [&](const RamRange& range) { return contains(range, mapping.start); });
        if (!in_ranges) continue;
        for (const auto& [node, bytes] : mapping.bytes) {
            std::int64_t& sum = residency.bytes[node];
            sum = static_cast<std::int64_t>(
                std::min(static_cast<std::uint64_t>(sum) + bytes, max_mapped_bytes));
        }
        apply_memory_policy(mapping.policy, residency);
    }
    return residency;
}

std::int64_t page_bytes_of(const RamRange& range, const std::vector<NumaMapping>& numa_mappings) {
    for (const NumaMapping& mapping : numa_mappings)
        if (mapping.start == range.start) return static_cast<std::int64_t>(mapping.page_bytes);
    return 0;
}

}  // namespace vnuma
