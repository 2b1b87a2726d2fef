#include "src/control/queries/view_groups.hpp"

#include <algorithm>
#include <map>
#include <string>

#include "src/control/queries/cells.hpp"
#include "src/control/queries/words.hpp"

namespace vnuma::control {
namespace {

// The distinct homes of its cells and shards, sorted.
std::vector<int> homes_of(const Tick& tick, std::size_t guest) {
    std::set<int> homes;
    for (const CellView& view : cells_of(tick, guest))
        if (const auto home = view.verdict ? view.verdict->home_node() : std::nullopt)
            homes.insert(node_id(tick, *home));
    return {homes.begin(), homes.end()};
}

void add_problems(const GuestState& guest, const std::string& group, GroupView& view) {
    const std::string section = "group." + group + ":";
    for (const std::string& problem : guest.policy.problems)
        if (problem.find(section) != std::string::npos)
            view.problems.push_back("Guest " + guest.name + ": " + clause(problem) + ".");
}

// Together, but on several nodes.
void add_parted(const Tick& tick, const std::string& group, GroupView& view) {
    for (const Verdict& verdict : tick.plan.verdicts) {
        if (!verdict.group_parted) continue;
        const bool is_members = std::any_of(
            tick.snapshot.guests.begin(), tick.snapshot.guests.end(), [&](const auto& guest) {
                return guest.uuid == verdict.key.uuid && guest.policy.group == group;
            });
        if (!is_members) continue;
        view.problems.emplace_back("No node has room for all members of the group.");
        return;
    }
}

}  // namespace

std::vector<GroupView> view_groups(const Tick& tick) {
    std::map<std::string, GroupView> views;
    for (const auto& [group, arrangement] : tick.policy.arrangements())
        views[group] = {group, name(arrangement), {}, {}};
    for (std::size_t i = 0; tick.look && i < tick.snapshot.guests.size(); ++i) {
        const GuestState& guest = tick.snapshot.guests[i];
        const auto view = views.find(guest.policy.group);
        if (view == views.end()) continue;
        view->second.members.push_back({guest.name, guest.uuid, homes_of(tick, i)});
        add_problems(guest, guest.policy.group, view->second);
    }
    std::vector<GroupView> groups;
    for (auto& [group, view] : views) {
        add_parted(tick, group, view);
        groups.push_back(std::move(view));
    }
    return groups;
}

}  // namespace vnuma::control
