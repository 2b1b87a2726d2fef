// Carries out the memory moves of a plan: one step of each in turn, within a rate and until a
// deadline.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/thread_pool.hpp>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "policy/model/plan.hpp"
#include "src/act/cell_mover.hpp"
#include "src/act/clock.hpp"
#include "src/act/failing_ranges.hpp"
#include "src/act/guest_moves.hpp"
#include "src/act/kernel_calls.hpp"
#include "src/act/move_parts.hpp"
#include "src/act/pressure_gate.hpp"
#include "src/act/target_memory.hpp"
#include "src/config/config.hpp"

namespace vnuma {

// One move of a plan. What it points to must live until the move was carried out.
struct MoveOrder {
    const MoveMemory* action = nullptr;
    const GuestSample* guest = nullptr;  // with a process
    const CellSample* cell = nullptr;
    const HostNode* node = nullptr;  // the target
    std::size_t result = 0;          // index of the action among the results
};

class MemoryMoves {
  public:
    // Why nothing may be done to the guest at this moment; empty when something may.
    using WhyNot = std::function<boost::asio::awaitable<std::string>(const GuestSample&)>;

    // All of them must outlive it. Blocking calls run on `pool`, one at a time.
    MemoryMoves(const Config& config, Kernel& kernel, Clock& clock, boost::asio::thread_pool& pool);

    // Follows what guests do, and forgets the moves that the plan does not go on with. Before its
    // moves are carried out.
    void follow(const Plan& plan, const Sample& sample);

    // Adds to the results what became of the moves. `why_not` is asked before each call. The caller
    // keeps the arguments until the end.
    boost::asio::awaitable<void> carry_out(const std::vector<MoveOrder>& orders,
                                           std::vector<ActionResult>& results,
                                           const WhyNot& why_not, Clock::Time deadline);

    // By uuid.
    std::map<std::string, GuestMoves> by_guest() const;

  private:
    // A cell or shard, and the page size of a pool, as in MovePart.
    using PartKey = std::pair<CellKey, Bytes>;

    struct Move {
        MoveOrder order;
        MovePart part;
        std::shared_ptr<const std::vector<RamRange>> hot;  // null where no heat is known
        bool begun = false;                                // a step of it was made
        bool finished = false;

        PartKey key() const { return {order.action->key, part.hugetlb_page}; }
    };

    // What is known of that memory, for as long as its process lives.
    struct Failing {
        std::uint64_t start_time = 0;  // of the process
        int to_node_id = 0;
        FailingRanges ranges;
    };

    struct Guest {
        std::uint64_t start_time = 0;  // of its process
        Clock::Time rest_until{};      // its rate allows no move before
        std::uint64_t slow_calls = 0;
        LatencyGuard guard;
    };

    void follow_guests(const Sample& sample);
    std::vector<Move> moves_of(const std::vector<MoveOrder>& orders,
                               std::vector<ActionResult>& results) const;
    CellMover& mover_for(const Move& move);
    FailingRanges& failing_of(const Move& move);
    Move* next(std::vector<Move>& moves, std::size_t& turn) const;
    void watch(Guest& guest, const GuestSample& sample);
    MoveStep step(const Move& move, CellMover& mover, FailingRanges& failing);
    void rest(Guest& guest, const MoveStep& done, ActionResult& result);
    void account(Move& move, ActionResult& result, const MoveStep& done);
    bool leaves(const Guest& guest, Move& move, ActionResult& result) const;
    boost::asio::awaitable<std::string> why_pressed();

    const Config& config_;
    Kernel& kernel_;
    Clock& clock_;
    boost::asio::thread_pool& pool_;
    TargetMemory target_memory_;
    PressureGate pressure_;
    std::map<PartKey, CellMover> movers_;  // of moves under way
    std::map<PartKey, Failing> failing_;   // of what has been moved
    std::map<std::string, Guest> guests_;  // by uuid
    Clock::Time rest_until_{};  // the rate allows no move before, in the next plan either
};

}  // namespace vnuma
