// What vnumad is compared with: nothing at all, and pins that are set once without thinking.
#pragma once

#include "tests/simulator/balancer.hpp"

namespace vnuma::simulator {

// First touch, on whichever nodes the kernel lets vCPUs run: all that have idle CPUs.
class NoBalancing : public Balancer {
  public:
    const char* name() const override { return "no balancing"; }
};

// Each cell is pinned when it starts, and stays: to the first node with room for its memory as
// configured where no CPU has more than one vCPU; without such, more than two, and so on.
class FirstFit : public Balancer {
  public:
    const char* name() const override { return "first fit"; }
    std::vector<Order> place(const Snapshot& host,
                             const std::vector<GuestState>& newcomers) override;
};

}  // namespace vnuma::simulator
