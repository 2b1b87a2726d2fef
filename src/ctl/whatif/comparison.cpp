#include "src/ctl/whatif/comparison.hpp"

#include <algorithm>
#include <cstdio>
#include <set>

#include "src/ctl/prose.hpp"
#include "src/ctl/table.hpp"

namespace vnuma::ctl {
namespace {

// One cell or shard in both results. A result that does not have it has no entry.
struct CellHomes {
    const std::string* guest = nullptr;
    CellKey key;
    const std::optional<int>* recorded = nullptr;
    const std::optional<int>* changed = nullptr;

    bool differs() const {
        return !recorded || !changed ? recorded != changed : *recorded != *changed;
    }
};

std::map<CellKey, CellHomes> all_homes(const Comparison& comparison) {
    std::map<CellKey, CellHomes> homes;
    for (const auto& [uuid, guest] : comparison.recorded.guests)
        for (const auto& [key, home] : guest.homes)
            homes[key] = {&guest.name, key, &home, nullptr};
    for (const auto& [uuid, guest] : comparison.changed.guests)
        for (const auto& [key, home] : guest.homes) {
            CellHomes& cell = homes[key];
            cell.guest = &guest.name, cell.key = key, cell.changed = &home;
        }
    return homes;
}

std::string number(double value, const char* unit) {
    char text[64];
    std::snprintf(text, sizeof text, "%.1f%s", value, unit);
    return text;
}

std::string percent(const std::optional<double>& share) {
    return share ? number(*share * 100, " %") : "-";
}

std::string gib_of(Bytes bytes) {
    return number(static_cast<double>(bytes) / static_cast<double>(1024 * mib), " GiB");
}

double seconds(double milli_cpu_ms) {
    return milli_cpu_ms / 1'000'000;
}

std::string home_of(const std::optional<int>* home) {
    if (!home) return "absent";
    return *home ? std::to_string(**home) : "none";
}

std::string cell_of(const CellKey& key) {
    return std::to_string(key.cell) +
           (key.shard == CellKey::whole ? "" : "." + std::to_string(key.shard));
}

Table tabulate_figures(const Comparison& comparison) {
    const auto& [changes, before, after] = comparison;
    Table table({{""}, {"RECORDED", Align::right}, {"CHANGED", Align::right}});
    table.add({"mean locality", percent(before.figures.locality.share()),
               percent(after.figures.locality.share())});
    table.add({"memory moved", gib_of(before.figures.moved), gib_of(after.figures.moved)});
    table.add({"home changes", std::to_string(before.figures.home_changes),
               std::to_string(after.figures.home_changes)});
    table.add({"contention", number(seconds(before.all_contention()), " CPU s"),
               number(seconds(after.all_contention()), " CPU s")});
    std::set<int> nodes;
    for (const ImaginedResult* result : {&before, &after})
        for (const auto& [node, contention] : result->contention)
            nodes.insert(node);
    const auto on = [](const ImaginedResult& result, int node) -> std::string {
        const auto found = result.contention.find(node);
        return found == result.contention.end() ? "-" : number(seconds(found->second), " CPU s");
    };
    for (const int node : nodes)
        table.add({"  node " + std::to_string(node), on(before, node), on(after, node)});
    return table;
}

const ImaginedFigures* figures_of(const ImaginedResult& result, const std::string& uuid) {
    const auto found = result.guests.find(uuid);
    return found == result.guests.end() ? nullptr : &found->second.figures;
}

JsonOut json_of(const ImaginedFigures& figures) {
    JsonOut json = JsonOut::object();
    if (const auto share = figures.locality.share())
        json["locality_permille"] = static_cast<PerMille>(*share * 1000);
    json["moved_bytes"] = figures.moved;
    json["home_changes"] = figures.home_changes;
    return json;
}

JsonOut json_of(const ImaginedResult& result) {
    JsonOut json = json_of(result.figures);
    json["contention_cpu_ms"] = static_cast<std::int64_t>(result.all_contention() / 1000);
    json["nodes"] = JsonOut::array();
    for (const auto& [node, contention] : result.contention)
        json["nodes"].push_back(
            {{"node", node}, {"contention_cpu_ms", static_cast<std::int64_t>(contention / 1000)}});
    return json;
}

}  // namespace

std::size_t different_homes(const Comparison& comparison) {
    std::size_t count = 0;
    for (const auto& [key, cell] : all_homes(comparison))
        count += cell.differs();
    return count;
}

std::string format_comparison(const Comparison& comparison, const Terminal& terminal) {
    const ImaginedResult &before = comparison.recorded, &after = comparison.changed;
    std::string text =
        paragraph(count_of(static_cast<long long>(before.ticks), "tick", "ticks") + " in " +
                      std::to_string(before.time / 1000) + " s, changed: " + comparison.changes,
                  terminal) +
        "\n" + tabulate_figures(comparison).print(terminal) + "\n";
    const auto cells = all_homes(comparison);
    if (cells.empty()) return text + "No guests.\n";
    const auto locality = [](const ImaginedResult& result, const std::string& uuid) {
        const ImaginedFigures* figures = figures_of(result, uuid);
        return figures ? percent(figures->locality.share()) : "-";
    };
    Table table({{"GUEST", Align::left, true},
                 {"CELL", Align::right},
                 {"HOME RECORDED", Align::right},
                 {"HOME CHANGED", Align::right},
                 {"LOCALITY RECORDED", Align::right, false, 2},
                 {"LOCALITY CHANGED", Align::right, false, 2},
                 {"", Align::left, false, 1}});
    // What differs comes first.
    for (const bool differs : {true, false})
        for (const auto& [key, cell] : cells)
            if (cell.differs() == differs)
                table.add({*cell.guest,
                           cell_of(key),
                           home_of(cell.recorded),
                           {home_of(cell.changed), differs ? Colour::yellow : Colour::none},
                           locality(before, key.uuid),
                           locality(after, key.uuid),
                           differs ? "differs" : ""});
    return text + table.print(terminal) + "\n" +
           paragraph(count_of(static_cast<long long>(cells.size()), "cell", "cells") + ", " +
                         std::to_string(different_homes(comparison)) +
                         " with other homes at the end",
                     terminal);
}

JsonOut to_json(const Comparison& comparison) {
    JsonOut json = JsonOut::object();
    json["ticks"] = comparison.recorded.ticks;
    json["time_ms"] = comparison.recorded.time;
    json["changes"] = comparison.changes;
    json["recorded"] = json_of(comparison.recorded);
    json["changed"] = json_of(comparison.changed);
    json["guests"] = JsonOut::array();
    JsonOut* guest = nullptr;
    for (const auto& [key, cell] : all_homes(comparison)) {
        if (!guest || (*guest)["uuid"] != key.uuid) {
            guest = &json["guests"].emplace_back(JsonOut::object());
            (*guest)["name"] = *cell.guest;
            (*guest)["uuid"] = key.uuid;
            for (const auto& [name, result] : {std::pair("recorded", &comparison.recorded),
                                               std::pair("changed", &comparison.changed)})
                if (const ImaginedFigures* figures = figures_of(*result, key.uuid))
                    (*guest)[name] = json_of(*figures);
            (*guest)["cells"] = JsonOut::array();
        }
        JsonOut& out = (*guest)["cells"].emplace_back(JsonOut::object());
        out["cell"] = key.cell;
        if (key.shard != CellKey::whole) out["shard"] = key.shard;
        if (cell.recorded && *cell.recorded) out["home_recorded"] = **cell.recorded;
        if (cell.changed && *cell.changed) out["home_changed"] = **cell.changed;
        out["differs"] = cell.differs();
    }
    return json;
}

}  // namespace vnuma::ctl
