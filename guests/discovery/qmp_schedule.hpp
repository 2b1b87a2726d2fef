// When a guest is asked by QMP, and how much. Pure: the time is a parameter.
#pragma once

#include <chrono>
#include <optional>
#include <string>

#include "guests/discovery/backoff.hpp"
#include "guests/discovery/qmp_limits.hpp"
#include "guests/model/run_state.hpp"

namespace vnuma {

// How much a guest is asked. Each depth includes those before. If the state is another one than
// before, the guest is asked for its description, too.
enum class QmpDepth {
    status,       // query-status: whether it runs
    state,        // and query-migrate
    description,  // and vCPUs, cells, memory, iothreads; UUID and name if they are not known
};

// A guest that simply runs, and whose process shows no change, is asked for its status once in
// qmp_limits::resync and for its description once in qmp_limits::full_resync. Nobody sends events:
// no connection is open between two questions.
class QmpSchedule {
  public:
    using Time = std::chrono::steady_clock::time_point;

    // What is known of the guest without asking QEMU.
    struct Guest {
        RunState state = RunState::unknown;  // as it was told last
        bool trusted = false;                // whether its process is sure to be the guest's
        bool has_new_thread = false;         // since it was described (KnownThreads)
    };

    // Returns how much to ask the guest now, and nothing if it need not be asked. `key` tells
    // guests apart, so that they are not all asked at the same time. Where threads come and go that
    // mean nothing, the pauses between two descriptions because of them grow.
    std::optional<QmpDepth> choose_depth(const std::string& key, Time now, const Guest& guest);

    // The guest has told its state, which is as it was.
    void note_state(Time now) { told_ = now; }
    // The guest has told its description. `changed` is whether it was another one before.
    void note_description(Time now, bool changed);
    // Somebody has found that the guest has changed. The description is due until it is told.
    void mark_due() { described_.reset(); }

    // Whether there is a description, and nobody has found that it is wrong.
    bool is_described() const { return described_.has_value(); }

  private:
    Time told_{};                      // when it has told its state last
    std::optional<Time> described_{};  // when it has told its description last
    bool settling_ = true;             // what has just changed may go on to change
    Backoff hints_{qmp_limits::first_pause, qmp_limits::longest_pause};
};

}  // namespace vnuma
