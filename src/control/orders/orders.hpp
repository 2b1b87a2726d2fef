// Where the control socket leaves orders for the loop.
#pragma once

#include <cstddef>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "src/control/protocol/orders.hpp"
#include "src/control/protocol/requests.hpp"

namespace vnuma {
struct Tick;
}

namespace vnuma::control {

// Orders that wait for the next tick.
inline constexpr std::size_t max_waiting_orders = 1024;

// Thread-safe. No call waits for a tick.
class Orders {
  public:
    // `wake` makes the loop's next tick come soon; any thread may call it.
    explicit Orders(std::function<void()> wake = [] {}) : wake_(std::move(wake)) {}

    // For what is no order, but is in force from the next tick on: a policy, a thaw.
    void wake() const { wake_(); }

    // Refused if too many orders wait.
    std::optional<Refused> add(Order order);

    // Those that have come since the last call, in their order.
    std::vector<Order> take();

  private:
    std::function<void()> wake_;
    std::mutex mutex_;
    std::vector<Order> waiting_;
};

// Why no order of this kind can be carried out now: vnumad does not act, is frozen (a restore is
// carried out all the same), or could see nothing in the last tick. Pure.
std::optional<Refused> why_no_move(const Tick& tick);
std::optional<Refused> why_no_restore(const Tick& tick);

}  // namespace vnuma::control
