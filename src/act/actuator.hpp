// Carries out a plan: pins first, then memory in turns, within a rate and until a deadline.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/thread_pool.hpp>
#include <chrono>
#include <map>
#include <vector>

#include "policy/model/history.hpp"
#include "src/act/cell_mover.hpp"
#include "src/act/vcpu_pins.hpp"
#include "src/config/config.hpp"
#include "src/observe/host.hpp"

namespace vnuma {

class Actuator {
  public:
    Actuator(const Config& config, const Host& host, boost::asio::thread_pool& pool,
             VcpuPins& pins);

    // One result for each action. What is not done by the deadline is for the next plan.
    boost::asio::awaitable<std::vector<ActionResult>> apply(
        const Plan& plan, const Topology& topology, const Sample& sample,
        std::chrono::steady_clock::time_point deadline);

  private:
    struct Target {
        const GuestSample* guest = nullptr;
        const CellSample* cell = nullptr;
    };
    struct Move {
        std::size_t result = 0;  // its place in the results
        Target target;
        NodeIndex to;
        std::vector<RamRange> memory;
        std::shared_ptr<const std::vector<RamRange>> hot;  // none: nothing is known
        std::uint64_t huge_page = 0;                       // as CellMover takes it
        Bytes left_free = 0;                               // on the node, or no more is moved
        bool finished = false;
    };

    ActionResult pin(const PinCell& action, const Target& target);
    static std::vector<RamRange> memory_of(const MoveMemory& action, const Target& target);
    Move move_of(const MoveMemory& action, const Target& target, const Topology& topology) const;
    CellMover& mover_for(const Move& move, const CellKey& key);
    MoveStep step(const Move& move, CellMover& mover) const;
    void account(Move& move, ActionResult& result, const MoveStep& done);
    boost::asio::awaitable<void> move_in_turns(std::vector<Move>& moves,
                                               std::vector<ActionResult>& results,
                                               std::chrono::steady_clock::time_point deadline);

    const Config& config_;
    const Host& host_;
    boost::asio::thread_pool& pool_;
    VcpuPins& pins_;
    std::map<CellKey, CellMover> movers_;  // of moves under way
    // What was moved has to be rested for until then, even into the next plan.
    std::chrono::steady_clock::time_point rest_until_{};
};

}  // namespace vnuma
