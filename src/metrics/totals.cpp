#include "src/metrics/totals.hpp"

#include <utility>

namespace vnuma {

void Totals::update(const Tick& tick) {
    ++ticks_;
    if (!tick.look) {
        ++blind_ticks_;
        return;
    }
    std::map<std::string, GuestTotals> guests;
    for (const GuestState& guest : tick.snapshot.guests)
        guests[guest.uuid] = of(guest.uuid);
    std::map<CellKey, std::optional<NodeIndex>> homes;
    for (const Verdict& verdict : tick.plan.verdicts) {
        const auto before = homes_.find(verdict.key);
        const std::optional<NodeIndex> home = verdict.home_node();
        homes[verdict.key] = home;
        if (home && (before == homes_.end() || before->second != home))
            ++guests[verdict.key.uuid].home_changes;
    }
    for (const ActionResult& result : tick.results) {
        GuestTotals& guest = guests[key_of(result.action).uuid];
        guest.moved += result.bytes;
        if (!result.error.empty()) ++guest.failures;
    }
    guests_ = std::move(guests);
    homes_ = std::move(homes);
}

GuestTotals Totals::of(const std::string& uuid) const {
    const auto known = guests_.find(uuid);
    return known == guests_.end() ? GuestTotals() : known->second;
}

}  // namespace vnuma
