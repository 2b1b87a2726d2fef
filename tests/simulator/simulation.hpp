// Plays a trace under a balancer.
#pragma once

#include "tests/simulator/balancer.hpp"
#include "tests/simulator/simulated_host.hpp"

namespace vnuma::simulator {

inline constexpr Millis tick_length = 2000;

class Simulation {
  public:
    // Both must outlive it.
    Simulation(const Trace& trace, Balancer& balancer);

    // One tick: guests go and come, all live, the balancer looks and acts. False once it is over.
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

// To its end.
Figures play(const Trace& trace, Balancer& balancer);

}  // namespace vnuma::simulator
