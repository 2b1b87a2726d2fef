#include "src/ctl/verbs/show.hpp"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <memory>
#include <nlohmann/json.hpp>

#include "policy/model/number_list.hpp"
#include "src/ctl/guest_words.hpp"
#include "src/ctl/prose.hpp"
#include "src/ctl/table.hpp"
#include "src/ctl/units.hpp"
#include "src/ctl/verbs.hpp"

namespace vnuma::ctl {
namespace {

using nlohmann::json;

// A value of a report as a cell of a table.
std::string text_of(const json& object, const char* key) {
    const auto found = object.is_object() ? object.find(key) : object.end();
    if (!object.is_object() || found == object.end() || found->is_null()) return "-";
    if (found->is_string())
        return found->get<std::string>().empty() ? "-" : found->get<std::string>();
    return found->dump(-1, ' ', false, json::error_handler_t::replace);
}

json list_of(const json& object, const char* key) {
    if (!object.is_object()) return json::array();
    const auto found = object.find(key);
    return found != object.end() && found->is_array() ? *found : json::array();
}

std::string format_summary(const control::GuestSummary& guest, const json& report,
                           const Terminal& terminal) {
    std::string text;
    const auto add = [&](const char* name, const std::string& value) {
        std::string label = std::string(name) + ":";
        label.resize(std::max<std::size_t>(label.size() + 1, 15), ' ');
        if (!value.empty() && value != "-") text += paragraph(value, terminal, label);
    };
    add("Name", guest.name);
    add("UUID", guest.uuid);
    add("Id", guest.id ? std::to_string(*guest.id) : "");
    add("Process", guest.pid ? std::to_string(*guest.pid) : "");
    add("Executable", text_of(report, "executable"));
    add("Known from", guest.source + " (" + text_of(report, "certainty") + ")");
    add("State", guest.state);
    add("Mode", name(guest.mode));
    add("Doing", format_doing(guest.doing) + (guest.why.empty() ? "" : ": " + guest.why));
    add("Homes", format_homes(guest.cells));
    add("Locality", format_share(guest.locality));
    add("vCPUs", std::to_string(guest.vcpus) + ", using " + format_cpus(guest.cpu_use) + " CPUs");
    add("Memory", format_size(guest.size) + "; " + format_by_node(guest.memory));
    add("To move", format_move(guest.to_move, guest.moved_per_second));
    add("Immovable", text_of(report, "immovable"));
    for (const json& problem : list_of(report, "problems"))
        if (problem.is_string()) add("Problem", problem.get<std::string>());
    return text;
}

std::string format_cells(const std::vector<control::CellSummary>& cells, const Terminal& terminal) {
    Table table({{"CELL", Align::right},
                 {"SHARD", Align::right, false, 3},
                 {"HOME", Align::right},
                 {"VCPUS", Align::left, true},
                 {"CPU", Align::right, false, 2},
                 {"LOCAL", Align::right},
                 {"MEMORY", Align::left, false, 1},
                 {"TO MOVE", Align::right, false, 4},
                 {"REASON", Align::left, true}});
    for (const control::CellSummary& cell : cells)
        table.add({std::to_string(cell.cell), cell.shard ? std::to_string(*cell.shard) : "-",
                   format_node(cell.home),
                   cell.vcpus.empty() ? "-" : format_number_list(cell.vcpus),
                   cell.shard ? "-" : format_cpus(cell.cpu_use), format_share(cell.locality),
                   format_by_node(cell.memory), format_move(cell.to_move, 0), cell.reason});
    return "\n" + heading("Cells", terminal) + table.print(terminal);
}

Table thread_table(const char* first) {
    return Table({{first, Align::left, true},
                  {"THREAD", Align::right},
                  {"CPU", Align::right},
                  {"NODE", Align::right},
                  {"AFFINITY", Align::left, false, 1},
                  {"SET BY", Align::left, false, 2}});
}

void add_thread(Table& table, const std::string& name, const json& thread) {
    table.add({name, text_of(thread, "thread"), text_of(thread, "cpu"), text_of(thread, "node"),
               text_of(thread, "affinity"), text_of(thread, "affinity_from")});
}

std::string format_threads(const json& report, const Terminal& terminal) {
    Table vcpus = thread_table("VCPU");
    for (const json& cell : list_of(report, "cells"))
        for (const json& vcpu : list_of(cell, "vcpus"))
            add_thread(vcpus, text_of(vcpu, "vcpu"), vcpu);
    Table others = thread_table("THREAD OF");
    const auto threads = report.is_object() ? report.find("threads") : report.end();
    if (report.is_object() && threads != report.end())
        for (const char* kind : {"emulator", "iothreads", "vhost", "helpers"})
            for (const json& thread : list_of(*threads, kind))
                add_thread(others, std::string(kind) + " " + text_of(thread, "name"), thread);
    std::string text;
    if (!vcpus.empty()) text += "\n" + heading("vCPUs", terminal) + vcpus.print(terminal);
    if (!others.empty()) text += "\n" + heading("Other threads", terminal) + others.print(terminal);
    return text;
}

std::string format_devices(const json& report, const Terminal& terminal) {
    Table table({{"DEVICE", Align::left, true}, {"NODE", Align::right}});
    for (const json& device : list_of(report, "devices"))
        table.add({text_of(device, "address"), text_of(device, "node")});
    return table.empty() ? "" : "\n" + heading("Devices", terminal) + table.print(terminal);
}

}  // namespace

std::string format_policy_values(const std::vector<control::PolicyValue>& values,
                                 const Terminal& terminal) {
    Table table(
        {{"KEY"}, {"VALUE"}, {"SET BY", Align::left, true}, {"UNTIL", Align::left, false, 1}});
    for (const control::PolicyValue& one : values)
        table.add({one.key, one.value.empty() ? "-" : one.value, one.source,
                   one.until_ms ? format_time(*one.until_ms) : "-"});
    return table.print(terminal);
}

std::string format_show(const control::GuestDetails& details, const Terminal& terminal) {
    return format_summary(details.summary, details.report, terminal) +
           format_cells(details.summary.cells, terminal) +
           format_threads(details.report, terminal) + format_devices(details.report, terminal) +
           "\n" + heading("Policy", terminal) + format_policy_values(details.policy, terminal);
}

void add_show(CLI::App& app, Context& context) {
    CLI::App* verb = add_verb(
        app, asking, {"show", "everything that is known of a guest", "vnumactl show web1"});
    const auto guest = std::make_shared<control::GuestArgument>();
    verb->add_option("GUEST", guest->guest, "name, id, UUID or pid")->required();
    verb->callback([&context, guest] {
        context.run = [&context, guest] {
            const json reply = context.connection().call("query-guest", control::to_json(*guest));
            if (context.options.json)
                context.print_json(reply);
            else
                context.print(
                    format_show(Connection::read_reply<control::GuestDetails>("query-guest", reply),
                                context.terminal()));
            return exit_done;
        };
    });
}

}  // namespace vnuma::ctl
