#include "src/ctl/plot/plot_data.hpp"

#include <algorithm>
#include <utility>

namespace vnuma::ctl::plot {
namespace {

Millis end_of(const PlotData& data) {
    Millis end = data.load.times.empty() ? 0 : data.load.times.back();
    for (const GuestPlot& guest : data.guests)
        if (!guest.series.times.empty()) end = std::max(end, guest.series.times.back());
    return end;
}

// Only the band that was there at `begin` and later ones.
std::vector<Band> since(const std::vector<Band>& bands, Millis begin) {
    const auto later = std::upper_bound(bands.begin(), bands.end(), begin,
                                        [](Millis time, const Band& b) { return time < b.time; });
    std::vector<Band> kept(later == bands.begin() ? later : std::prev(later), bands.end());
    if (!kept.empty()) kept.front().time = std::max(kept.front().time, begin);
    return kept;
}

void trim(PlotData& data, Millis begin) {
    data.load = since(data.load, begin);
    data.available = since(data.available, begin);
    std::erase_if(data.events, [&](const PlotEvent& event) { return event.time < begin; });
    for (GuestPlot& guest : data.guests) {
        guest.series = since(guest.series, begin);
        for (auto& [label, bands] : guest.cells)
            bands = since(bands, begin);
    }
}

// Guests that have nothing left to show. In its first minute a guest has events only.
void drop_empty_guests(PlotData& data) {
    std::vector<bool> has_events(data.guests.size());
    for (const PlotEvent& event : data.events)
        if (event.guest) has_events[*event.guest] = true;
    std::vector<GuestPlot> kept;
    std::vector<std::size_t> index(data.guests.size());
    for (std::size_t g = 0; g < data.guests.size(); ++g) {
        if (data.guests[g].series.times.empty() && !has_events[g]) continue;
        index[g] = kept.size();
        kept.push_back(std::move(data.guests[g]));
    }
    data.guests = std::move(kept);
    for (PlotEvent& event : data.events)
        if (event.guest) event.guest = index[*event.guest];
}

void downsample(PlotData& data) {
    data.load = downsampled(data.load);
    data.available = downsampled(data.available);
    for (GuestPlot& guest : data.guests)
        guest.series = downsampled(guest.series);
}

}  // namespace

std::string cell_label(int cell, std::optional<int> shard) {
    return "cell " + std::to_string(cell) + (shard ? ", shard " + std::to_string(*shard) : "");
}

std::size_t PlotBuilder::column_of(int node) {
    const auto [entry, is_new] = columns_.try_emplace(node, data_.nodes.size());
    if (is_new) data_.nodes.push_back(node);
    return entry->second;
}

std::size_t PlotBuilder::index_of(const std::string& uuid, const std::string& name) {
    const auto [entry, is_new] = indexes_.try_emplace(uuid, data_.guests.size());
    if (is_new) data_.guests.push_back({name, uuid, {}, {}});
    return entry->second;
}

void PlotBuilder::set_home(std::size_t guest, const std::string& cell, Millis time,
                           std::optional<int> home) {
    std::vector<Band>& bands = data_.guests[guest].cells[cell];
    if (!bands.empty() && bands.back().home == home) return;
    if (bands.empty() && !home) return;
    if (bands.size() >= max_bands) {
        has_too_many_bands_ = true;
        return;
    }
    bands.push_back({time, home});
}

void PlotBuilder::add_event(PlotEvent event) {
    data_.events.push_back(std::move(event));
}

PlotData PlotBuilder::finish(std::string title, std::optional<Millis> length) {
    PlotData data = std::move(data_);
    data.title = std::move(title);
    if (length) trim(data, end_of(data) - *length);
    drop_empty_guests(data);
    if (data.events.size() > max_events) {
        data.problems.push_back("Only the last " + std::to_string(max_events) + " of " +
                                std::to_string(data.events.size()) + " events are shown.");
        data.events.erase(data.events.begin(), data.events.end() - max_events);
    }
    if (has_too_many_bands_)
        data.problems.push_back("Of a cell whose home changed more than " +
                                std::to_string(max_bands) + " times, later homes are not shown.");
    downsample(data);
    return data;
}

}  // namespace vnuma::ctl::plot
