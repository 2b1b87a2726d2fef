// How long QEMU's monitors may take to answer, and what they may cost.
#pragma once

#include <chrono>
#include <cstddef>

#include "guests/discovery/guest_source.hpp"

namespace vnuma {

// How long a look waits for monitors at most. Tests set their own times.
struct QmpDeadlines {
    // All guests are read at the same time. Who has not answered by then is in quarantine until it
    // answers in time.
    std::chrono::milliseconds list{1000};
    // The same for guests in quarantine, so that waiting for them takes little time from the
    // others.
    std::chrono::milliseconds recovery{100};
    // A peer that has accepted connections for so long altogether without a greeting is not QMP's.
    std::chrono::milliseconds greeting{1000};
    // All calls to monitors between two lists, and one command of them. A guest that takes longer
    // for a command is in quarantine. Questions for a guest's state right before it is acted on
    // have a limit of their own. Connecting counts.
    std::chrono::milliseconds calls{2000}, call{1000}, state{state_limit};
    // What remains between two lists for all guests whose last question for the state took longer
    // than `recovery`, so that they leave time to the others.
    std::chrono::milliseconds slow{500};
};

}  // namespace vnuma

namespace vnuma::qmp_limits {

using std::chrono::milliseconds;

// Memory for what all monitors together send. The longest answer of a guest with 512 vCPUs takes
// about 1 MiB while it is parsed. contrib/vnumad.service.in counts on this figure.
inline constexpr std::size_t memory = std::size_t{64} << 20;

// Pauses before a monitor in quarantine is asked again.
inline constexpr milliseconds first_quarantine{2'000}, longest_quarantine{30'000};

// Longest time between two questions for the status of a guest that runs, and between two for all
// that may change about it, while its process shows no change. They make up for what has no thread:
// a pause, a balloon, memory that is plugged in. A question that is due waits for the next look.
inline constexpr milliseconds resync{60'000}, full_resync{600'000};
static_assert(full_resync % resync == milliseconds(0), "the longer one takes the place of others");

// Pauses between two questions that a new thread of the guest's process gives rise to, while the
// answers stay the same.
inline constexpr milliseconds first_pause{1'000}, longest_pause{30'000};

// A socket that is not QMP's is left to those whose it is.
inline constexpr std::chrono::hours let_go{1};

}  // namespace vnuma::qmp_limits
