// The loop: list, sample, derive, plan, apply, learn, report. Every tick derives everything anew,
// so a lost event costs one interval.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/thread_pool.hpp>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>

#include "src/act/actuator.hpp"
#include "src/config/config.hpp"
#include "src/config/run_time_policy.hpp"
#include "src/control/orders/orders.hpp"
#include "src/control/orders/orders_in_force.hpp"
#include "src/observe/foreign_moves.hpp"
#include "src/observe/hands_off.hpp"
#include "src/observe/observer.hpp"
#include "src/observe/tracking_hints.hpp"
#include "src/report/tick.hpp"

namespace vnuma {

// Where the outcome of a tick goes. Neither may block. Other threads may keep what is reported.
struct Outputs {
    std::function<void(const Tick&)> record;
    std::function<void(const std::shared_ptr<const Tick>&)> report;
};

class Controller {
  public:
    // All references must outlive it. `host` is the host at the start.
    Controller(const Config& config, Host host, Observer& observer, Kernel& kernel, Clock& clock,
               Journal& journal, HandsOffGuests& hands_off, control::Orders& orders,
               Outputs outputs);

    // Ticks until cancelled, in intervals as src/look_interval.hpp says. Clock::wake() makes a tick
    // come sooner, but not before config.interval has passed. Does not throw for what guests,
    // libvirt or the kernel do.
    boost::asio::awaitable<void> run();

    // Looks twice, an interval apart, and acts on the second look only: CPU use is the difference
    // between two. Returns whether anything could be seen.
    boost::asio::awaitable<bool> run_once();

    // Gives all threads back what their owners allowed, and returns what became of each. Blocks.
    // After run() has ended. Nothing if a call that changes pins does not return.
    std::optional<std::vector<Restored>> undo_pins() { return actuator_.undo_pins(); }

  private:
    // What is known of the guests before they are sampled.
    struct Listing {
        std::vector<ListedGuest> guests;
        HostReading host;
        GuestPolicies policies;
        std::string problem;  // why guests may be missing
        std::vector<Rival> rivals;
        Bytes balanced = 0;  // RivalReading::balanced
    };
    // The current time on the clock of Snapshot::now and OrdersInForce.
    Millis monotonic_ms() const;
    std::int64_t wall_ms() const;  // since 1970
    boost::asio::awaitable<void> take_orders();
    boost::asio::awaitable<void> restore_as_ordered(const Listing& listing, const Look& look,
                                                    Clock::Time deadline);
    void derive_and_plan(Tick& tick, Listing& listing, const Look& look);
    void remember(const Tick& tick);
    enum class Purpose { act, first_of_two };

    boost::asio::awaitable<std::shared_ptr<const Tick>> tick(Purpose purpose);
    Tick number_tick();
    Listing list();
    std::shared_ptr<Look> sample(Listing& listing, bool complete);
    bool may_act() const;  // at this time, on any guest
    void notice_changes(const Sample& sample, Bytes balanced);
    Clock::Time deadline(Clock::Time begin) const;

    // Runs `read` on a worker thread. Nothing, and why in tick.blind, when nothing can be seen.
    template <typename Read>
    boost::asio::awaitable<std::optional<std::invoke_result_t<Read>>> unless_blind(Tick& tick,
                                                                                   Read read);

    const Config& config_;
    Host host_;
    Observer& observer_;
    Kernel& kernel_;
    Clock& clock_;
    HandsOffGuests& hands_off_;
    control::Orders& orders_;
    control::OrdersInForce orders_in_force_;
    ForeignMoves foreign_moves_;
    // By uuid: what vnumad has moved, or may have moved, since the last look.
    std::map<std::string, Bytes> moved_;
    Bytes balanced_ = 0;  // RivalReading::balanced of the last look
    Outputs outputs_;
    boost::asio::thread_pool pool_;
    HostPolicy policy_;
    RunTimePolicy run_time_policy_;
    std::vector<std::string> unmatched_sections_;  // when all guests were listed last
    Actuator actuator_;
    History history_;
    std::shared_ptr<const Look> previous_;
    std::set<std::string> acted_on_;  // uuids, in the last tick
    std::set<std::string> quiet_;     // uuids of guests to which nothing is to be done
    std::set<std::string> homed_;     // uuids of guests that may have been moved home by then
    TrackingHints hints_;             // of the last tick
    std::uint64_t ticks_ = 0;
};

}  // namespace vnuma
