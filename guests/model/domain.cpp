#include "guests/model/domain.hpp"

namespace vnuma {

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
