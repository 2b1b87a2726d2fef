// Carries out a plan: pins first, then memory moves, until a deadline.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/thread_pool.hpp>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "policy/model/plan.hpp"
#include "src/act/clock.hpp"
#include "src/act/freeze.hpp"
#include "src/act/kernel_calls.hpp"
#include "src/act/memory_moves.hpp"
#include "src/act/thread_pins.hpp"
#include "src/config/config.hpp"
#include "src/observe/look.hpp"

namespace vnuma {

// A reading grows old: the guest may have begun to migrate, or its owner may have pinned it.
// Nothing acts on a guest whose oldest reading is older than this.
inline constexpr std::chrono::seconds max_reading_age{2};

class Actuator {
  public:
    // All of them must outlive it. Blocking calls run on `pool`, one at a time.
    Actuator(const Config& config, Kernel& kernel, Journal& journal, Clock& clock,
             boost::asio::thread_pool& pool);

    // One result for each action of the plan; none in a dry run. What is not done by the deadline
    // is left to the next plan.
    boost::asio::awaitable<std::vector<ActionResult>> apply(const Plan& plan, const Look& look,
                                                            const Host& host, Clock::Time deadline);

    // Why nothing is done, because an administrator has stopped all actions; empty otherwise.
    std::string why_frozen() const;

    const KnownPins& pins() const { return pins_.known(); }
    std::map<std::string, GuestMoves> moves() const { return moves_.by_guest(); }

    // Why threads that belong to a guest, other than its vCPUs, are not where its homes are; by the
    // guest's uuid. Of the last apply().
    const std::map<std::string, std::string>& group_problems() const { return group_problems_; }

    // The uuids of guests whose threads other than vCPUs were pinned or given back.
    const std::set<std::string>& changed_groups() const { return changed_groups_; }

    // As ThreadPins says. They block, and may be called while no apply() is under way.
    void forget_pins(const std::vector<ThreadIdentity>& threads) { pins_.forget(threads); }
    std::optional<std::vector<Restored>> undo_pins() { return pins_.undo(); }

  private:
    struct Target {
        const GuestSample* guest = nullptr;
        const CellSample* cell = nullptr;
    };
    std::string why_not(const Target& target, Clock::Time deadline) const;
    boost::asio::awaitable<ActionResult> pin(const Action& action, const Target& target,
                                             const Host& host);
    std::string pin_group(const GuestSample& guest, const std::vector<int>& cpus, const Host& host);
    void pin_groups(const Plan& plan, const Look& look, const Host& host);

    Kernel& kernel_;
    Clock& clock_;
    boost::asio::thread_pool& pool_;
    Freeze freeze_;
    ThreadPins pins_;
    std::map<std::string, std::string> group_problems_;
    std::set<std::string> changed_groups_;
    MemoryMoves moves_;
};

}  // namespace vnuma
