// Simple alternatives to vnumad: no balancing, and pins that are set once.
#pragma once

#include "tests/simulator/balancer.hpp"

namespace vnuma::simulator {

// The kernel runs vCPUs on all nodes with idle CPUs, and allocates memory where they run.
class NoBalancing : public Balancer {
  public:
    const char* name() const override { return "no balancing"; }
};

// Pins each cell for good when it starts: to the first node with room for all of its memory and at
// most one vCPU per CPU, or else at most two, and so on.
class FirstFit : public Balancer {
  public:
    const char* name() const override { return "first fit"; }
    std::vector<Order> place(const Snapshot& host,
                             const std::vector<GuestState>& newcomers) override;
};

}  // namespace vnuma::simulator
