#include "src/ctl/whatif/imagined_guest.hpp"

#include <algorithm>
#include <numeric>

namespace vnuma::ctl {
namespace {

using ByNode = std::vector<Bytes>;

Bytes sum_of(const ByNode& bytes) {
    return std::accumulate(bytes.begin(), bytes.end(), Bytes{0});
}

Bytes part_of(Bytes bytes, Bytes numerator, Bytes denominator) {
    return static_cast<Bytes>(static_cast<double>(bytes) * static_cast<double>(numerator) /
                              static_cast<double>(denominator));
}

// Distributes `total` in proportion to `weights`, whose sum is not 0. What rounding leaves comes to
// the node with most.
ByNode distributed(Bytes total, const ByNode& weights) {
    const Bytes all = sum_of(weights);
    if (total == all) return weights;
    ByNode bytes(weights.size());
    for (std::size_t n = 0; n < weights.size(); ++n)
        bytes[n] = part_of(weights[n], total, all);
    *std::max_element(bytes.begin(), bytes.end()) += total - sum_of(bytes);
    return bytes;
}

// The bytes where they were, scaled to the sum that was recorded.
ByNode scaled(const ByNode& before, const ByNode& recorded) {
    if (before.size() != recorded.size() || sum_of(before) == 0) return recorded;
    return distributed(sum_of(recorded), before);
}

ByNode resized(const CellState& before, const CellState& recorded, const Topology& topology) {
    const Bytes growth = total_bytes(recorded) - total_bytes(before);
    if (growth <= 0 || total_bytes(before) == 0)
        return scaled(before.residency, recorded.residency);
    ByNode bytes = before.residency;
    if (before.confined_to) {
        bytes[memory_node(topology, *before.confined_to)] += growth;
        return bytes;
    }
    const ByNode more = distributed(growth, recorded.residency);
    for (std::size_t n = 0; n < bytes.size(); ++n)
        bytes[n] += more[n];
    return bytes;
}

// Pins that vnumad made when this was recorded are not made here.
void carry_pins_over(const CellState& before, CellState& cell) {
    if (before.pinned)
        cell.confined_to = before.confined_to;
    else if (cell.pinned)
        cell.confined_to.reset();
    cell.pinned = before.pinned;
}

void carry_over(const WideUse& before, const CellState& cell, bool recorded_pinned, WideUse& wide) {
    const bool same_vcpus = before.vcpus() == wide.vcpus();
    for (std::size_t v = 0; v < wide.vcpus(); ++v) {
        if (cell.pinned && same_vcpus)
            wide.confined_to[v] = before.confined_to[v];
        else if (!cell.pinned && recorded_pinned)
            wide.confined_to[v].reset();
        if (same_vcpus) wide.own[v] = scaled(before.own[v], wide.own[v]);
    }
    if (before.extents != wide.extents) return;
    for (std::size_t e = 0; e < wide.extents; ++e)
        wide.shared[e] = scaled(before.shared[e], wide.shared[e]);
}

CellState* find_cell(GuestState& guest, int number) {
    const auto found = std::find_if(guest.cells.begin(), guest.cells.end(),
                                    [&](const CellState& cell) { return cell.key.cell == number; });
    return found == guest.cells.end() ? nullptr : &*found;
}

// The wide use whose parts the key of a shard refers to; nothing for a whole cell.
WideUse* wide_of(const CellKey& key, GuestState& guest) {
    return key.shard != CellKey::whole && guest.wide ? &*guest.wide : nullptr;
}

void confine(WideUse& wide, const std::vector<std::size_t>& vcpus, std::optional<NodeIndex> to) {
    for (const std::size_t vcpu : vcpus)
        if (vcpu < wide.vcpus()) wide.confined_to[vcpu] = to;
}

Bytes& available_to(const CellState& cell, HostNode& node) {
    return cell.huge_page == 0 ? node.memory_available : node.huge_available[cell.huge_page];
}

Bytes room_on(HostNode& node, const CellState& cell, const PlannerSettings& settings) {
    const Bytes kept =
        cell.huge_page == 0 ? node.memory_total - max_used_memory(node, settings) : 0;
    return std::max<Bytes>(available_to(cell, node) - kept, 0);
}

// Moves bytes of the cell that is known to have them there, with their heat.
void shift(CellState& cell, NodeIndex from, NodeIndex to, Bytes bytes, Topology& topology) {
    const Bytes here = cell.residency[from];
    if (!cell.heat.empty() && here > 0) {
        const Bytes heat = part_of(cell.heat[from], bytes, here);
        cell.heat[from] -= heat;
        cell.heat[to] += heat;
    }
    cell.residency[from] -= bytes;
    cell.residency[to] += bytes;
    available_to(cell, topology.nodes[from]) += bytes;
    available_to(cell, topology.nodes[to]) -= bytes;
}

// Moves memory of one part of a shard, which is also counted in the cell.
Bytes move_part(ByNode& part, CellState& cell, NodeIndex to, Bytes most, Topology& topology) {
    Bytes moved = 0;
    for (std::size_t n = 0; n < part.size(); ++n) {
        if (NodeIndex(n) == to) continue;
        const Bytes bytes = std::min({part[n], cell.residency[n], most - moved});
        part[n] -= bytes;
        part[to] += bytes;
        shift(cell, NodeIndex(n), to, bytes, topology);
        moved += bytes;
    }
    return moved;
}

void account_for(const CellState& recorded, const CellState& imagined, Topology& topology) {
    for (std::size_t n = 0; n < recorded.residency.size(); ++n)
        available_to(recorded, topology.nodes[n]) += recorded.residency[n] - imagined.residency[n];
}

}  // namespace

GuestState carried_over(GuestState recorded, const GuestState& before, const Topology& topology) {
    for (CellState& cell : recorded.cells) {
        const auto was =
            std::find_if(before.cells.begin(), before.cells.end(),
                         [&](const CellState& other) { return other.key.cell == cell.key.cell; });
        if (was == before.cells.end() || was->residency.size() != cell.residency.size()) continue;
        const bool recorded_pinned = cell.pinned;
        cell.residency = resized(*was, cell, topology);
        cell.heat = scaled(was->heat, cell.heat);
        for (std::size_t n = 0; n < cell.heat.size(); ++n)
            cell.heat[n] = std::min(cell.heat[n], cell.residency[n]);
        carry_pins_over(*was, cell);
        if (recorded.wide && before.wide)
            carry_over(*before.wide, cell, recorded_pinned, *recorded.wide);
    }
    return recorded;
}

void carry_out(const PinCell& pin, GuestState& guest) {
    CellState* cell = find_cell(guest, pin.key.cell);
    if (!cell) return;
    cell->pinned = true;
    if (WideUse* wide = wide_of(pin.key, guest)) {
        cell->confined_to.reset();
        confine(*wide, pin.vcpus, pin.to);
        return;
    }
    cell->confined_to = pin.to;
    if (guest.wide)
        std::fill(guest.wide->confined_to.begin(), guest.wide->confined_to.end(), pin.to);
}

void carry_out(const UnpinCell& unpin, GuestState& guest) {
    CellState* cell = find_cell(guest, unpin.key.cell);
    if (!cell) return;
    cell->confined_to.reset();
    if (WideUse* wide = wide_of(unpin.key, guest)) {
        confine(*wide, unpin.vcpus, std::nullopt);
        cell->pinned = std::any_of(wide->confined_to.begin(), wide->confined_to.end(),
                                   [](const auto& node) { return node.has_value(); });
        return;
    }
    cell->pinned = false;
    if (guest.wide)
        std::fill(guest.wide->confined_to.begin(), guest.wide->confined_to.end(), std::nullopt);
}

Bytes carry_out(const MoveMemory& move, GuestState& guest, Topology& topology,
                const PlannerSettings& settings, Bytes most) {
    CellState* cell = find_cell(guest, move.key.cell);
    if (!cell || !cell->movable || cell->residency.size() <= move.to) return 0;
    most = std::min({most, move.bytes, room_on(topology.nodes[move.to], *cell, settings)});
    Bytes moved = 0;
    if (WideUse* wide = wide_of(move.key, guest)) {
        for (const std::size_t vcpu : move.vcpus)
            if (vcpu < wide->own.size())
                moved += move_part(wide->own[vcpu], *cell, move.to, most - moved, topology);
        for (const std::size_t extent : move.extents)
            if (extent < wide->shared.size())
                moved += move_part(wide->shared[extent], *cell, move.to, most - moved, topology);
        return moved;
    }
    for (std::size_t n = 0; n < cell->residency.size(); ++n) {
        if (NodeIndex(n) == move.to) continue;
        const Bytes bytes = std::min(cell->residency[n], most - moved);
        shift(*cell, NodeIndex(n), move.to, bytes, topology);
        moved += bytes;
    }
    return moved;
}

void account_for(const std::vector<GuestState>& recorded, const std::vector<GuestState>& imagined,
                 Topology& topology) {
    for (std::size_t g = 0; g < recorded.size(); ++g)
        for (std::size_t c = 0; c < recorded[g].cells.size(); ++c)
            account_for(recorded[g].cells[c], imagined[g].cells[c], topology);
    for (HostNode& node : topology.nodes) {
        node.memory_available = std::clamp<Bytes>(node.memory_available, 0, node.memory_total);
        for (auto& [page, available] : node.huge_available)
            available = std::max<Bytes>(available, 0);
    }
}

}  // namespace vnuma::ctl
