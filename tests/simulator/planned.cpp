#include "tests/simulator/planned.hpp"

#include "policy/initial_placement.hpp"
#include "policy/learn.hpp"

namespace vnuma::simulator {
namespace {

NodeSet allowed_to(const Snapshot& host, const CellKey& key) {
    for (const GuestState& guest : host.guests)
        for (const CellState& cell : guest.cells)
            if (cell.key.uuid == key.uuid && cell.key.cell == key.cell) return cell.allowed;
    return {};
}

Order order_for(const Action& action, const Snapshot& host) {
    if (const auto* pin = std::get_if<PinCell>(&action))
        return {pin->key, NodeSet::only(pin->to), false, pin->vcpus};
    if (const auto* move = std::get_if<MoveMemory>(&action))
        return {move->key, NodeSet::only(move->to), true, move->vcpus, move->extents};
    const auto& unpin = std::get<UnpinCell>(action);
    return {unpin.key, allowed_to(host, unpin.key), false, unpin.vcpus};
}

}  // namespace

// A guest for which no node has room starts anywhere.
std::vector<Order> Planned::place(const Snapshot& host, const std::vector<GuestState>& newcomers) {
    constexpr Millis reservation_time = 60'000;
    std::vector<Order> orders;
    std::vector<Reservation> reservations;
    for (const GuestState& guest : newcomers) {
        if (!advises_) break;
        PlacementRequest request{0, 0, guest.cells.size()};
        for (const CellState& cell : guest.cells) {
            request.vcpus += cell.vcpus;
            request.bytes += cell.size;
            request.allowed = request.allowed & cell.allowed;
        }
        const InitialPlacement advice =
            place_initially(host, history_, settings_, reservations, request);
        if (!advice.has_room || advice.nodes.size() != guest.cells.size()) continue;
        reservations.push_back({request, advice.nodes, host.now + reservation_time});
        for (std::size_t c = 0; c < guest.cells.size(); ++c)
            orders.push_back({guest.cells[c].key, NodeSet::only(advice.nodes[c])});
    }
    return orders;
}

std::vector<Order> Planned::decide(const Snapshot& host) {
    plan_ = plan(host, history_, settings_);
    std::vector<Order> orders;
    for (const Action& action : plan_.actions)
        orders.push_back(order_for(action, host));
    return orders;
}

void Planned::learn(const Snapshot& host, const std::vector<Outcome>& outcomes) {
    std::vector<ActionResult> results;
    for (std::size_t i = 0; i < outcomes.size(); ++i)
        results.push_back({plan_.actions[i], outcomes[i].bytes, outcomes[i].error});
    history_ = vnuma::learn(std::move(history_), host, plan_, results);
}

}  // namespace vnuma::simulator
