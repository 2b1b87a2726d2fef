#include "tests/simulator/simulated_host.hpp"

#include <algorithm>
#include <numeric>
#include <utility>

#include "tests/simulator/without_vnuma.hpp"

namespace vnuma::simulator {
namespace {

constexpr Bytes gib = 1024 * mib;
constexpr double thousand = 1000;

// A value that is off by so much at most, to either side.
std::int64_t jittered(std::int64_t value, PerMille by, std::mt19937& random) {
    const auto steps = static_cast<std::uint32_t>(2 * by + 1);
    return value * (1000 - by + static_cast<PerMille>(random() % steps)) / 1000;
}

MilliCpu scaled(MilliCpu value, double by) {
    return static_cast<MilliCpu>(static_cast<double>(value) * by);
}

}  // namespace

SimulatedHost::SimulatedHost(const Trace& trace, Millis tick)
    : trace_(trace),
      tick_(tick),
      nodes_(trace.topology.nodes.size()),
      work_noise_(trace.seed),
      blur_(trace.seed + 1),
      luck_(trace.seed + 2),
      memory_(trace.topology),
      demand_(nodes_),
      moving_(nodes_),
      moving_next_(nodes_) {
    for (const GuestTrace& guest : trace.guests)
        to_come_.push_back(&guest);
    std::stable_sort(to_come_.begin(), to_come_.end(),
                     [](const auto* a, const auto* b) { return a->arrives > b->arrives; });
}

PerMille SimulatedHost::Guest::heat(std::size_t cell, std::size_t region) const {
    const std::size_t first = doing().cells[cell].first_hot % regions;
    return (region + regions - first) % regions < hot_regions ? hot : warm;
}

SimulatedHost::Guest SimulatedHost::make_guest(const GuestTrace& trace) const {
    Guest guest{&trace, 0, {}};
    for (std::size_t c = 0; c < trace.cells.size(); ++c) {
        Cell& cell = guest.cells.emplace_back();
        cell.key = {uuid_of(trace), static_cast<int>(c)};
        cell.trace = &trace.cells[c];
        cell.memory = CellMemory(cell.trace->huge_page, nodes_);
        cell.runs_on = cell.trace->allowed;
    }
    return guest;
}

std::vector<GuestState> SimulatedHost::turn_over() {
    std::erase_if(guests_, [&](Guest& guest) {
        if (guest.trace->departs > now_) return false;
        for (Cell& cell : guest.cells)
            memory_.give_back(cell.memory, 0);
        return true;
    });
    std::vector<GuestState> states;
    for (; !to_come_.empty() && to_come_.back()->arrives <= now_; to_come_.pop_back()) {
        starting_.push_back(make_guest(*to_come_.back()));
        states.push_back(state_of(starting_.back()));
    }
    return states;
}

void SimulatedHost::admit() {
    std::move(starting_.begin(), starting_.end(), std::back_inserter(guests_));
    starting_.clear();
}

void SimulatedHost::run() {
    now_ += tick_;
    moving_ = std::exchange(moving_next_, std::vector<MilliCpu>(nodes_));
    for (Guest& guest : guests_) {
        const auto& phases = guest.trace->phases;
        const Millis age = now_ - guest.trace->arrives;
        while (guest.phase + 1 < phases.size() && phases[guest.phase + 1].begins <= age)
            ++guest.phase;
        figures_.guest_time += tick_;
    }
    spread_demand();
    for (Guest& guest : guests_) {
        aim_accesses(guest);
        for (std::size_t c = 0; c < guest.cells.size(); ++c) {
            count(guest.cells[c]);
            slow_down(guest.cells[c]);
            touch(guest.cells[c], guest.doing().cells[c]);
        }
    }
}

void SimulatedHost::spread_demand() {
    for (std::size_t n = 0; n < nodes_; ++n)
        demand_[n] = trace_.topology.nodes[n].other_use + moving_[n];
    std::vector<Cell*> cells;
    for (Guest& guest : guests_)
        for (std::size_t c = 0; c < guest.cells.size(); ++c) {
            Cell& cell = guest.cells[c];
            const MilliCpu work = jittered(guest.doing().cells[c].work, trace_.jitter, work_noise_);
            cell.demand =
                std::min(scaled(work, cell.slow_down), cell.trace->vcpus * MilliCpu{1000});
            cells.push_back(&cell);
        }
    // Those that can evade come last, and do.
    std::stable_sort(cells.begin(), cells.end(), [](const Cell* a, const Cell* b) {
        return a->runs_on.size() < b->runs_on.size();
    });
    for (Cell* cell : cells)
        spread(*cell);
    for (std::size_t n = 0; n < nodes_; ++n)
        figures_.contention +=
            std::max<MilliCpu>(demand_[n] - trace_.topology.nodes[n].cpu_capacity, 0) * tick_;
}

// Over its nodes as a perfect scheduler would: where CPUs are idle, in proportion to that. What is
// left, in proportion to all CPUs.
void SimulatedHost::spread(Cell& cell) {
    std::vector<MilliCpu> idle(nodes_);
    MilliCpu all_idle = 0, all = 0;
    for (std::size_t n = 0; n < nodes_; ++n) {
        if (!cell.runs_on.contains(NodeIndex(n))) continue;
        const MilliCpu capacity = trace_.topology.nodes[n].cpu_capacity;
        idle[n] = std::max<MilliCpu>(capacity - demand_[n], 0);
        all_idle += idle[n], all += capacity;
    }
    const MilliCpu evading = std::min(cell.demand, all_idle), staying = cell.demand - evading;
    cell.running.assign(nodes_, 0);
    for (std::size_t n = 0; n < nodes_; ++n) {
        if (!cell.runs_on.contains(NodeIndex(n)) || all == 0) continue;
        const double by_idle = all_idle == 0 ? 0 : double(idle[n]) / double(all_idle),
                     by_size = double(trace_.topology.nodes[n].cpu_capacity) / double(all),
                     here = double(evading) * by_idle + double(staying) * by_size;
        demand_[n] += static_cast<MilliCpu>(here);
        cell.running[n] = cell.demand == 0 ? by_size : here / double(cell.demand);
    }
}

SimulatedHost::Share SimulatedHost::accesses_to(const Guest& guest, std::size_t index) const {
    const Cell& cell = guest.cells[index];
    Share share(nodes_);
    double all = 0;
    for (std::size_t r = 0; r < regions; ++r)
        for (std::size_t n = 0; n < nodes_; ++n) {
            const double accessed =
                double(guest.heat(index, r)) * double(cell.memory.parts[r][n] / mib);
            share[n] += accessed, all += accessed;
        }
    if (all == 0) return cell.running;
    for (double& part : share)
        part /= all;
    return share;
}

// Most of a cell's accesses are to its own memory, some to that of the guest's other cells.
void SimulatedHost::aim_accesses(Guest& guest) const {
    const Phase& phase = guest.doing();
    const std::size_t cells = guest.cells.size();
    std::vector<Share> own;
    for (std::size_t c = 0; c < cells; ++c)
        own.push_back(accesses_to(guest, touched_by(phase, c)));
    for (std::size_t c = 0; c < cells; ++c) {
        Share& accesses = guest.cells[c].accesses = own[c];
        if (cells == 1 || phase.towards == c) continue;
        const double crossing = double(phase.crossing) / thousand;
        for (std::size_t n = 0; n < nodes_; ++n) {
            double others = 0;
            for (std::size_t o = 0; o < cells; ++o)
                if (phase.towards ? *phase.towards == o : o != c)
                    others += own[o][n] / (phase.towards ? 1 : double(cells - 1));
            accesses[n] = (1 - crossing) * accesses[n] + crossing * others;
        }
    }
}

void SimulatedHost::count(const Cell& cell) {
    for (std::size_t n = 0; n < nodes_; ++n) {
        const MilliCpu capacity = trace_.topology.nodes[n].cpu_capacity;
        const double granted = demand_[n] > capacity ? double(capacity) / double(demand_[n]) : 1;
        const double time = double(cell.demand * tick_) * cell.running[n] * granted;
        figures_.run += static_cast<CpuTime>(time);
        figures_.remote += static_cast<CpuTime>(time * (1 - cell.accesses[n]));
    }
}

// The same work takes longer from afar, by the same constants that the planner goes by.
void SimulatedHost::slow_down(Cell& cell) const {
    double excess = 0;
    for (std::size_t n = 0; n < nodes_; ++n)
        for (std::size_t m = 0; m < nodes_; ++m)
            excess += cell.running[n] * cell.accesses[m] *
                      double(excess_of(trace_.topology.distances[n][m]));
    cell.slow_down = 1 + double(memory_bound) / thousand * excess / thousand;
}

void SimulatedHost::touch(Cell& cell, const CellPhase& phase) {
    const Bytes wanted = phase.size / 1000 * phase.touched, touched = cell.memory.total();
    if (touched > wanted) memory_.give_back(cell.memory, wanted);
    const Bytes more = std::min(wanted - touched, touched_a_second * tick_ / 1000);
    if (more < mib) return;
    for (std::size_t r = 0; r < regions; ++r)
        for (std::size_t n = 0; n < nodes_; ++n)
            memory_.touch(cell.memory, r, n,
                          static_cast<Bytes>(double(more / Bytes{regions}) * cell.running[n]));
}

GuestState SimulatedHost::state_of(const Guest& guest) {
    GuestState state{uuid_of(*guest.trace), guest.trace->name, "", {}};
    state.devices = guest.trace->devices;
    state.policy = guest.trace->policy;
    for (std::size_t c = 0; c < guest.cells.size(); ++c) {
        const Cell& cell = guest.cells[c];
        CellState& seen = state.cells.emplace_back();
        seen.key = cell.key;
        seen.vcpus = cell.trace->vcpus;
        seen.cpu_use = jittered(cell.demand, trace_.blur, blur_);
        seen.size = guest.doing().cells[c].size;
        seen.residency.assign(nodes_, 0);
        seen.heat.assign(nodes_, 0);
        for (std::size_t r = 0; r < regions; ++r)
            for (std::size_t n = 0; n < nodes_; ++n) {
                seen.residency[n] += cell.memory.parts[r][n];
                seen.heat[n] += cell.memory.parts[r][n] / 1000 * guest.heat(c, r);
            }
        for (Bytes& heat : seen.heat)
            heat = cell.trace->tracked ? jittered(heat, trace_.blur, blur_) : 0;
        seen.huge_page = cell.trace->huge_page;
        seen.movable = cell.trace->movable;
        seen.allowed = cell.trace->allowed;
        for (std::size_t n = 0; n < nodes_; ++n)
            if (cell.runs_on.size() == 1 && cell.runs_on.contains(NodeIndex(n)))
                seen.confined_to = NodeIndex(n);
        seen.pinned = cell.runs_on != cell.trace->allowed;
    }
    return guest.trace->wide ? seen_as_one(std::move(state), guest.doing()) : state;
}

Snapshot SimulatedHost::look() {
    Snapshot seen{now_, trace_.topology, {}, trace_.groups};
    for (std::size_t n = 0; n < nodes_; ++n) {
        HostNode& node = seen.topology.nodes[n];
        node.memory_available = memory_.free(n);
        node.huge_available = memory_.free_huge(n);
        node.other_use = jittered(node.other_use + moving_[n], trace_.blur, blur_);
    }
    for (const Guest& guest : guests_)
        seen.guests.push_back(state_of(guest));
    return seen;
}

SimulatedHost::Guest* SimulatedHost::find(const std::string& uuid) {
    const auto guest = std::find_if(guests_.begin(), guests_.end(), [&](const Guest& one) {
        return one.cells.front().key.uuid == uuid;
    });
    return guest == guests_.end() ? nullptr : &*guest;
}

bool SimulatedHost::refuses(const GuestTrace& guest) {
    if (guest.stuck && now_ >= guest.stuck->first && now_ < guest.stuck->second) return true;
    return trace_.failures > 0 && static_cast<PerMille>(luck_() % 1000) < trace_.failures;
}

std::vector<Outcome> SimulatedHost::carry_out(const std::vector<Order>& orders, Bytes most) {
    std::vector<Outcome> outcomes;
    for (const Order& order : orders)
        most -= outcomes.emplace_back(carry_out(order, most)).bytes;
    return outcomes;
}

Outcome SimulatedHost::carry_out(const Order& order, Bytes most) {
    Guest* guest = find(order.key.uuid);
    if (!guest) return {0, "it is gone"};
    if (refuses(*guest->trace)) return {0, "refused"};
    std::vector<std::size_t> cells{static_cast<std::size_t>(order.key.cell)};
    if (guest->trace->wide && order.memory) {
        cells = buffers_of(guest->doing(), order.vcpus, order.groups);
    } else if (guest->trace->wide) {
        cells = order.vcpus;
        if (cells.empty()) {
            cells.resize(guest->cells.size());
            std::iota(cells.begin(), cells.end(), std::size_t{0});
        }
    }
    if (order.memory) return move(*guest, cells, order.to, most);
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

// The hottest first. Copying takes a CPU, which is taken to be the node's that the memory goes to.
Outcome SimulatedHost::move(Guest& guest, const std::vector<std::size_t>& cells, NodeSet to,
                            Bytes most) {
    Outcome outcome;
    for (const PerMille heat : {hot, warm})
        for (const std::size_t c : cells)
            for (std::size_t r = 0; r < regions; ++r) {
                Cell& cell = guest.cells[c];
                if (!cell.trace->movable) return {0, "its memory cannot be moved"};
                if (guest.heat(c, r) != heat) continue;
                const std::vector<Bytes> arrived =
                    memory_.move(cell.memory, r, to, most - outcome.bytes);
                for (std::size_t n = 0; n < nodes_; ++n) {
                    outcome.bytes += arrived[n];
                    moving_next_[n] +=
                        arrived[n] / mib * move_cost_per_gib * 1000 / (gib / mib) / tick_;
                }
            }
    if (outcome.bytes == 0 && most > 0) outcome.error = "no page moved";
    figures_.moved += outcome.bytes;
    return outcome;
}

}  // namespace vnuma::simulator
