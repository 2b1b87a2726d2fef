#include "src/ctl/top/layout.hpp"

#include <algorithm>

namespace vnuma::ctl::top {

OverviewLayout lay_out_overview(const Model& model) {
    OverviewLayout layout;
    layout.notice = !make_notice(model).empty();
    layout.nodes_top = layout.notice ? 2 : 1;
    // Nodes get at most a third of what headings, header and keys leave.
    const int left = std::max(model.size.height - layout.nodes_top - 3, 2);
    const int nodes = model.status ? static_cast<int>(model.status->nodes.size()) : 0;
    layout.node_rows = std::min(nodes, std::max(left / 3, 1));
    layout.guests_top = layout.nodes_top + 1 + layout.node_rows;
    layout.guest_rows = std::max(left - layout.node_rows, 1);
    return layout;
}

std::string make_notice(const Model& model) {
    if (!model.lost.empty()) return "Trying again: " + model.lost;
    if (model.is_silent())
        return "vnumad has not answered for " + std::to_string(model.unanswered.count() / 1000) +
               " s";
    if (!model.status) return "";
    const control::Status& status = *model.status;
    std::vector<std::string> all;
    if (!status.blind.empty()) all.push_back("BLIND: " + status.blind);
    if (!status.frozen.empty()) all.push_back("FROZEN: " + status.frozen);
    all.insert(all.end(), status.trouble.begin(), status.trouble.end());
    if (all.empty()) return "";
    if (all.size() == 1) return all[0];
    return "(1 of " + std::to_string(all.size()) + ", n shows all) " + all[0];
}

PageLayout lay_out_page(const Model& model) {
    PageLayout layout;
    // One more row for a notice or for why the page is old.
    const bool line = !make_notice(model).empty() || !model.view_trouble.empty();
    layout.top = line ? 2 : 1;
    layout.rows = std::max(model.size.height - layout.top - 1, 1);
    return layout;
}

HeatLayout lay_out_heat(const Model& model) {
    HeatLayout layout;
    const PageLayout page = lay_out_page(model);
    layout.top = page.top + 1;
    // Below the blocks are two rows of legend.
    layout.rows = std::max(page.rows - 3, 1);
    layout.columns = std::max(model.size.width - layout.label, 1);
    constexpr int max_blocks = 4096;  // of the protocol
    layout.rows = std::clamp(layout.rows, 1, std::max(max_blocks / layout.columns, 1));
    return layout;
}

}  // namespace vnuma::ctl::top
