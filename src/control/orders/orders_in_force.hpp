// Orders that the loop carries out over one tick or several. Pure: the loop reads, plans and acts.
#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "guests/model/sample.hpp"
#include "policy/model/plan.hpp"
#include "src/control/protocol/orders.hpp"
#include "src/observe/guest_policies.hpp"

namespace vnuma::control {

// An order is given up if it is not carried out within this time.
inline constexpr Millis max_order_time = 600'000;
// Guests with an order at a time.
inline constexpr std::size_t max_ordered_guests = 4096;

// In each tick the calls are made in the order in which they are declared. Times are on the
// monotonic clock of Snapshot::now.
class OrdersInForce {
  public:
    // Takes orders up. Where vnumad does not act they are given up at once, for the reason
    // `why_not`. A later order for a guest takes the place of a former one.
    void add(std::vector<Order> orders, Millis now, const std::string& why_not);

    // Whether all guests are to be restored, so that vnumad is to be frozen.
    bool wants_freeze() const { return freeze_; }
    // What has come of that; `problem` is empty if vnumad is frozen.
    void note_frozen(const std::string& problem);

    struct Restore {
        std::string uuid, who;
        bool keeps_pins = false;
    };
    // The guests of the sample that are to be restored. `complete`: the sample has all guests, so
    // that those that are missing have ended.
    std::vector<Restore> to_restore(const Sample& sample, bool complete, Millis now);
    // What has come of that; `problem` is empty if all of its threads are given back, or none is to
    // be.
    void note_restored(const std::string& uuid, const std::string& problem, Millis now);

    // Sets the homes that are ordered as the policy of their guests, as if it were fixed there.
    // An order that contradicts the guest's policy is given up.
    void set_homes(const Sample& sample, bool complete, GuestPolicies& policies);

    // Gives orders up that leave a cell without a home in this plan, and takes their homes out of
    // the policies. Returns whether there were any: then the plan has to be made anew.
    bool give_up_without_home(const Plan& plan, const Topology& topology, GuestPolicies& policies);

    // Ends the orders that the plan has settled, and those whose time is over.
    void end_settled(const Plan& plan, const Topology& topology, Millis now);

    // What became of orders since the last call.
    std::vector<OrderNews> take_news() { return std::exchange(news_, {}); }

  private:
    struct Move {
        OrderedMove order;
        std::string guest;  // its name, once it is known
        Millis until = 0;
        bool is_set = false;  // its homes are in the policies of this tick
    };
    struct Pending {
        std::string who, guest, problem;
        Millis until = 0;
        bool keeps_pins = false;
    };

    void add(OrderedMove order, Millis now);
    void add(OrderedRestore order, Millis now);
    void tell(OrderNews::Stage stage, const std::string& guest, const std::string& uuid,
              std::string text);
    void give_up(const std::string& uuid, const std::string& why);

    std::map<std::string, Move> moves_;        // by uuid
    std::map<std::string, Pending> restores_;  // by uuid
    std::optional<Pending> restore_all_;       // until the next sample
    bool freeze_ = false;
    std::vector<OrderNews> news_;
};

}  // namespace vnuma::control
