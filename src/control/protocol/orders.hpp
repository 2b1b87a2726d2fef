// What an operator orders for guests, and what becomes of it. Data only.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <variant>

namespace vnuma::control {

// The host's node, by its number, for each cell of a guest, by the cell's number.
using HomeOfCell = std::map<int, int>;

// A home by hand, once: it holds until the guest is settled there.
struct OrderedMove {
    std::string uuid;
    HomeOfCell homes;
    std::string who;  // in reasons: "root", "user 1000"
};

// The guest's threads are given back to their owner, and it is left alone from then on.
struct OrderedRestore {
    std::optional<std::string> uuid;  // all guests, and vnumad is frozen, if there is none
    std::string who;
    bool keeps_pins = false;  // one guest is only left alone, as it is
};

using Order = std::variant<OrderedMove, OrderedRestore>;

// What became of an order in one tick.
struct OrderNews {
    enum class Stage { begun, done, given_up };

    Stage stage = Stage::begun;
    std::string guest, uuid;  // empty: it is about all guests
    // A sentence without the guest's name and a full stop.
    std::string text;

    friend bool operator==(const OrderNews&, const OrderNews&) = default;
};

}  // namespace vnuma::control
