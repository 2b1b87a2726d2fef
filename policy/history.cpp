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
            cell = {*verdict.home, snapshot.now, cell.failures, cell.retry_at};
    }
    std::map<CellKey, bool> failed;
    for (const ActionResult& result : results)
        failed[key_of(result.action)] |= !result.error.empty();
    for (const auto& [key, any] : failed) {
        const auto found = after.cells.find(key);
        if (found == after.cells.end()) continue;
        CellHistory& cell = found->second;
        cell.failures = any ? std::min(cell.failures + 1, max_counted_failures) : 0;
        cell.retry_at = any ? snapshot.now + (first_retry << cell.failures) : 0;
    }
    return after;
}

}  // namespace vnuma
