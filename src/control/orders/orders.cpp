#include "src/control/orders/orders.hpp"

#include <utility>

#include "src/report/tick.hpp"

namespace vnuma::control {

std::optional<Refused> Orders::add(Order order) {
    const std::lock_guard lock(mutex_);
    if (waiting_.size() >= max_waiting_orders)
        return Refused{was_refused, std::to_string(max_waiting_orders) +
                                        " orders wait for the next tick already: try again later"};
    waiting_.push_back(std::move(order));
    wake_();
    return std::nullopt;
}

std::vector<Order> Orders::take() {
    const std::lock_guard lock(mutex_);
    return std::exchange(waiting_, {});
}

std::optional<Refused> why_no_restore(const Tick& tick) {
    if (tick.mode == Mode::act) return std::nullopt;
    return Refused{was_refused, std::string("vnumad is in mode ") + name(tick.mode) +
                                    " and changes nothing: its configuration or --dry-run says so"};
}

std::optional<Refused> why_no_move(const Tick& tick) {
    if (auto refused = why_no_restore(tick)) return refused;
    if (!tick.frozen.empty())
        return Refused{was_refused, tick.frozen + ": thaw it first (vnumactl thaw)"};
    if (!tick.blind.empty())
        return Refused{is_blind, "nothing could be seen in the last tick: " + tick.blind};
    return std::nullopt;
}

}  // namespace vnuma::control
