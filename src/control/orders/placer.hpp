// Where new guests should start: answers requests, and remembers what it has reserved.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "policy/initial_placement.hpp"
#include "src/control/protocol/requests.hpp"
#include "src/observe/host.hpp"

namespace vnuma::control {

inline constexpr std::size_t max_reservations = 256;
inline constexpr Millis max_reservation = 600'000;  // longest time that one lasts
// Limits of a request: KVM has at most 4096 vCPUs; no machine has so much memory.
inline constexpr int max_placed_vcpus = 4096;
inline constexpr Bytes max_placed_memory = Bytes{1} << 50;

// What a request is answered from: the last tick. `now` is the current time on the clock of
// Snapshot::now.
struct PlacementView {
    const Snapshot& snapshot;
    const History& history;
    const PlannerSettings& settings;
    const Host& host;
    Millis now = 0;
};

// Reservations count against each other and against later requests. The planner of running guests
// does not know of them.
//
// Pure but for what it remembers. Not thread-safe.
class Placer {
  public:
    // `near`: the node that PlaceArguments::near belongs to; none if it is not asked for. Nodes
    // that have room are preferred by their distance from it.
    std::variant<PlaceReply, Refused> place(const PlacementView& view,
                                            const PlaceArguments& arguments,
                                            std::optional<int> near);

    // In force: they have neither expired nor does their guest exist.
    const std::vector<Reservation>& reservations() const { return reservations_; }

  private:
    void forget_ended(const PlacementView& view);

    std::vector<Reservation> reservations_;
};

}  // namespace vnuma::control
