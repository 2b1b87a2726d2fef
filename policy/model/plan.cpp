#include "policy/model/plan.hpp"

namespace vnuma {

const CellKey& key_of(const Action& action) {
    return std::visit([](const auto& a) -> const CellKey& { return a.key; }, action);
}

}  // namespace vnuma
