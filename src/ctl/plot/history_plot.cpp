// Plots of the daemon's history.
#include <algorithm>

#include "src/ctl/plot/plot_data.hpp"

namespace vnuma::ctl::plot {
namespace {

std::int64_t& at(Column& column, std::size_t index) {
    if (column.size() <= index) column.resize(index + 1);
    if (!column[index]) column[index] = 0;
    return *column[index];
}

void add_after(Series& series, Millis time, const Column& row) {
    if (!series.times.empty() && time - series.times.back() > longest_step)
        add_gap(series, series.times.back() + 1);
    add_row(series, time, row);
}

}  // namespace

void HistoryPlot::add(const control::HistoryPage& page) {
    for (const control::CellMinute& cell : page.cells)
        add(cell);
    for (const control::NodeMinute& node : page.nodes)
        add(node);
    for (const control::Happening& event : page.events) {
        std::optional<std::size_t> guest;
        if (!event.uuid.empty()) guest = builder_.index_of(event.uuid, event.guest);
        const std::string cell = event.cell ? cell_label(*event.cell, event.shard) + ": " : "";
        builder_.add_event({event.time_ms, control::name(event.kind), guest, cell + event.text});
    }
    if (page.problem.empty()) return;
    std::vector<std::string>& problems = builder_.data().problems;
    if (std::find(problems.begin(), problems.end(), page.problem) == problems.end())
        problems.push_back(page.problem);
}

void HistoryPlot::add(const control::CellMinute& cell) {
    const std::size_t guest = builder_.index_of(cell.uuid, cell.guest);
    const auto [entry, is_new] = guests_.try_emplace(guest);
    Minute& minute = entry->second;
    if (!is_new && minute.time != cell.time_ms) {
        flush(guest, minute);
        minute = {};
    }
    minute.time = cell.time_ms;
    const std::int64_t weight = std::max<MilliCpu>(cell.cpu_use, 1);
    minute.weight += weight;
    minute.weighted += weight * cell.locality;
    for (const control::NodeBytes& memory : cell.memory)
        at(minute.values, 1 + builder_.column_of(memory.node)) += memory.bytes;
    builder_.set_home(guest, cell_label(cell.cell, std::nullopt), cell.time_ms, cell.home);
}

// A node that has none of a guest's memory is left out in the history.
void HistoryPlot::flush(std::size_t guest, Minute& minute) {
    for (std::size_t n = 0; n < builder_.data().nodes.size(); ++n)
        at(minute.values, 1 + n);
    at(minute.values, 0) = minute.weight > 0 ? minute.weighted / minute.weight : 1000;
    add_after(builder_.guest(guest).series, minute.time, minute.values);
}

void HistoryPlot::add(const control::NodeMinute& node) {
    if (nodes_ && nodes_->time != node.time_ms) flush_nodes();
    if (!nodes_) nodes_ = Minute();
    nodes_->time = node.time_ms;
    const std::size_t column = builder_.column_of(node.node);
    if (node.capacity > 0)
        at(nodes_->values, column) = (node.guest_use + node.other_use) * 1000 / node.capacity;
    if (node.memory > 0) at(nodes_->others, column) = node.available;
}

void HistoryPlot::flush_nodes() {
    add_after(builder_.data().load, nodes_->time, nodes_->values);
    add_after(builder_.data().available, nodes_->time, nodes_->others);
    nodes_.reset();
}

PlotData HistoryPlot::finish(std::string title, std::optional<Millis> length) {
    for (auto& [guest, minute] : guests_)
        flush(guest, minute);
    if (nodes_) flush_nodes();
    return builder_.finish(std::move(title), length);
}

}  // namespace vnuma::ctl::plot
