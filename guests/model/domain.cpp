#include "guests/model/domain.hpp"

namespace vnuma {

const NumaTune* find_numatune(const DomainTuning& tuning, int cell) {
    const auto own = tuning.cell_nodes.find(cell);
    if (own != tuning.cell_nodes.end()) return &own->second;
    return tuning.numatune ? &*tuning.numatune : nullptr;
}

}  // namespace vnuma
