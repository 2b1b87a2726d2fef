// Carries out a plan: pins first, then memory moves, until a deadline.
#pragma once

#include <atomic>
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
#include "src/observe/hands_off.hpp"
#include "src/observe/look.hpp"
#include "src/observe/observer.hpp"

namespace vnuma {

// A reading grows old: the guest may have begun to migrate, or its owner may have pinned it.
// Nothing acts on a guest whose oldest reading is older than this.
inline constexpr std::chrono::seconds max_reading_age{2};
// The state of a guest, which is cheap to read, is read again if it is older than this.
inline constexpr std::chrono::milliseconds max_state_age{200};

class Actuator {
  public:
    // All of them must outlive it. Blocking calls run on `pool`, one at a time.
    Actuator(const Config& config, Observer& observer, Kernel& kernel, Journal& journal,
             Clock& clock, boost::asio::thread_pool& pool);

    // One result for each action of the plan; none in a dry run. What is not done by the deadline
    // is left to the next plan. No thread is pinned of guests whose CPUs are left alone.
    boost::asio::awaitable<std::vector<ActionResult>> apply(const Plan& plan, const Look& look,
                                                            const Host& host,
                                                            const HandsOffGuests& hands_off,
                                                            Clock::Time deadline);

    // Gives all threads of a guest back what their owner allows, also while vnumad is frozen: an
    // operator has ordered it. Returns why some are not given back yet, or an empty string.
    boost::asio::awaitable<std::string> give_back(const std::string& uuid, Clock::Time deadline);

    // As an administrator does. Returns what went wrong, or an empty string.
    std::string freeze() const;

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
    // Points to nothing if the cell is not in the sample.
    static Target find_target(const Sample& sample, const CellKey& key);
    // A guest's state that was read in the look or since.
    struct State {
        Clock::Time read_at{};
        std::string unsteady;
        bool job_known = true;  // false: it may be migrating, although it was seen to run
    };
    std::string why_too_late(const GuestSample& guest, Clock::Time deadline) const;
    State& state_of(const GuestSample& guest);
    bool is_old(const State& state) const {
        return !state.job_known || clock_.now() - state.read_at >= max_state_age;
    }
    std::string ask_why_not(const GuestSample& guest, Clock::Time deadline);
    boost::asio::awaitable<std::string> why_not(const GuestSample& guest, Clock::Time deadline);
    boost::asio::awaitable<ActionResult> pin(const Action& action, const Target& target,
                                             const Host& host, Clock::Time deadline);
    // The CPUs of a guest's homes; none if it has none.
    struct HomeCpus {
        const std::vector<int>& of(const GuestThread& thread) const;

        std::vector<int> all;  // sorted, like those below
        std::map<int, std::vector<int>> by_cell;
    };
    static std::map<std::string, HomeCpus> home_cpus(const Plan& plan, const Host& host);
    std::vector<GuestThread> stray_threads(const GuestSample& guest, const HomeCpus& cpus,
                                           const Host& host) const;
    std::string pin_group(const GuestSample& guest, const std::vector<GuestThread>& strays,
                          const HomeCpus& cpus, const Host& host, Clock::Time deadline);
    boost::asio::awaitable<void> pin_groups(const Plan& plan, const Look& look, const Host& host,
                                            const HandsOffGuests& hands_off, Clock::Time deadline);

    Observer& observer_;
    Kernel& kernel_;
    Clock& clock_;
    boost::asio::thread_pool& pool_;
    Freeze freeze_;
    ThreadPins pins_;
    std::atomic<bool> stopping_ = false;   // a call that changes pins was cancelled
    std::map<std::string, State> states_;  // by uuid, of this apply()
    std::map<std::string, std::string> group_problems_;
    std::set<std::string> changed_groups_;
    MemoryMoves moves_;
};

}  // namespace vnuma
