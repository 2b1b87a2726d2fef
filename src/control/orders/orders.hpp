// Where the control socket leaves orders for the loop.
#pragma once

#include <cstddef>
#include <mutex>
#include <optional>
#include <string>
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
    // Refused if too many orders wait.
    std::optional<Refused> add(Order order);

    // Those that have come since the last call, in their order.
    std::vector<Order> take();

  private:
    std::mutex mutex_;
    std::vector<Order> waiting_;
};

// Why no order of this kind can be carried out now: vnumad does not act, is frozen (a restore is
// carried out all the same), or could see nothing in the last tick. Pure.
std::optional<Refused> why_no_move(const Tick& tick);
std::optional<Refused> why_no_restore(const Tick& tick);

}  // namespace vnuma::control
