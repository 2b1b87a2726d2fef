#include "src/report/change_log.hpp"

#include <set>
#include <utility>

#include "policy/verdict/explain.hpp"

namespace vnuma {
namespace {

std::string describe_cell(const std::string& guest, const CellKey& key) {
    return guest + ", cell " + std::to_string(key.cell) +
           (key.shard == CellKey::whole ? "" : ", shard " + std::to_string(key.shard));
}

std::string line_of(const std::string& guest, const char* change, const std::string& uuid) {
    return guest + ": " + change + " (" + uuid + ")";
}

std::map<CellKey, std::string> failures_of(const std::vector<ActionResult>& results) {
    std::map<CellKey, std::string> failures;
    for (const ActionResult& result : results)
        if (!result.error.empty()) failures[key_of(result.action)] = result.error;
    return failures;
}

}  // namespace

// Each stage is told once in a move: a guest may feel it in every other second.
void ChangeLog::tell_what_is_felt(const Tick& tick, const std::map<std::string, std::string>& names,
                                  std::vector<std::string>& lines) {
    std::set<std::string> moving;
    for (const ActionResult& result : tick.results)
        if (std::holds_alternative<MoveMemory>(result.action))
            moving.insert(key_of(result.action).uuid);
    std::erase_if(felt_, [&](const auto& entry) { return !moving.contains(entry.first); });
    for (const auto& [uuid, moves] : tick.moves) {
        const std::pair stage(moves.pace, moves.pauses);
        if (!moving.contains(uuid) || stage <= felt_[uuid]) continue;
        felt_[uuid] = stage;
        lines.push_back(names.at(uuid) + ": " + moves.felt);
    }
}

std::vector<std::string> ChangeLog::update(const Tick& tick) {
    std::vector<std::string> lines;
    if (!tick.look) return lines;
    add_rivals(tick.rivals, lines);
    add_sections(tick.unmatched_sections, lines);
    std::map<std::string, std::string> guests;
    for (const GuestState& guest : tick.snapshot.guests)
        guests[guest.uuid] = guest.name;
    for (const auto& [uuid, name] : guests_)
        if (!guests.contains(uuid)) lines.push_back(line_of(name, "is gone", uuid));
    for (const auto& [uuid, name] : guests)
        if (!guests_.contains(uuid)) lines.push_back(line_of(name, "is new", uuid));

    const auto failures = failures_of(tick.results);
    std::map<CellKey, Known> cells;
    for (const Verdict& verdict : tick.plan.verdicts) {
        const auto failure = failures.find(verdict.key);
        Known now{verdict.reason, verdict.home_node(),
                  failure == failures.end() ? "" : failure->second};
        const auto before = cells_.find(verdict.key);
        const std::string cell = describe_cell(guests[verdict.key.uuid], verdict.key);
        if (before == cells_.end() || before->second.reason != now.reason ||
            before->second.home != now.home)
            lines.push_back(cell + ": " + explain(verdict, tick.snapshot.topology));
        if (!now.failure.empty() && (before == cells_.end() || before->second.failure.empty()))
            lines.push_back(cell + ": an action failed: " + now.failure);
        cells.emplace(verdict.key, std::move(now));
    }
    add_hands_off(tick, guests, lines);
    tell_what_is_felt(tick, guests, lines);
    guests_ = std::move(guests);
    cells_ = std::move(cells);
    return lines;
}

// The CPUs of a guest show in its verdict, too; that it is for good, only here.
void ChangeLog::add_hands_off(const Tick& tick, const std::map<std::string, std::string>& names,
                              std::vector<std::string>& lines) {
    const auto add = [&](const std::string& name, const std::string& why, const char* what) {
        if (!why.empty()) lines.push_back(name + ": " + why + ", so " + what + " are left alone");
    };
    for (const auto& [uuid, why] : tick.hands_off) {
        const auto name = names.find(uuid);
        const auto known = hands_off_.find(uuid);
        const HandsOff before = known == hands_off_.end() ? HandsOff() : known->second;
        if (name == names.end() || before == why) continue;
        if (before.cpus != why.cpus) add(name->second, why.cpus, "its CPUs");
        if (before.memory != why.memory) add(name->second, why.memory, "the nodes of its memory");
    }
    for (const auto& [uuid, why] : hands_off_)
        if (const auto name = names.find(uuid);
            name != names.end() && !tick.hands_off.contains(uuid))
            lines.push_back(name->second + ": is balanced again");
    hands_off_ = tick.hands_off;
}

// One that was told may have been removed at run time instead of having found a guest.
void ChangeLog::add_sections(const std::vector<std::string>& unmatched,
                             std::vector<std::string>& lines) {
    std::set<std::string> now(unmatched.begin(), unmatched.end());
    for (const std::string& section : now)
        if (!unmatched_.contains(section))
            lines.push_back("section " + section + " is that of no running guest");
    for (const std::string& section : unmatched_)
        if (!now.contains(section))
            lines.push_back("section " + section + " is that of a running guest now, or is gone");
    unmatched_ = std::move(now);
}

void ChangeLog::add_rivals(const std::vector<Rival>& rivals, std::vector<std::string>& lines) {
    std::map<std::string, std::string> now;
    for (const Rival& rival : rivals)
        now[rival.name] = rival.presence;
    for (const auto& [name, presence] : rivals_)
        if (!now.contains(name)) lines.push_back("coexist." + name + ": it is gone");
    for (const Rival& rival : rivals) {
        const auto before = rivals_.find(rival.name);
        if (before != rivals_.end() && before->second == rival.presence) continue;
        lines.push_back("coexist." + rival.name + " = \"" + name(rival.handling) +
                        "\": " + rival.presence + "; " + rival.effect());
    }
    rivals_ = std::move(now);
}

}  // namespace vnuma
