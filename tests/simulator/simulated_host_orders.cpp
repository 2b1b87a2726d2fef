// How a simulated host carries out the orders of a balancer.
#include <algorithm>
#include <numeric>

#include "tests/simulator/simulated_host.hpp"
#include "tests/simulator/without_vnuma.hpp"

namespace vnuma::simulator {
namespace {

constexpr Bytes gib = 1024 * mib;

}  // namespace

SimulatedHost::Guest* SimulatedHost::find(const std::string& uuid) {
    const auto guest = std::find_if(guests_.begin(), guests_.end(), [&](const Guest& one) {
        return one.cells.front().key.uuid == uuid;
    });
    return guest == guests_.end() ? nullptr : &*guest;
}

bool SimulatedHost::fails(const GuestTrace& guest) {
    if (guest.failing && now_ >= guest.failing->first && now_ < guest.failing->second) return true;
    return trace_.failure_rate > 0 &&
           static_cast<PerMille>(failure_random_() % 1000) < trace_.failure_rate;
}

std::vector<Outcome> SimulatedHost::carry_out(const std::vector<Order>& orders, Bytes max_bytes) {
    std::vector<Outcome> outcomes;
    for (const Order& order : orders)
        max_bytes -= outcomes.emplace_back(carry_out(order, max_bytes)).bytes;
    return outcomes;
}

Outcome SimulatedHost::carry_out(const Order& order, Bytes max_bytes) {
    Guest* guest = find(order.key.uuid);
    if (!guest) return {0, "the guest has stopped"};
    if (fails(*guest->trace)) return {0, "refused"};
    std::vector<std::size_t> cells{static_cast<std::size_t>(order.key.cell)};
    if (guest->trace->wide && order.memory) {
        cells = buffers_of(guest->current(), order.vcpus, order.extents);
    } else if (guest->trace->wide) {
        cells = order.vcpus;
        if (cells.empty()) {
            cells.resize(guest->cells.size());
            std::iota(cells.begin(), cells.end(), std::size_t{0});
        }
    }
    if (order.memory) return move(*guest, cells, order.to, max_bytes);
    pin(*guest, cells, order.to);
    return {};
}

void SimulatedHost::pin(Guest& guest, const std::vector<std::size_t>& cells, NodeSet to) {
    bool changed = false;
    for (const std::size_t c : cells) {
        Cell& cell = guest.cells[c];
        cell.runs_on = to;
        if (to == cell.trace->allowed) continue;
        changed |= !cell.home.empty() && cell.home != to;
        cell.home = to;
    }
    figures_.home_changes += changed;
}

// Moves hot memory first. The CPU time for copying is taken from the target node in the next tick.
Outcome SimulatedHost::move(Guest& guest, const std::vector<std::size_t>& cells, NodeSet to,
                            Bytes max_bytes) {
    Outcome outcome;
    for (const PerMille heat : {hot, warm})
        for (const std::size_t c : cells)
            for (std::size_t r = 0; r < regions; ++r) {
                Cell& cell = guest.cells[c];
                if (!cell.trace->movable) return {0, "its memory cannot be moved"};
                if (guest.heat(c, r) != heat) continue;
                const std::vector<Bytes> arrived =
                    memory_.move(cell.memory, r, to, max_bytes - outcome.bytes);
                for (std::size_t n = 0; n < nodes_; ++n) {
                    outcome.bytes += arrived[n];
                    moving_next_[n] +=
                        arrived[n] / mib * move_cost_per_gib * 1000 / (gib / mib) / tick_;
                }
            }
    if (outcome.bytes == 0 && max_bytes > 0) outcome.error = "no page moved";
    figures_.moved += outcome.bytes;
    return outcome;
}

}  // namespace vnuma::simulator
