#include "src/control/queries/cells.hpp"

#include <algorithm>
#include <numeric>
#include <variant>

#include "src/control/queries/words.hpp"

namespace vnuma::control {
namespace {

const CellState* find_cell_state(const GuestState& guest, int cell) {
    for (const CellState& one : guest.cells)
        if (one.key.cell == cell) return &one;
    return nullptr;
}

// Whole cells have all vCPUs. Indexes beyond them, from a plan of another sample, are left out.
void add_vcpus(CellView& view) {
    const std::size_t count = view.sample->vcpus.size();
    if (view.is_shard())
        view.positions = view.verdict->vcpus;
    else
        for (std::size_t i = 0; i < count; ++i)
            view.positions.push_back(i);
    std::erase_if(view.positions, [&](std::size_t i) { return i >= count; });
    for (const std::size_t i : view.positions)
        view.vcpus.push_back(&view.sample->vcpus[i]);
}

Bytes sum(const std::vector<Bytes>& bytes) {
    return std::accumulate(bytes.begin(), bytes.end(), Bytes{0});
}

// Of a sum that is not 0. In two steps, since sums of large guests are near 2^63 / 1000.
PerMille share(const std::vector<Bytes>& bytes, NodeIndex node) {
    const Bytes all = sum(bytes);
    if (node >= bytes.size()) return 0;
    return std::min<PerMille>(
        all >= 1'000'000 ? bytes[node] / (all / 1000) : bytes[node] * 1000 / all, 1000);
}

// The memory that the vCPU alone accesses; null if none is known.
const std::vector<Bytes>* own_memory(const CellView& view, std::size_t vcpu) {
    const auto& wide = view.state->wide;
    if (!wide || vcpu >= wide->own.size() || sum(wide->own[vcpu]) == 0) return nullptr;
    return &wide->own[vcpu];
}

PerMille locality_of_vcpu(const CellView& view, std::size_t vcpu, NodeIndex node, bool by_own) {
    if (by_own) return share(*own_memory(view, vcpu), node);
    if (sum(view.cell->heat) > 0) return share(view.cell->heat, node);
    return locality(*view.cell, node);
}

}  // namespace

std::vector<CellView> cells_of(const Tick& tick, std::size_t guest) {
    const GuestSample& sample = tick.sample().guests.at(guest);
    const GuestState& state = tick.snapshot.guests.at(guest);
    const auto& verdicts = tick.plan.verdicts;
    std::vector<CellView> views;
    for (const CellSample& cell : sample.cells) {
        CellView view{&sample, &state, &cell, find_cell_state(state, cell.id)};
        // Ordered by key: the whole cell, then its shards.
        const CellKey key{sample.uuid, cell.id};
        auto verdict = std::lower_bound(
            verdicts.begin(), verdicts.end(), key,
            [](const Verdict& one, const CellKey& wanted) { return one.key < wanted; });
        const auto is_of_cell = [&] {
            return verdict != verdicts.end() && verdict->key.uuid == key.uuid &&
                   verdict->key.cell == key.cell;
        };
        if (is_of_cell() && verdict->key.shard == CellKey::whole) view.verdict = &*verdict++;
        add_vcpus(views.emplace_back(view));
        for (; view.cell && is_of_cell(); ++verdict) {
            CellView shard = view;
            shard.verdict = &*verdict;
            add_vcpus(views.emplace_back(std::move(shard)));
        }
    }
    return views;
}

int node_id(const Tick& tick, NodeIndex node) {
    return tick.snapshot.topology.nodes.at(node).id;
}

std::vector<int> node_ids(const Tick& tick, NodeSet nodes) {
    std::vector<int> ids;
    for (std::size_t n = 0; n < tick.snapshot.topology.nodes.size(); ++n)
        if (nodes.contains(NodeIndex(n))) ids.push_back(node_id(tick, NodeIndex(n)));
    return ids;
}

std::map<int, std::vector<int>> vcpus_by_node(const Tick& tick, const CellView& view) {
    std::map<int, std::vector<int>> nodes;
    for (const VcpuSample* vcpu : view.vcpus)
        if (const auto node = tick.host.node_of_cpu(vcpu->last_cpu))
            nodes[node_id(tick, *node)].push_back(vcpu->id);
    return nodes;
}

bool is_heat_known(const CellView& view) {
    return view.cell && sum(view.cell->heat) > 0;
}

PerMille locality_of(const Tick& tick, const CellView& view) {
    if (!view.cell) return 1000;
    const bool by_own =
        view.is_shard() && std::any_of(view.positions.begin(), view.positions.end(),
                                       [&](std::size_t i) { return own_memory(view, i); });
    PerMille local = 0, count = 0;
    for (const std::size_t i : view.positions) {
        const auto node = tick.host.node_of_cpu(view.sample->vcpus[i].last_cpu);
        if (!node || (by_own && !own_memory(view, i))) continue;
        local += locality_of_vcpu(view, i, memory_node(tick.snapshot.topology, *node), by_own);
        ++count;
    }
    return count > 0 ? local / count : 1000;
}

CellResults results_of(const Tick& tick, const CellKey& key) {
    CellResults results;
    for (const ActionResult& result : tick.results) {
        if (key_of(result.action) != key) continue;
        const bool moves = std::holds_alternative<MoveMemory>(result.action);
        (moves ? results.move : results.pin) = &result;
    }
    return results;
}

std::string command_name(const Tick& tick, std::size_t guest) {
    const auto& guests = tick.sample().guests;
    const std::string& name = guests.at(guest).name;
    const auto same = std::count_if(guests.begin(), guests.end(),
                                    [&](const GuestSample& one) { return one.name == name; });
    const bool is_option = name.starts_with('-');
    return shell_word(name.empty() || is_option || same > 1 ? guests.at(guest).uuid : name);
}

}  // namespace vnuma::control
