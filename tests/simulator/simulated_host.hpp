// The true state of a host while a trace is played: where vCPUs run, where memory is, and what that
// costs. Deterministic. Does not model caches, memory bandwidth, or the kernel's NUMA balancing.
#pragma once

#include <random>
#include <vector>

#include "policy/search/cost.hpp"
#include "tests/simulator/balancer.hpp"
#include "tests/simulator/figures.hpp"
#include "tests/simulator/simulated_memory.hpp"
#include "tests/simulator/trace.hpp"

namespace vnuma::simulator {

// Memory that a cell allocates per second until it has allocated all it needs.
inline constexpr Bytes allocated_per_second = 512 * mib;

class SimulatedHost {
  public:
    // Holds a reference to `trace`. `tick` is the length of a tick.
    SimulatedHost(const Trace& trace, Millis tick);

    bool is_over() const { return now_ >= trace_.length; }
    Millis now() const { return now_; }

    // Stops guests whose time is over, and returns those that are about to start.
    std::vector<GuestState> prepare_guests();
    // Starts these guests, without allocated memory.
    void start_guests();
    // Runs all guests for one tick.
    void run();
    // What a balancer sees, with measurement noise.
    Snapshot snapshot();
    // Carries out the orders in turn, moving up to `max_bytes` of memory in all.
    std::vector<Outcome> carry_out(const std::vector<Order>& orders, Bytes max_bytes);

    const Figures& figures() const { return figures_; }

  private:
    using Shares = std::vector<double>;  // by NodeIndex; their sum is 1

    struct Cell {
        CellKey key;
        const CellTrace* trace = nullptr;
        CellMemory memory;
        NodeSet runs_on;
        NodeSet home;          // the nodes it was last confined to; empty if it never was
        MilliCpu demand = 0;   // for CPUs in this tick
        Shares running;        // where its demand runs
        Shares accesses;       // where the memory is that it accesses
        double slow_down = 1;  // of its work, by remote accesses
    };
    struct Guest {
        const GuestTrace* trace = nullptr;
        std::size_t phase = 0;
        std::vector<Cell> cells;

        const Phase& current() const { return trace->phases[phase]; }
        PerMille heat(std::size_t cell, std::size_t region) const;
    };

    Guest make_guest(const GuestTrace& trace) const;
    GuestState state_of(const Guest& guest);
    Guest* find(const std::string& uuid);

    void schedule_guests();
    void schedule(Cell& cell);
    Shares accesses_to(const Guest& guest, std::size_t cell) const;
    void distribute_accesses(Guest& guest) const;
    void add_figures(const Cell& cell);
    void update_slow_down(Cell& cell) const;
    void allocate(Cell& cell, const CellPhase& phase);

    bool fails(const GuestTrace& guest);
    Outcome carry_out(const Order& order, Bytes max_bytes);
    void pin(Guest& guest, const std::vector<std::size_t>& cells, NodeSet to);
    Outcome move(Guest& guest, const std::vector<std::size_t>& cells, NodeSet to, Bytes max_bytes);

    const Trace& trace_;
    const Millis tick_;
    const std::size_t nodes_;
    Millis now_ = 0;
    // Separate random numbers for each purpose, so that the work is the same under every balancer.
    std::mt19937 work_random_, measurement_random_, failure_random_;
    std::vector<const GuestTrace*> upcoming_;  // by arrival, the next one last
    std::vector<Guest> guests_, starting_;
    NodeMemory memory_;
    std::vector<MilliCpu> demand_;                // for CPUs, by NodeIndex
    std::vector<MilliCpu> moving_, moving_next_;  // part of it for moves: this tick's, next tick's
    Figures figures_;
};

}  // namespace vnuma::simulator
