#include "src/record/replay.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <optional>
#include <ostream>
#include <vector>

#include "policy/verdict/explain.hpp"
#include "src/record/record_reader.hpp"

namespace vnuma {
namespace {

// Names of guests may have any bytes. As JSON they stay on their line.
std::string as_json(const std::string& text) {
    return nlohmann::json(text).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

const Verdict* find_verdict(const Plan& plan, const CellKey& key) {
    const auto found = std::find_if(plan.verdicts.begin(), plan.verdicts.end(),
                                    [&](const Verdict& verdict) { return verdict.key == key; });
    return found == plan.verdicts.end() ? nullptr : &*found;
}

std::string name_of(const CellKey& key, const Snapshot& snapshot) {
    std::string name = key.uuid;
    for (const GuestState& guest : snapshot.guests)
        if (guest.uuid == key.uuid) name = guest.name;
    return as_json(name) + " cell " + std::to_string(key.cell) +
           (key.shard == CellKey::whole ? "" : " shard " + std::to_string(key.shard));
}

std::string compare_verdicts(const Verdict* recorded, const Verdict* now,
                             const Topology& topology) {
    const auto sentence = [&](const Verdict* verdict) {
        return verdict ? explain(*verdict, topology) : "no verdict";
    };
    std::string before = sentence(recorded), after = sentence(now);
    // Verdicts may differ in numbers that are not in their sentences.
    if (before == after && recorded && now) before = to_text(*recorded), after = to_text(*now);
    return "recorded " + as_json(before) + ", planned now " + as_json(after);
}

std::string compare_actions(const Plan& recorded, const Plan& now) {
    const bool advised = recorded.actions == now.actions;
    const std::vector<Action>& before = advised ? recorded.advised : recorded.actions;
    const std::vector<Action>& after = advised ? now.advised : now.actions;
    std::size_t i = 0;
    while (i < before.size() && i < after.size() && before[i] == after[i])
        ++i;
    return std::string("the verdicts are equal, but the ") +
           (advised ? "advised actions" : "actions") + " differ from number " + std::to_string(i) +
           " on: recorded " + std::to_string(before.size()) + ", planned now " +
           std::to_string(after.size());
}

}  // namespace

std::string find_difference(const Record& recorded, const Plan& now) {
    if (recorded.plan == now) return "";
    std::vector<CellKey> different;
    for (const Verdict& verdict : recorded.plan.verdicts) {
        const Verdict* other = find_verdict(now, verdict.key);
        if (!other || *other != verdict) different.push_back(verdict.key);
    }
    for (const Verdict& verdict : now.verdicts)
        if (!find_verdict(recorded.plan, verdict.key)) different.push_back(verdict.key);
    if (different.empty()) return compare_actions(recorded.plan, now);
    const CellKey& first = different.front();
    const std::size_t others = different.size() - 1;
    return name_of(first, recorded.snapshot) + ": " +
           compare_verdicts(find_verdict(recorded.plan, first), find_verdict(now, first),
                            recorded.snapshot.topology) +
           (others > 0 ? " (and " + std::to_string(others) + " more)" : "");
}

Replayed replay(const std::string& file, const OnDifference& tell) {
    RecordReader reader(file);
    Replayed done;
    while (const std::optional<Record> record = reader.next()) {
        const Plan now = plan(record->snapshot, record->history, record->settings);
        const std::string difference = find_difference(*record, now);
        ++done.plans;
        if (difference.empty()) continue;
        ++done.different;
        tell(record->snapshot.now, difference);
    }
    return done;
}

Replayed replay(const std::string& file, std::ostream& out) {
    const Replayed done = replay(file, [&](Millis now, const std::string& difference) {
        out << "tick at " << now << " ms: " << difference << "\n";
    });
    out << done.plans << " plans, " << done.plans - done.different << " the same, "
        << done.different << " different\n";
    return done;
}

}  // namespace vnuma
