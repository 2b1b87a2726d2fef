#include "tests/simulator/simulated_host.hpp"

#include <algorithm>
#include <numeric>
#include <utility>

#include "tests/simulator/without_vnuma.hpp"

namespace vnuma::simulator {
namespace {

constexpr double thousand = 1000;

// A random value that deviates by up to `max_deviation` to either side.
std::int64_t jittered(std::int64_t value, PerMille max_deviation, std::mt19937& random) {
    const auto steps = static_cast<std::uint32_t>(2 * max_deviation + 1);
    return value * (1000 - max_deviation + static_cast<PerMille>(random() % steps)) / 1000;
}

MilliCpu scaled(MilliCpu value, double factor) {
    return static_cast<MilliCpu>(static_cast<double>(value) * factor);
}

}  // namespace

SimulatedHost::SimulatedHost(const Trace& trace, Millis tick)
    : trace_(trace),
      tick_(tick),
      nodes_(trace.topology.nodes.size()),
      work_random_(trace.seed),
      measurement_random_(trace.seed + 1),
      failure_random_(trace.seed + 2),
      memory_(trace.topology),
      demand_(nodes_),
      moving_(nodes_),
      moving_next_(nodes_) {
    for (const GuestTrace& guest : trace.guests)
        upcoming_.push_back(&guest);
    std::stable_sort(upcoming_.begin(), upcoming_.end(),
                     [](const auto* a, const auto* b) { return a->arrives > b->arrives; });
}

PerMille SimulatedHost::Guest::heat(std::size_t cell, std::size_t region) const {
    const std::size_t first = current().cells[cell].first_hot % regions;
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

std::vector<GuestState> SimulatedHost::prepare_guests() {
    std::erase_if(guests_, [&](Guest& guest) {
        if (guest.trace->departs > now_) return false;
        for (Cell& cell : guest.cells)
            memory_.shrink(cell.memory, 0);
        return true;
    });
    std::vector<GuestState> states;
    for (; !upcoming_.empty() && upcoming_.back()->arrives <= now_; upcoming_.pop_back()) {
        starting_.push_back(make_guest(*upcoming_.back()));
        states.push_back(state_of(starting_.back()));
    }
    return states;
}

void SimulatedHost::start_guests() {
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
    schedule_guests();
    for (Guest& guest : guests_) {
        distribute_accesses(guest);
        for (std::size_t c = 0; c < guest.cells.size(); ++c) {
            add_figures(guest.cells[c]);
            update_slow_down(guest.cells[c]);
            allocate(guest.cells[c], guest.current().cells[c]);
        }
    }
}

void SimulatedHost::schedule_guests() {
    for (std::size_t n = 0; n < nodes_; ++n)
        demand_[n] = trace_.topology.nodes[n].other_use + moving_[n];
    std::vector<Cell*> cells;
    for (Guest& guest : guests_)
        for (std::size_t c = 0; c < guest.cells.size(); ++c) {
            Cell& cell = guest.cells[c];
            const MilliCpu work =
                jittered(guest.current().cells[c].work, trace_.jitter, work_random_);
            cell.demand =
                std::min(scaled(work, cell.slow_down), cell.trace->vcpus * MilliCpu{1000});
            cells.push_back(&cell);
        }
    // Cells that may run on more nodes come last, and use the CPUs that are idle.
    std::stable_sort(cells.begin(), cells.end(), [](const Cell* a, const Cell* b) {
        return a->runs_on.size() < b->runs_on.size();
    });
    for (Cell* cell : cells)
        schedule(*cell);
    for (std::size_t n = 0; n < nodes_; ++n)
        figures_.contention +=
            std::max<MilliCpu>(demand_[n] - trace_.topology.nodes[n].cpu_capacity, 0) * tick_;
}

// Distributes the demand like a perfect scheduler: over the nodes in proportion to their idle CPUs,
// and what exceeds these, in proportion to all CPUs.
void SimulatedHost::schedule(Cell& cell) {
    std::vector<MilliCpu> idle(nodes_);
    MilliCpu all_idle = 0, all = 0;
    for (std::size_t n = 0; n < nodes_; ++n) {
        if (!cell.runs_on.contains(NodeIndex(n))) continue;
        const MilliCpu capacity = trace_.topology.nodes[n].cpu_capacity;
        idle[n] = std::max<MilliCpu>(capacity - demand_[n], 0);
        all_idle += idle[n], all += capacity;
    }
    const MilliCpu on_idle = std::min(cell.demand, all_idle), excess = cell.demand - on_idle;
    cell.running.assign(nodes_, 0);
    for (std::size_t n = 0; n < nodes_; ++n) {
        if (!cell.runs_on.contains(NodeIndex(n)) || all == 0) continue;
        const double by_idle = all_idle == 0 ? 0 : double(idle[n]) / double(all_idle),
                     by_size = double(trace_.topology.nodes[n].cpu_capacity) / double(all),
                     here = double(on_idle) * by_idle + double(excess) * by_size;
        demand_[n] += static_cast<MilliCpu>(here);
        cell.running[n] = cell.demand == 0 ? by_size : here / double(cell.demand);
    }
}

SimulatedHost::Shares SimulatedHost::accesses_to(const Guest& guest, std::size_t index) const {
    const Cell& cell = guest.cells[index];
    Shares shares(nodes_);
    double all = 0;
    for (std::size_t r = 0; r < regions; ++r)
        for (std::size_t n = 0; n < nodes_; ++n) {
            const double accessed =
                double(guest.heat(index, r)) * double(cell.memory.parts[r][n] / mib);
            shares[n] += accessed, all += accessed;
        }
    if (all == 0) return cell.running;
    for (double& share : shares)
        share /= all;
    return shares;
}

// Most accesses of a cell go to its own memory, and some to that of the guest's other cells.
void SimulatedHost::distribute_accesses(Guest& guest) const {
    const Phase& phase = guest.current();
    const std::size_t cells = guest.cells.size();
    std::vector<Shares> own;
    for (std::size_t c = 0; c < cells; ++c)
        own.push_back(accesses_to(guest, buffer_of(phase, c)));
    for (std::size_t c = 0; c < cells; ++c) {
        Shares& accesses = guest.cells[c].accesses = own[c];
        if (cells == 1 || phase.target == c) continue;
        const double cross_cell = double(phase.cross_cell_share) / thousand;
        for (std::size_t n = 0; n < nodes_; ++n) {
            double others = 0;
            for (std::size_t o = 0; o < cells; ++o)
                if (phase.target ? *phase.target == o : o != c)
                    others += own[o][n] / (phase.target ? 1 : double(cells - 1));
            accesses[n] = (1 - cross_cell) * accesses[n] + cross_cell * others;
        }
    }
}

void SimulatedHost::add_figures(const Cell& cell) {
    for (std::size_t n = 0; n < nodes_; ++n) {
        const MilliCpu capacity = trace_.topology.nodes[n].cpu_capacity;
        const double granted = demand_[n] > capacity ? double(capacity) / double(demand_[n]) : 1;
        const double time = double(cell.demand * tick_) * cell.running[n] * granted;
        figures_.run += static_cast<CpuTime>(time);
        figures_.remote += static_cast<CpuTime>(time * (1 - cell.accesses[n]));
    }
}

// Work takes longer with remote accesses, by the same constants as in the planner.
void SimulatedHost::update_slow_down(Cell& cell) const {
    double excess = 0;
    for (std::size_t n = 0; n < nodes_; ++n)
        for (std::size_t m = 0; m < nodes_; ++m)
            excess += cell.running[n] * cell.accesses[m] *
                      double(excess_of(trace_.topology.distances[n][m]));
    cell.slow_down = 1 + double(memory_bound) / thousand * excess / thousand;
}

void SimulatedHost::allocate(Cell& cell, const CellPhase& phase) {
    const Bytes wanted = phase.size / 1000 * phase.allocated, allocated = cell.memory.total();
    if (allocated > wanted) memory_.shrink(cell.memory, wanted);
    const Bytes more = std::min(wanted - allocated, allocated_per_second * tick_ / 1000);
    if (more < mib) return;
    for (std::size_t r = 0; r < regions; ++r)
        for (std::size_t n = 0; n < nodes_; ++n)
            memory_.allocate(cell.memory, r, n,
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
        seen.cpu_use = jittered(cell.demand, trace_.measurement_noise, measurement_random_);
        seen.size = guest.current().cells[c].size;
        seen.residency.assign(nodes_, 0);
        seen.heat.assign(nodes_, 0);
        for (std::size_t r = 0; r < regions; ++r)
            for (std::size_t n = 0; n < nodes_; ++n) {
                seen.residency[n] += cell.memory.parts[r][n];
                seen.heat[n] += cell.memory.parts[r][n] / 1000 * guest.heat(c, r);
            }
        for (Bytes& heat : seen.heat)
            heat = cell.trace->tracked
                       ? jittered(heat, trace_.measurement_noise, measurement_random_)
                       : 0;
        seen.huge_page = cell.trace->huge_page;
        seen.movable = cell.trace->movable;
        seen.allowed = cell.trace->allowed;
        for (std::size_t n = 0; n < nodes_; ++n)
            if (cell.runs_on.size() == 1 && cell.runs_on.contains(NodeIndex(n)))
                seen.confined_to = NodeIndex(n);
        seen.pinned = cell.runs_on != cell.trace->allowed;
    }
    return guest.trace->wide ? as_one_cell(std::move(state), guest.current()) : state;
}

Snapshot SimulatedHost::snapshot() {
    Snapshot seen{now_, trace_.topology, {}, trace_.groups};
    for (std::size_t n = 0; n < nodes_; ++n) {
        HostNode& node = seen.topology.nodes[n];
        node.memory_available = memory_.free(n);
        node.huge_available = memory_.free_huge(n);
        node.other_use =
            jittered(node.other_use + moving_[n], trace_.measurement_noise, measurement_random_);
    }
    for (const Guest& guest : guests_)
        seen.guests.push_back(state_of(guest));
    return seen;
}

}  // namespace vnuma::simulator
