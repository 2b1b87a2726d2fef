#include "policy/turns.hpp"

#include <algorithm>

namespace vnuma {

void take_turns(std::vector<WantedMove> moves, const PlannerSettings& settings, Plan& plan) {
    std::stable_sort(moves.begin(), moves.end(),
                     [](const WantedMove& a, const WantedMove& b) { return a.rank() > b.rank(); });
    const Bytes most = settings.pace / 1000 * settings.horizon;
    Bytes before = 0;
    bool waits = false;
    for (WantedMove& wanted : moves) {
        const Bytes bytes = wanted.move.bytes;
        // Who comes after one that waits does so, too: or many small ones would starve a large one.
        waits = waits || (before > 0 && before + bytes > most);
        if (waits)
            plan.verdicts[wanted.verdict].queued_behind = before;
        else
            plan.actions.emplace_back(std::move(wanted.move));
        before += bytes;
    }
}

}  // namespace vnuma
