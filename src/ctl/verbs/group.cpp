#include "src/ctl/verbs/group.hpp"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <memory>

#include "policy/model/number_list.hpp"
#include "src/control/protocol/nearest.hpp"
#include "src/ctl/prose.hpp"
#include "src/ctl/table.hpp"
#include "src/ctl/verbs.hpp"

namespace vnuma::ctl {
namespace {

using control::GroupView;

std::string format_nodes(const std::vector<int>& nodes) {
    return nodes.empty() ? "-" : format_number_list(sorted_unique(nodes));
}

std::vector<int> nodes_of(const GroupView& group) {
    std::vector<int> nodes;
    for (const control::GroupMember& member : group.members)
        nodes.insert(nodes.end(), member.homes.begin(), member.homes.end());
    return nodes;
}

int run_group(Context& context, const std::string& name) {
    const nlohmann::json reply = context.connection().call("query-groups");
    const auto groups = Connection::read_reply<std::vector<GroupView>>("query-groups", reply);
    if (name.empty()) {
        if (context.options.json)
            context.print_json(reply);
        else
            context.print(format_groups(groups, context.terminal()));
        return exit_done;
    }
    std::vector<std::string> names;
    for (std::size_t i = 0; i < groups.size(); ++i) {
        names.push_back(groups[i].name);
        if (groups[i].name != name) continue;
        if (context.options.json)
            context.print_json(reply.at(i));
        else
            context.print(format_group(groups[i], context.terminal()));
        return exit_done;
    }
    const std::string nearest = control::nearest_name(name, names);
    throw Failed("there is no group " + name +
                 (nearest.empty() ? "; vnumactl group list shows all groups"
                                  : "; did you mean \"" + nearest + "\"?"));
}

}  // namespace

std::string format_groups(const std::vector<GroupView>& groups, const Terminal& terminal) {
    Table table({{"NAME", Align::left, true},
                 {"ARRANGEMENT"},
                 {"MEMBERS", Align::right},
                 {"HOMES"},
                 {"PROBLEM", Align::left, true}});
    for (const GroupView& group : groups)
        table.add({group.name, group.arrangement, std::to_string(group.members.size()),
                   format_nodes(nodes_of(group)),
                   group.problems.empty() ? "-" : group.problems.front()});
    return table.print(terminal);
}

std::string format_group(const GroupView& group, const Terminal& terminal) {
    std::string text = heading(group.name, terminal) + "Arrangement: " + group.arrangement + "\n";
    for (const std::string& problem : group.problems)
        text += paragraph(problem, terminal, "Problem: ");
    Table table({{"MEMBER", Align::left, true}, {"UUID", Align::left, false, 1}, {"HOMES"}});
    for (const control::GroupMember& member : group.members)
        table.add({member.name, member.uuid,
                   member.homes.empty() ? "-" : format_number_list(member.homes)});
    return text + (table.empty() ? "No running guest is in it.\n" : "\n" + table.print(terminal));
}

void add_group(CLI::App& app, Context& context) {
    CLI::App* verb =
        add_verb(app, asking, {"group", "groups of guests: list, show", "vnumactl group list"});
    verb->require_subcommand(1);
    CLI::App* list =
        add_verb(*verb, "Verbs", {"list", "a line for each group", "vnumactl group list"});
    list->callback([&context] { context.run = [&context] { return run_group(context, ""); }; });
    CLI::App* show =
        add_verb(*verb, "Verbs",
                 {"show", "the members of a group and their homes", "vnumactl group show db"});
    const auto name = std::make_shared<std::string>();
    show->add_option("NAME", *name, "the group")->required();
    show->callback(
        [&context, name] { context.run = [&context, name] { return run_group(context, *name); }; });
}

}  // namespace vnuma::ctl
