#include "src/report/happenings.hpp"

#include <iterator>
#include <utility>

#include "policy/model/number_list.hpp"
#include "policy/verdict/explain.hpp"

namespace vnuma {
namespace {

using control::EventKind;
using control::Happening;

Happening about_host(EventKind kind, const Tick& tick, std::string text) {
    Happening happening;
    happening.kind = kind;
    happening.time_ms = tick.time_ms;
    happening.text = std::move(text);
    return happening;
}

Happening about_guest(EventKind kind, const Tick& tick,
                      const std::pair<const std::string, std::string>& guest, std::string text) {
    Happening happening = about_host(kind, tick, std::move(text));
    happening.uuid = guest.first;
    happening.guest = guest.second;
    return happening;
}

Happening about_cell(EventKind kind, const Tick& tick, const std::string& guest, const CellKey& key,
                     std::string text) {
    Happening happening = about_guest(kind, tick, {key.uuid, guest}, std::move(text));
    happening.cell = key.cell;
    if (key.shard != CellKey::whole) happening.shard = key.shard;
    return happening;
}

std::optional<int> node_id(const Tick& tick, std::optional<NodeIndex> node) {
    if (!node) return std::nullopt;
    return tick.snapshot.topology.nodes.at(*node).id;
}

std::map<CellKey, std::string> failures_of(const std::vector<ActionResult>& results) {
    std::map<CellKey, std::string> failures;
    for (const ActionResult& result : results)
        if (!result.error.empty()) failures[key_of(result.action)] = result.error;
    return failures;
}

std::string or_none(std::string value) {
    return value.empty() ? "none" : value;
}

std::string nodes_of(const GuestPolicy& policy) {
    return policy.nodes ? or_none(format_number_list(*policy.nodes)) : "all";
}

// What differs between two policies in force: "mode from act to observe, home from none to 1".
std::string describe_change(const GuestPolicy& before, const GuestPolicy& now) {
    std::string text;
    const auto add = [&](const char* key, const std::string& old_value,
                         const std::string& new_value) {
        if (old_value == new_value) return;
        text += (text.empty() ? "" : ", ") + std::string(key) + " from " + old_value + " to " +
                new_value;
    };
    add("mode", name(before.mode), name(now.mode));
    add("group", or_none(before.group), or_none(now.group));
    add("nodes", nodes_of(before), nodes_of(now));
    add("home", or_none(format_number_list(before.home)), or_none(format_number_list(now.home)));
    add("memory", name(before.memory), name(now.memory));
    add("priority", std::to_string(before.priority), std::to_string(now.priority));
    return text;
}

}  // namespace

std::vector<Happening> Happenings::update(const Tick& tick) {
    Told told;
    for (const TroubleChange& change : troubles_.update(tick))
        told.push_back(about_host(change.kind, tick, change.text));
    add_mode(tick, told);
    add_orders(tick, told);
    if (!tick.look) return told;
    add_rivals(tick, told);
    add_sections(tick, told);
    Names names;
    for (const GuestState& guest : tick.snapshot.guests)
        names[guest.uuid] = guest.name;
    add_guests(tick, names, told);
    add_policies(tick, told);
    add_cells(tick, names, told);
    std::vector<Happening> moves = moves_.update(tick);
    told.insert(told.end(), std::make_move_iterator(moves.begin()),
                std::make_move_iterator(moves.end()));
    add_hands_off(tick, names, told);
    add_felt(tick, names, told);
    guests_ = std::move(names);
    return told;
}

void Happenings::add_orders(const Tick& tick, Told& told) {
    for (const control::OrderNews& news : tick.orders) {
        Happening happening = about_host(EventKind::order, tick, news.text);
        happening.guest = news.guest;
        happening.uuid = news.uuid;
        told.push_back(std::move(happening));
    }
}

void Happenings::add_mode(const Tick& tick, Told& told) {
    if (mode_ && *mode_ != tick.mode)
        told.push_back(about_host(EventKind::mode_changed, tick,
                                  std::string("the mode of vnumad is ") + name(tick.mode) +
                                      " now; it was " + name(*mode_)));
    mode_ = tick.mode;
}

void Happenings::add_guests(const Tick& tick, const Names& names, Told& told) {
    for (const auto& guest : guests_)
        if (!names.contains(guest.first))
            told.push_back(about_guest(EventKind::guest_went, tick, guest, "is gone"));
    for (const auto& guest : names)
        if (!guests_.contains(guest.first))
            told.push_back(about_guest(EventKind::guest_came, tick, guest, "is new"));
}

void Happenings::add_policies(const Tick& tick, Told& told) {
    std::map<std::string, GuestPolicy> now;
    for (const GuestState& guest : tick.snapshot.guests) {
        now[guest.uuid] = guest.policy;
        const auto before = policies_.find(guest.uuid);
        if (before == policies_.end() || before->second == guest.policy) continue;
        // Problems of the policy may differ, too. They are no change of what is in force.
        const std::string change = describe_change(before->second, guest.policy);
        if (!change.empty())
            told.push_back(about_guest(EventKind::policy_changed, tick, {guest.uuid, guest.name},
                                       "its policy has changed: " + change));
    }
    policies_ = std::move(now);
}

void Happenings::add_cells(const Tick& tick, Names& names, Told& told) {
    const auto failures = failures_of(tick.results);
    std::map<CellKey, Known> cells;
    for (const Verdict& verdict : tick.plan.verdicts) {
        const auto failure = failures.find(verdict.key);
        Known now{verdict.reason, verdict.home_node(),
                  failure == failures.end() ? "" : failure->second};
        const auto before = cells_.find(verdict.key);
        const bool is_new = before == cells_.end();
        const auto former = is_new ? verdict.former_node() : before->second.home;
        const std::string& guest = names[verdict.key.uuid];
        if (is_new || before->second.reason != now.reason || before->second.home != now.home) {
            told.push_back(about_cell(
                former == now.home ? EventKind::verdict_changed : EventKind::home_changed, tick,
                guest, verdict.key, explain(verdict, tick.snapshot.topology)));
            told.back().from = node_id(tick, former);
            told.back().to = node_id(tick, now.home);
        }
        if (!now.failure.empty() && (is_new || before->second.failure.empty()))
            told.push_back(about_cell(EventKind::refused, tick, guest, verdict.key,
                                      "an action failed: " + now.failure));
        cells.emplace(verdict.key, std::move(now));
    }
    cells_ = std::move(cells);
}

// The CPUs of a guest show in its verdict, too; that it is for good, only here.
void Happenings::add_hands_off(const Tick& tick, const Names& names, Told& told) {
    const auto add = [&](const auto& guest, const std::string& why, const char* what) {
        if (!why.empty())
            told.push_back(about_guest(EventKind::hands_off, tick, guest,
                                       why + ", so " + what + " are left alone"));
    };
    for (const auto& [uuid, why] : tick.hands_off) {
        const auto guest = names.find(uuid);
        const auto known = hands_off_.find(uuid);
        const HandsOff before = known == hands_off_.end() ? HandsOff() : known->second;
        if (guest == names.end() || before == why) continue;
        if (before.cpus != why.cpus) add(*guest, why.cpus, "its CPUs");
        if (before.memory != why.memory) add(*guest, why.memory, "the nodes of its memory");
    }
    for (const auto& [uuid, why] : hands_off_)
        if (const auto guest = names.find(uuid);
            guest != names.end() && !tick.hands_off.contains(uuid))
            told.push_back(about_guest(EventKind::hands_off, tick, *guest, "is balanced again"));
    hands_off_ = tick.hands_off;
}

// Each stage is told once in a move: a guest may feel it in every other second.
void Happenings::add_felt(const Tick& tick, const Names& names, Told& told) {
    std::set<std::string> moving;
    for (const ActionResult& result : tick.results)
        if (std::holds_alternative<MoveMemory>(result.action))
            moving.insert(key_of(result.action).uuid);
    std::erase_if(felt_, [&](const auto& entry) { return !moving.contains(entry.first); });
    for (const auto& [uuid, moves] : tick.moves) {
        const std::pair stage(moves.pace, moves.pauses);
        const auto guest = names.find(uuid);
        if (guest == names.end() || !moving.contains(uuid) || stage <= felt_[uuid]) continue;
        felt_[uuid] = stage;
        told.push_back(about_guest(EventKind::felt, tick, *guest, moves.felt));
    }
}

// One that was told may have been removed at run time instead of having found a guest. It is no
// trouble: the section of a guest that is shut down is that of no guest, too.
void Happenings::add_sections(const Tick& tick, Told& told) {
    std::set<std::string> now(tick.unmatched_sections.begin(), tick.unmatched_sections.end());
    const auto add = [&](const std::string& section, const char* what) {
        told.push_back(about_host(EventKind::policy_changed, tick,
                                  "section " + section + " is that of " + what));
    };
    for (const std::string& section : now)
        if (!unmatched_.contains(section)) add(section, "no running guest");
    for (const std::string& section : unmatched_)
        if (!now.contains(section)) add(section, "a running guest now, or is gone");
    unmatched_ = std::move(now);
}

void Happenings::add_rivals(const Tick& tick, Told& told) {
    std::map<std::string, std::string> now;
    for (const Rival& rival : tick.rivals)
        now[rival.name] = rival.presence;
    for (const auto& [name, presence] : rivals_)
        if (!now.contains(name))
            told.push_back(
                about_host(EventKind::conflict, tick, "coexist." + name + ": it is gone"));
    for (const Rival& rival : tick.rivals) {
        const auto before = rivals_.find(rival.name);
        if (before != rivals_.end() && before->second == rival.presence) continue;
        told.push_back(about_host(EventKind::conflict, tick,
                                  "coexist." + rival.name + " = \"" + name(rival.handling) +
                                      "\": " + rival.presence + "; " + rival.effect()));
    }
    rivals_ = std::move(now);
}

bool is_logged(const Happening& happening) {
    switch (happening.kind) {
        case EventKind::guest_came:
        case EventKind::guest_went:
        case EventKind::home_changed:
        case EventKind::verdict_changed:
        case EventKind::refused:
        case EventKind::felt:
        case EventKind::hands_off:
        case EventKind::conflict:
        case EventKind::order:
            return true;
        case EventKind::policy_changed:
            return happening.uuid.empty();  // a section that is no guest's
        case EventKind::move_began:
        case EventKind::move_ended:
        case EventKind::mode_changed:
        case EventKind::trouble:
            return false;
    }
    return false;
}

}  // namespace vnuma
