// Plots of a recording.
#include <algorithm>

#include "policy/verdict/explain.hpp"
#include "src/ctl/plot/plot_data.hpp"
#include "src/ctl/whatif/locality.hpp"

namespace vnuma::ctl::plot {
namespace {

using control::EventKind;

std::string label_of(const CellKey& key) {
    return cell_label(key.cell,
                      key.shard == CellKey::whole ? std::nullopt : std::optional(key.shard));
}

std::string node_name(const Topology& topology, NodeIndex node) {
    return "node " + std::to_string(topology.nodes[node].id);
}

std::vector<MilliCpu> use_by_node(const Snapshot& snapshot) {
    std::vector<MilliCpu> use;
    for (const HostNode& node : snapshot.topology.nodes)
        use.push_back(node.other_use);
    for (const GuestState& guest : snapshot.guests)
        for (const CellState& cell : guest.cells) {
            const auto running = running_shares(snapshot.topology, guest, cell);
            for (std::size_t n = 0; n < use.size(); ++n)
                use[n] += cell.cpu_use * running[n] / 1000;
        }
    return use;
}

// Of all cells, weighted by their CPU use.
PerMille locality_of(const Topology& topology, const GuestState& guest) {
    std::int64_t weights = 0, sum = 0;
    for (const CellState& cell : guest.cells) {
        const std::int64_t weight = std::max<MilliCpu>(cell.cpu_use, 1);
        weights += weight;
        sum += weight * local_share(topology, guest, cell);
    }
    return weights == 0 ? 1000 : sum / weights;
}

}  // namespace

void RecordingPlot::say(EventKind kind, Millis time, std::optional<std::size_t> guest,
                        std::string text) {
    builder_.add_event({time, control::name(kind), guest, std::move(text)});
}

void RecordingPlot::add(const Record& record) {
    if (!last_) shift_ = -record.snapshot.now;
    Millis time = record.snapshot.now + shift_;
    if (last_ && time <= *last_) {
        shift_ += *last_ + restart_gap - time;
        time = record.snapshot.now + shift_;
        add_gap(builder_.data().load, *last_ + 1);
        add_gap(builder_.data().available, *last_ + 1);
        for (const std::size_t guest : present_)
            add_gap(builder_.guest(guest).series, *last_ + 1);
        say(EventKind::trouble, time, std::nullopt,
            "the clock of the recording begins anew: the host was restarted");
    }
    last_ = time;
    add_nodes(record.snapshot, time);
    add_guests(record.snapshot, time);
    add_homes(record, time);
    add_moves(record, time);
}

void RecordingPlot::add_nodes(const Snapshot& snapshot, Millis time) {
    const std::vector<MilliCpu> use = use_by_node(snapshot);
    Column load, available;
    for (std::size_t n = 0; n < use.size(); ++n) {
        const HostNode& node = snapshot.topology.nodes[n];
        const std::size_t column = builder_.column_of(node.id);
        load.resize(std::max(load.size(), column + 1));
        available.resize(load.size());
        if (node.cpu_capacity > 0) load[column] = use[n] * 1000 / node.cpu_capacity;
        if (node.memory_total > 0) available[column] = node.memory_available;
    }
    add_row(builder_.data().load, time, load);
    add_row(builder_.data().available, time, available);
}

void RecordingPlot::add_guests(const Snapshot& snapshot, Millis time) {
    std::set<std::size_t> present;
    for (const GuestState& guest : snapshot.guests) {
        const std::size_t index = builder_.index_of(guest.uuid, guest.name);
        present.insert(index);
        if (!present_.contains(index)) say(EventKind::guest_came, time, index, "the guest came");
        Column row{locality_of(snapshot.topology, guest)};
        for (std::size_t n = 0; n < snapshot.topology.nodes.size(); ++n) {
            const std::size_t column = 1 + builder_.column_of(snapshot.topology.nodes[n].id);
            row.resize(std::max(row.size(), column + 1));
            Bytes bytes = 0;
            for (const CellState& cell : guest.cells)
                bytes += cell.residency[n];
            row[column] = bytes;
        }
        add_row(builder_.guest(index).series, time, row);
    }
    for (const std::size_t index : present_) {
        if (present.contains(index)) continue;
        say(EventKind::guest_went, time, index, "the guest went");
        GuestPlot& guest = builder_.guest(index);
        add_gap(guest.series, time);
        for (const auto& [label, bands] : guest.cells)
            builder_.set_home(index, label, time, std::nullopt);
    }
    present_ = std::move(present);
}

void RecordingPlot::add_homes(const Record& record, Millis time) {
    const Topology& topology = record.snapshot.topology;
    std::map<std::string, std::size_t> indexes;
    std::set<std::pair<std::size_t, std::string>> judged;
    for (const GuestState& guest : record.snapshot.guests)
        indexes[guest.uuid] = builder_.index_of(guest.uuid, guest.name);
    for (const Verdict& verdict : record.plan.verdicts) {
        const auto found = indexes.find(verdict.key.uuid);
        if (found == indexes.end()) continue;
        const std::string label = label_of(verdict.key);
        const auto home = verdict.home_node();
        const auto& cells = builder_.guest(found->second).cells;
        const auto bands = cells.find(label);
        const bool had_one =
            bands != cells.end() && !bands->second.empty() && bands->second.back().home.has_value();
        const std::optional<int> now =
            home ? std::optional(topology.nodes[*home].id) : std::nullopt;
        judged.insert({found->second, label});
        if (had_one ? bands->second.back().home == now : !now) continue;
        say(EventKind::home_changed, time, found->second,
            label + ": " + explain(verdict, topology));
        builder_.set_home(found->second, label, time, now);
    }
    // Shards that are gone, and cells that were split, have no home.
    for (const auto& [uuid, index] : indexes)
        for (const auto& [label, bands] : builder_.guest(index).cells)
            if (!judged.contains({index, label}))
                builder_.set_home(index, label, time, std::nullopt);
}

void RecordingPlot::add_moves(const Record& record, Millis time) {
    std::map<CellKey, MoveMemory> moves;
    for (const Action& action : record.plan.actions)
        if (const auto* move = std::get_if<MoveMemory>(&action)) moves[move->key] = *move;
    const auto tell = [&](EventKind kind, const MoveMemory& move, std::string text) {
        say(kind, time, builder_.index_of(move.key.uuid, move.key.uuid),
            label_of(move.key) + ": " + std::move(text));
    };
    for (const auto& [key, move] : moves) {
        const auto before = moves_.find(key);
        if (before != moves_.end() && before->second.to == move.to) continue;
        tell(EventKind::move_began, move,
             std::to_string(move.bytes / mib) + " MiB are to move to " +
                 node_name(record.snapshot.topology, move.to));
    }
    for (const auto& [key, move] : moves_)
        if (!moves.contains(key))
            tell(EventKind::move_ended, move, "no memory is to move any more");
    moves_ = std::move(moves);
}

PlotData RecordingPlot::finish(std::string title, std::optional<Millis> length) {
    return builder_.finish(std::move(title), length);
}

}  // namespace vnuma::ctl::plot
