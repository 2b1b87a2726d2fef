// Plays a trace under a balancer.
#pragma once

#include "tests/simulator/balancer.hpp"
#include "tests/simulator/simulated_host.hpp"

namespace vnuma::simulator {

inline constexpr Millis tick_length = 2000;

class Simulation {
  public:
    // Holds references to both.
    Simulation(const Trace& trace, Balancer& balancer);

    // Plays one tick: guests stop and start, all run, and the balancer decides and acts. Returns
    // false once the trace is over.
    bool step();

    // What the balancer saw and did in the last tick.
    const Snapshot& seen() const { return seen_; }
    const std::vector<Order>& orders() const { return orders_; }
    const std::vector<Outcome>& outcomes() const { return outcomes_; }
    const Figures& figures() const { return host_.figures(); }

  private:
    Balancer& balancer_;
    SimulatedHost host_;
    Snapshot seen_;
    std::vector<Order> orders_;
    std::vector<Outcome> outcomes_;
};

// Plays a trace to its end.
Figures play(const Trace& trace, Balancer& balancer);

}  // namespace vnuma::simulator
