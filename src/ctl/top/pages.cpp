#include "src/ctl/top/pages.hpp"

#include <string_view>

#include "src/ctl/top/details_page.hpp"
#include "src/ctl/top/figures.hpp"
#include "src/ctl/top/overview_tables.hpp"
#include "src/ctl/top/page.hpp"

namespace vnuma::ctl::top {
namespace {

void add_list(Page& page, const char* title, const std::vector<std::string>& sentences) {
    if (sentences.empty()) return;
    page.sentence(title);
    page.sentences(sentences, "  - ");
}

void write_explanation(Page& page, const control::Explanation& explanation) {
    page.heading(explanation.name + " (" + explanation.uuid + ")");
    page.sentences(explanation.guest);
    for (const control::CellExplanation& cell : explanation.cells) {
        page.heading("Cell " + std::to_string(cell.cell) +
                     (cell.shard ? ", shard " + std::to_string(*cell.shard) : ""));
        for (const std::string* text : {&cell.where_it_is, &cell.where_it_should_be, &cell.why})
            if (!text->empty()) page.sentence(*text);
        add_list(page, "Why not elsewhere:", cell.elsewhere);
        add_list(page, "In the way:", cell.in_the_way);
        add_list(page, "What you could change:", cell.could_change);
    }
}

std::string describe_node(const control::NodeStatus& node) {
    std::string text =
        "Node " + std::to_string(node.node) + ": CPUs " + (node.cpus.empty() ? "none" : node.cpus);
    for (const control::HugePool& pool : node.huge)
        text +=
            "; " + format_size(pool.available) + " free in huge pages of " + format_size(pool.page);
    if (!node.distances.empty()) text += "; distances";
    for (const int distance : node.distances)
        text += ' ' + std::to_string(distance);
    return text;
}

void write_host(Page& page, const control::Status& status) {
    page.heading("Nodes");
    page.table(tabulate_nodes(status, status.nodes.size()));
    for (const control::NodeStatus& node : status.nodes)
        page.sentence(describe_node(node));
    page.heading("Trouble");
    const Style bad{.colour = Colour::red};
    if (!status.blind.empty()) page.sentence("Nothing can be seen: " + status.blind, "  - ", bad);
    if (!status.frozen.empty()) page.sentence("Frozen: " + status.frozen, "  - ", bad);
    page.sentences(status.trouble, "  - ");
    if (status.blind.empty() && status.frozen.empty() && status.trouble.empty())
        page.sentence("None.");
    page.heading("Other balancers");
    if (status.rivals.empty()) page.sentence("None.");
    for (const control::RivalStatus& rival : status.rivals)
        page.sentence(rival.name + ": " + rival.presence + "; " + rival.effect, "  - ");
    page.heading("vnumad");
    page.sentence("Version " + status.version + ", process " + std::to_string(status.pid) +
                  ", mode " + name(status.mode) + ", guests from " + status.source + ", tick " +
                  std::to_string(status.tick) + ", " + std::to_string(status.interval_ms) +
                  " ms between ticks, up for " + std::to_string(status.uptime_ms / 60'000) +
                  " min.");
}

void write_help(Page& page, const Abilities& abilities) {
    page.heading("Keys");
    for (const KeyHelp& key : key_help) {
        std::string mark = key.keys;
        mark.resize(8, ' ');
        page.sentence(key.does, mark);
    }
    page.heading("Words");
    page.sentence(abilities.utf8 ? "Bars of nodes: █ guests, ▒ others."
                                 : "Bars of nodes: # guests, = others.");
    page.sentences(
        {"LOC: share of memory accesses that are local to the vCPU.",
         "HOME: nodes where vnumad wants the guest's cells to be; - is none.",
         "BY NODE: memory by node, the largest first.",
         "MOVES, LEFT: memory that moves now, and how long the rest takes at that rate."});
    page.sentence(
        "HOT REMOTE: memory of guests on the node, weighted by heat, whose vCPUs belong "
        "on another node.");
}

}  // namespace

Grid make_page(const Model& model, const Abilities& abilities) {
    Page page(model.size.width, abilities.utf8);
    const bool no_data = (model.view() == View::details && !model.details) ||
                         (model.view() == View::explanation && !model.explanation) ||
                         (model.view() == View::host && !model.status);
    if (no_data) {
        page.sentence(!model.view_trouble.empty() ? model.view_trouble
                      : model.lost.empty()        ? "Waiting for vnumad."
                                                  : model.lost);
        return page.finish();
    }
    switch (model.view()) {
        case View::details:
            write_details(page, *model.details, abilities.utc_offset_s);
            break;
        case View::explanation:
            write_explanation(page, *model.explanation);
            break;
        case View::host:
            write_host(page, *model.status);
            break;
        case View::overview:
        case View::heat_map:
        case View::help:
            write_help(page, abilities);
            break;
    }
    return page.finish();
}

int page_height(const Model& model) {
    return make_page(model, {}).size().height;
}

}  // namespace vnuma::ctl::top
