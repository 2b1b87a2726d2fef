#include "guests/model/domain.hpp"

namespace vnuma {

const NumaTune* find_numatune(const DomainTuning& tuning, int cell) {
    const auto narrow = tuning.cell_nodes.find(cell);
    if (narrow != tuning.cell_nodes.end()) return &narrow->second;
    return tuning.numatune ? &*tuning.numatune : nullptr;
}

}  // namespace vnuma
