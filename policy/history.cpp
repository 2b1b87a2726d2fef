#include "policy/history.hpp"

#include <algorithm>

namespace vnuma {

const CellKey& key_of(const Action& action) {
    return std::visit([](const auto& a) -> const CellKey& { return a.key; }, action);
}

History learn(const History& before, const Snapshot& snapshot, const Plan& plan,
              const std::vector<ActionResult>& results) {
    History after;
    for (const Verdict& verdict : plan.verdicts) {
        const auto known = before.cells.find(verdict.key);
        // A guest that is unsteady for a while keeps the home it had.
        if (!verdict.home) {
            if (known != before.cells.end()) after.cells.insert(*known);
            continue;
        }
        CellHistory& cell = after.cells[verdict.key];
        if (known != before.cells.end()) cell = known->second;
        if (known == before.cells.end() || cell.home != *verdict.home)
            cell = {*verdict.home, snapshot.now, cell.failures};
    }
    for (const ActionResult& result : results) {
        auto cell = after.cells.find(key_of(result.action));
        if (cell == after.cells.end()) continue;
        if (result.error.empty())
            cell->second.failures = 0;
        else
            cell->second.failures = std::min(cell->second.failures + 1, max_counted_failures);
    }
    return after;
}

}  // namespace vnuma
