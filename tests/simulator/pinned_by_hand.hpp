// Pins that are set once, as well as can be.
#pragma once

#include <map>
#include <random>

#include "tests/simulator/balancer.hpp"
#include "tests/simulator/trace.hpp"

namespace vnuma::simulator {

// What a careful administrator could do who knew in advance how much each guest will use on
// average, and of how much memory at most: those that start together are pinned as is best for all,
// given those that are there already. Nobody is ever moved. The best is that with the least cost
// of load and of distance between a guest's cells (policy/cost.hpp); it is found by trying all
// placements of few cells, or by many searches from random beginnings.
class PinnedByHand : public Balancer {
  public:
    explicit PinnedByHand(const Trace& trace);

    const char* name() const override { return "pinned by hand"; }
    std::vector<Order> place(const Snapshot& host,
                             const std::vector<GuestState>& newcomers) override;

    // Of one cell, over its guest's life.
    struct Need {
        MilliCpu use = 0;  // on average
        Bytes size = 0;    // at most
        PerMille crossing = 0;
    };

  private:
    std::map<CellKey, Need> needs_;
    std::mt19937 random_;
};

}  // namespace vnuma::simulator
