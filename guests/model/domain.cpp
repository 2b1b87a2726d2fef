#include "guests/model/domain.hpp"

#include <algorithm>
#include <utility>

namespace vnuma {

void add_problem(Domain& domain, std::string sentence) {
    if (domain.problems.size() < max_description_problems)
        domain.problems.push_back(std::move(sentence));
}

const DomainCell* find_cell(const Domain& domain, int id) {
    const auto cell = std::find_if(domain.cells.begin(), domain.cells.end(),
                                   [&](const DomainCell& one) { return one.id == id; });
    return cell == domain.cells.end() ? nullptr : &*cell;
}

std::int64_t dram_bytes(const Domain& domain, const DomainCell& cell) {
    std::int64_t bytes = cell.bytes;
    for (const MemoryDevice& device : domain.memory_devices)
        if (device.cell == cell.id && device.is_dram()) bytes += device.plugged;
    return bytes;
}

const NumaTune* find_numatune(const DomainTuning& tuning, int cell) {
    const auto own = tuning.cell_nodes.find(cell);
    if (own != tuning.cell_nodes.end()) return &own->second;
    return tuning.numatune ? &*tuning.numatune : nullptr;
}

const std::vector<int>* find_vcpupin(const Domain* domain, int vcpu) {
    if (!domain) return nullptr;
    const auto pin = domain->tuning.vcpupin.find(vcpu);
    return pin == domain->tuning.vcpupin.end() ? nullptr : &pin->second;
}

}  // namespace vnuma
