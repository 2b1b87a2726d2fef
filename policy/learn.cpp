#include "policy/learn.hpp"

#include <algorithm>

#include "policy/model/planner_settings.hpp"
#include "policy/units/split.hpp"

namespace vnuma {
namespace {

// Whether a cell without a home in the plan keeps its former one: a guest that is unsteady, or for
// which there is no room, may be so for a short time only.
bool keeps_home(Reason reason) {
    return reason != Reason::split && reason != Reason::off;
}

// The plan has no verdicts for the shards of an unsteady guest, which are to be kept. All cells of
// such a guest have the same verdict.
bool is_unsteady(const std::string& uuid, const Plan& plan) {
    const auto verdict =
        std::lower_bound(plan.verdicts.begin(), plan.verdicts.end(), uuid,
                         [](const Verdict& v, const std::string& id) { return v.key.uuid < id; });
    return verdict != plan.verdicts.end() && verdict->key.uuid == uuid && verdict->acts &&
           verdict->reason == Reason::unsteady;
}

bool is_shard_of_unsteady_guest(const CellKey& key, const Plan& plan) {
    return key.shard != CellKey::whole && is_unsteady(key.uuid, plan);
}

std::size_t vcpus_in(const ShardHistory& shards) {
    std::size_t count = 0;
    for (const auto& shard : shards.partition)
        count += shard.size();
    return count;
}

void count_change(ShardHistory& shards, const ShardHistory& before, Millis now) {
    const bool lasted = now - before.changed >= 2 * reshard_cool_down(before);
    shards.changes = lasted ? 0 : before.changes;
    shards.changed = before.changed;
    // A new partition for a different number of vCPUs does not count.
    if (shards.partition == before.partition || vcpus_in(shards) != vcpus_in(before)) return;
    shards.changes = std::min(shards.changes + 1, max_counted_changes);
    shards.changed = now;
}

void learn_shards(History& after, const History& before, const Snapshot& snapshot,
                  const Plan& plan) {
    for (const Verdict& verdict : plan.verdicts)
        if (verdict.key.shard != CellKey::whole && verdict.acts)
            after.shards[verdict.key.uuid].partition.push_back(verdict.vcpus);
    for (auto& [uuid, shards] : after.shards) {
        const auto known = before.shards.find(uuid);
        const bool same =
            known != before.shards.end() && known->second.partition == shards.partition;
        const bool checked = !same || snapshot.now - known->second.since >= reshard_interval;
        shards.since = checked ? snapshot.now : known->second.since;
        if (known != before.shards.end()) count_change(shards, known->second, snapshot.now);
    }
    for (const auto& [uuid, shards] : before.shards)
        if (is_unsteady(uuid, plan)) after.shards.try_emplace(uuid, shards);
}

// Cells that change together are one change.
void count_change(std::vector<Millis>& changes, Millis now) {
    if (!changes.empty() && changes.back() == now) return;
    changes.push_back(now);
    if (changes.size() > std::size_t{max_changes_per_hour}) changes.erase(changes.begin());
}

void forget_changes(std::map<std::string, std::vector<Millis>>& changes, Millis now) {
    for (auto& [uuid, times] : changes)
        std::erase_if(times, [&](Millis time) { return time <= now - changes_window; });
    std::erase_if(changes, [](const auto& entry) { return entry.second.empty(); });
}

// A cell that is new to the planner gets its first home, which is no change.
void learn_home(const Verdict& verdict, bool is_new, Millis now, CellHistory& cell,
                std::map<std::string, std::vector<Millis>>& changes) {
    if (is_new || cell.roams || cell.home != verdict.home->node) {
        if (!is_new) count_change(changes[verdict.key.uuid], now);
        cell = {verdict.home->node, now, cell.failures, 0};
    }
    if (verdict.reason == Reason::settled) cell.failures = 0;
}

// Only a cell that gives up a home is remembered: it cools down before it has one again. A
// cool-down that has begun before goes on.
void learn_roaming(const Verdict& verdict, Millis now, CellHistory& cell,
                   std::map<std::string, std::vector<Millis>>& changes) {
    if (verdict.reason != Reason::roams || cell.roams) return;
    count_change(changes[verdict.key.uuid], now);
    cell = {cell.home, verdict.wait > 0 ? cell.home_since : now, cell.failures, 0, true};
}

// Updates the homes in place, since on a large host nearly all of them stay the same in every tick.
// Both the verdicts and the homes are sorted by key.
void learn_homes(History& after, const Snapshot& snapshot, const Plan& plan) {
    std::map<CellKey, CellHistory>& cells = after.cells;
    auto known = cells.begin();
    const auto forget_until = [&](const auto& is_reached) {
        while (known != cells.end() && !is_reached(known->first))
            known = is_shard_of_unsteady_guest(known->first, plan) ? std::next(known)
                                                                   : cells.erase(known);
    };
    for (const Verdict& verdict : plan.verdicts) {
        forget_until([&](const CellKey& key) { return key >= verdict.key; });
        const bool was_known = known != cells.end() && known->first == verdict.key;
        if (verdict.home && verdict.acts) {
            if (!was_known) known = cells.emplace_hint(known, verdict.key, CellHistory());
            learn_home(verdict, !was_known, snapshot.now, known->second, after.changes);
            ++known;
        } else if (!verdict.home && was_known && keeps_home(verdict.reason)) {
            if (verdict.acts) learn_roaming(verdict, snapshot.now, known->second, after.changes);
            ++known;
        }
    }
    forget_until([](const CellKey&) { return false; });
}

// An action that brought some memory home has not failed. Success does not reset the count, since
// it may be one step of something that fails in the end: learn_homes() resets it once the cell is
// settled.
void learn_failures(History& after, Millis now, const std::vector<ActionResult>& results) {
    std::map<CellKey, bool> failed;
    for (const ActionResult& result : results) {
        if (!result.skipped.empty()) continue;
        failed[key_of(result.action)] |= !result.error.empty() && result.bytes <= settled_bytes;
    }
    for (const auto& [key, any] : failed) {
        const auto found = after.cells.find(key);
        if (found == after.cells.end()) continue;
        CellHistory& cell = found->second;
        if (any) cell.failures = std::min(cell.failures + 1, max_counted_failures);
        cell.retry_at = any ? now + (retry_interval << cell.failures) : 0;
    }
}

}  // namespace

History learn(History before, const Snapshot& snapshot, const Plan& plan,
              const std::vector<ActionResult>& results) {
    History after;
    after.cells = std::move(before.cells);
    after.changes = std::move(before.changes);
    forget_changes(after.changes, snapshot.now);
    learn_homes(after, snapshot, plan);
    learn_shards(after, before, snapshot, plan);
    learn_failures(after, snapshot.now, results);
    return after;
}

}  // namespace vnuma
