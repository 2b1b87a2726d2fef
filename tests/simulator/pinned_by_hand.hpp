// Optimal pins that are set once.
#pragma once

#include <map>
#include <random>

#include "tests/simulator/balancer.hpp"
#include "tests/simulator/trace.hpp"

namespace vnuma::simulator {

// A careful administrator who knows the mean CPU use and the maximum memory of each guest in
// advance. Guests that start together are pinned to the nodes with the lowest cost of load and of
// distance between a guest's cells (policy/search/cost.hpp), given the guests that are there, and
// never moved. The optimum is found by trying all placements of few cells, or by many searches from
// random starting points.
class PinnedByHand : public Balancer {
  public:
    explicit PinnedByHand(const Trace& trace);

    const char* name() const override { return "pinned by hand"; }
    std::vector<Order> place(const Snapshot& host,
                             const std::vector<GuestState>& newcomers) override;

    // Of one cell over the life of its guest.
    struct Need {
        MilliCpu use = 0;               // mean
        Bytes size = 0;                 // maximum
        PerMille cross_cell_share = 0;  // mean
    };

  private:
    std::map<CellKey, Need> needs_;
    std::mt19937 random_;
};

}  // namespace vnuma::simulator
