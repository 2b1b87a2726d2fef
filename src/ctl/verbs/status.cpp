#include "src/ctl/verbs/status.hpp"

#include <CLI/CLI.hpp>
#include <algorithm>

#include "src/ctl/guest_words.hpp"
#include "src/ctl/prose.hpp"
#include "src/ctl/table.hpp"
#include "src/ctl/units.hpp"
#include "src/ctl/verbs.hpp"

namespace vnuma::ctl {
namespace {

// Guests of a large host that do not fit a screen are left to `list`.
constexpr std::size_t most_not_at_home = 10;

std::string describe_daemon(const control::Status& status) {
    std::string text = "vnumad " + status.version + ", mode " + name(status.mode) + ", pid " +
                       std::to_string(status.pid) + ", up " + format_duration(status.uptime_ms) +
                       "; guests from " + status.source;
    if (status.time_ms > 0)
        text += "; tick " + std::to_string(status.tick) + " at " +
                format_time_of_day(status.time_ms) + ", every " +
                format_duration(status.interval_ms);
    return text;
}

std::string describe_guests(const control::GuestCounts& guests) {
    std::vector<std::string> parts;
    const auto add = [&](int count, const char* what) {
        if (count > 0) parts.push_back(std::to_string(count) + " " + what);
    };
    add(guests.at_home, "at home");
    add(guests.moving, "moving");
    add(guests.waiting, "waiting");
    add(guests.roaming, "roaming");
    add(guests.left_alone, "left alone");
    return count_of(guests.all, "guest", "guests") + (parts.empty() ? "" : ": ") + enumerate(parts);
}

std::string format_huge(const std::vector<control::HugePool>& pools) {
    std::string text;
    for (const control::HugePool& pool : pools)
        text += (text.empty() ? "" : ", ") + format_size(pool.available) + " of " +
                format_size(pool.page);
    return text.empty() ? "-" : text;
}

Table tabulate_nodes(const std::vector<control::NodeStatus>& nodes) {
    const bool has_huge = std::any_of(nodes.begin(), nodes.end(),
                                      [](const auto& node) { return !node.huge.empty(); });
    std::vector<Column> columns{{"NODE", Align::right},
                                {"CPUS", Align::left, true, 1},
                                {"CAPACITY", Align::right, false, 3},
                                {"GUEST CPU", Align::right},
                                {"OTHER", Align::right, false, 4},
                                {"MEMORY", Align::right, false, 2},
                                {"FREE", Align::right},
                                {"GUEST MEM", Align::right, false, 2},
                                {"HOT REMOTE", Align::right}};
    if (has_huge) columns.push_back({"HUGE FREE", Align::left, false, 5});
    Table table(columns);
    for (const control::NodeStatus& node : nodes) {
        std::vector<Cell> row{
            std::to_string(node.node),
            node.cpus.empty() ? "-" : node.cpus,
            format_cpus(node.capacity),
            format_cpus(node.guest_use),
            format_cpus(node.other_use),
            format_size(node.memory),
            format_size(node.available),
            format_size(node.guest_memory),
            {format_size(node.hot_remote), node.hot_remote > 0 ? Colour::yellow : Colour::none}};
        if (has_huge) row.emplace_back(format_huge(node.huge));
        table.add(std::move(row));
    }
    return table;
}

std::string format_not_at_home(const std::vector<control::GuestSummary>& guests,
                               const Terminal& terminal) {
    Table table({{"NOT AT HOME", Align::left, true}, {"DOING"}, {"WHY", Align::left, true}});
    for (std::size_t i = 0; i < guests.size() && i < most_not_at_home; ++i)
        table.add({guests[i].name,
                   {format_doing(guests[i].doing), colour_of(guests[i].doing)},
                   guests[i].why.empty() ? "-" : guests[i].why});
    std::string text = "\n" + table.print(terminal);
    if (guests.size() > most_not_at_home)
        text += paragraph("... and " + std::to_string(guests.size() - most_not_at_home) +
                              " more: vnumactl list --sort doing",
                          terminal);
    return text;
}

std::string format_trouble(const control::Status& status, const Terminal& terminal) {
    std::string text;
    for (const control::RivalStatus& rival : status.rivals)
        text += paragraph(rival.presence + ": " + rival.effect, terminal, "- ");
    for (const std::string& trouble : status.trouble)
        text += paragraph(trouble, terminal, "- ");
    return text.empty() ? "" : "\n" + heading("Trouble", terminal) + text;
}

}  // namespace

std::string format_status(const control::Status& status, const Terminal& terminal) {
    std::string text = paragraph(describe_daemon(status), terminal);
    if (!status.frozen.empty()) text += paragraph("Nothing is done: " + status.frozen, terminal);
    if (!status.blind.empty())
        text += paragraph("Nothing can be seen: " + status.blind, terminal);
    else
        text += paragraph(describe_guests(status.guests), terminal);
    if (!status.nodes.empty()) text += "\n" + tabulate_nodes(status.nodes).print(terminal);
    if (!status.not_at_home.empty()) text += format_not_at_home(status.not_at_home, terminal);
    return text + format_trouble(status, terminal);
}

void add_status(CLI::App& app, Context& context) {
    CLI::App* verb =
        add_verb(app, asking,
                 {"status", "how the host and its guests are, on one screen", "vnumactl status"});
    verb->callback([&context] {
        context.run = [&context] {
            const nlohmann::json reply = context.connection().call("query-status");
            if (context.options.json)
                context.print_json(reply);
            else
                context.print(
                    format_status(Connection::read_reply<control::Status>("query-status", reply),
                                  context.terminal()));
            return exit_done;
        };
    });
}

}  // namespace vnuma::ctl
