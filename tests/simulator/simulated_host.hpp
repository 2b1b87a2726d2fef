// A host as it truly is while a trace is played: who runs where, whose memory is where, and what
// that costs. Deterministic. Not modelled: caches, bandwidth, the kernel's own NUMA balancing.
#pragma once

#include <random>
#include <vector>

#include "policy/search/cost.hpp"
#include "tests/simulator/balancer.hpp"
#include "tests/simulator/figures.hpp"
#include "tests/simulator/simulated_memory.hpp"
#include "tests/simulator/trace.hpp"

namespace vnuma::simulator {

// New memory that a cell touches in a second, until it has touched all it wants.
inline constexpr Bytes touched_a_second = 512 * mib;
class SimulatedHost {
  public:
    // `trace` must outlive it.
    SimulatedHost(const Trace& trace, Millis tick);

    bool is_over() const { return now_ >= trace_.length; }
    Millis now() const { return now_; }

    // Guests whose time is over leave. Returns those that are about to start.
    std::vector<GuestState> turn_over();
    // They start, without any memory yet.
    void admit();
    // One tick of everybody's life.
    void run();
    // What can be seen of it.
    Snapshot look();
    // Pins at once; memory in the order of the orders, so many bytes at most.
    std::vector<Outcome> carry_out(const std::vector<Order>& orders, Bytes most);

    const Figures& figures() const { return figures_; }

  private:
    using Share = std::vector<double>;  // by node; the sum is 1

    struct Cell {
        CellKey key;
        const CellTrace* trace = nullptr;
        CellMemory memory;
        NodeSet runs_on;
        NodeSet home;         // where it was last confined to; empty: it never was
        MilliCpu demand = 0;  // for CPUs, of this tick
        Share running;        // of its demand
        Share accesses;       // of its accesses
        double slow_down = 1;
    };
    struct Guest {
        const GuestTrace* trace = nullptr;
        std::size_t phase = 0;
        std::vector<Cell> cells;

        const Phase& doing() const { return trace->phases[phase]; }
        PerMille heat(std::size_t cell, std::size_t region) const;
    };

    Guest make_guest(const GuestTrace& trace) const;
    GuestState state_of(const Guest& guest);
    Guest* find(const std::string& uuid);

    void spread_demand();
    void spread(Cell& cell);
    Share accesses_to(const Guest& guest, std::size_t cell) const;
    void aim_accesses(Guest& guest) const;
    void count(const Cell& cell);
    void slow_down(Cell& cell) const;
    void touch(Cell& cell, const CellPhase& phase);

    bool refuses(const GuestTrace& guest);
    Outcome carry_out(const Order& order, Bytes most);
    void pin(Guest& guest, const std::vector<std::size_t>& cells, NodeSet to);
    Outcome move(Guest& guest, const std::vector<std::size_t>& cells, NodeSet to, Bytes most);

    const Trace& trace_;
    const Millis tick_;
    const std::size_t nodes_;
    Millis now_ = 0;
    // One for each purpose: every balancer meets the same work, whatever it does.
    std::mt19937 work_noise_, blur_, luck_;
    std::vector<const GuestTrace*> to_come_;  // the next one last
    std::vector<Guest> guests_, starting_;
    NodeMemory memory_;
    std::vector<MilliCpu> demand_;                // by node
    std::vector<MilliCpu> moving_, moving_next_;  // of it, for moving memory; in the next tick
    Figures figures_;
};

}  // namespace vnuma::simulator
