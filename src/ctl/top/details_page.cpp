#include "src/ctl/top/details_page.hpp"

#include "src/ctl/top/figures.hpp"
#include "src/ctl/top/overview_tables.hpp"

namespace vnuma::ctl::top {
namespace {

using control::GuestSummary;
using nlohmann::json;

// A field of a report as text; empty where there is none.
std::string text_of(const json& object, const char* key) {
    if (!object.is_object()) return "";
    const auto found = object.find(key);
    if (found == object.end() || found->is_null() || found->is_structured()) return "";
    return found->is_string() ? found->get<std::string>() : found->dump();
}

const json& list_of(const json& object, const char* key) {
    static const json none = json::array();
    if (!object.is_object()) return none;
    const auto found = object.find(key);
    return found != object.end() && found->is_array() ? *found : none;
}

std::string all_by_node(const std::vector<control::NodeBytes>& memory) {
    std::string text;
    for (const control::NodeBytes& node : memory)
        text += (text.empty() ? "" : ", ") + format_size(node.bytes) + " on node " +
                std::to_string(node.node);
    return text.empty() ? "none" : text;
}

void write_summary(Page& page, const GuestSummary& guest) {
    page.heading(guest.name + " (" + guest.uuid + ")");
    page.sentence(guest.state + ", " + name(guest.doing) + ", mode " + name(guest.mode) +
                  (guest.id ? ", id " + std::to_string(*guest.id) : "") +
                  (guest.pid ? ", process " + std::to_string(*guest.pid) : "") + ", from " +
                  guest.source);
    if (!guest.why.empty()) page.sentence(guest.why, "", {.colour = Colour::yellow});
    page.sentence(std::to_string(guest.vcpus) + " vCPUs use " + format_cpus(guest.cpu_use) +
                  " CPUs; " + format_share(guest.locality) + " of accesses are local.");
    page.sentence("Memory: " + all_by_node(guest.memory) + "; configured " +
                  format_size(guest.size) + '.');
    if (guest.to_move == 0) return;
    const std::string left = format_time_left(guest.to_move, guest.moved_per_second);
    page.sentence(format_size(guest.to_move) + " to move" +
                  (left.empty()
                       ? "; nothing moves now."
                       : " at " + format_rate(guest.moved_per_second) + ", " + left + " left."));
}

void write_reason(Page& page, const std::string& mark, const json& verdict_owner) {
    const auto verdict =
        verdict_owner.is_object() ? verdict_owner.find("verdict") : verdict_owner.end();
    if (!verdict_owner.is_object() || verdict == verdict_owner.end()) return;
    const std::string sentence = text_of(*verdict, "explanation");
    if (!sentence.empty()) page.sentence(sentence, mark);
}

void write_reasons(Page& page, const json& report) {
    page.heading("Reasons");
    for (const json& cell : list_of(report, "cells")) {
        const std::string number = text_of(cell, "cell");
        write_reason(page, "cell " + number + ": ", cell);
        for (const json& shard : list_of(cell, "shards"))
            write_reason(page, "cell " + number + ", shard " + text_of(shard, "shard") + ": ",
                         shard);
    }
    for (const char* key : {"unsteady", "immovable", "group_problem"})
        if (const std::string text = text_of(report, key); !text.empty())
            page.sentence(text, "  - ");
    for (const json& problem : list_of(report, "problems"))
        if (problem.is_string()) page.sentence(problem.get<std::string>(), "  - ");
}

void write_vcpus(Page& page, const json& report) {
    Table table;
    table.columns = {
        {"VCPU", 0, 4},         {"CELL", 2, 4},   {"THREAD", 3, 7},    {"CPU", 0, 4},
        {"NODE", 0, 4},         {"RAN ms", 4, 8}, {"WAITED ms", 5, 9}, {"MAY RUN ON", 1, 10, false},
        {"SET BY", 6, 6, false}};
    for (const json& cell : list_of(report, "cells"))
        for (const json& vcpu : list_of(cell, "vcpus"))
            table.rows.push_back({{text_of(vcpu, "vcpu")},
                                  {text_of(cell, "cell")},
                                  {text_of(vcpu, "thread")},
                                  {text_of(vcpu, "cpu")},
                                  {text_of(vcpu, "node")},
                                  {text_of(vcpu, "run_ms")},
                                  {text_of(vcpu, "wait_ms")},
                                  {text_of(vcpu, "affinity")},
                                  {text_of(vcpu, "affinity_from")}});
    if (table.rows.empty()) return;
    page.heading("vCPUs");
    page.table(table);
}

void write_policy(Page& page, const std::vector<control::PolicyValue>& policy, int utc_offset_s) {
    if (policy.empty()) return;
    Table table;
    table.columns = {{"KEY", 0, 8, false},
                     {"VALUE", 0, 8, false, true},
                     {"SET BY", 1, 10, false, true},
                     {"UNTIL", 2, 8, false}};
    for (const control::PolicyValue& value : policy)
        table.rows.push_back({{value.key},
                              {value.value.empty() ? "-" : value.value},
                              {value.source},
                              {value.until_ms ? format_clock(*value.until_ms, utc_offset_s) : ""}});
    page.heading("Policy");
    page.table(table);
}

}  // namespace

void write_details(Page& page, const control::GuestDetails& details, int utc_offset_s) {
    write_summary(page, details.summary);
    page.heading("Cells");
    page.table(tabulate_cells(details.summary.cells));
    write_reasons(page, details.report);
    write_vcpus(page, details.report);
    write_policy(page, details.policy, utc_offset_s);
}

}  // namespace vnuma::ctl::top
