#include "guests/model/run_state.hpp"

namespace vnuma {

const char* name(RunState state) {
    switch (state) {
        case RunState::unknown:
            return "unknown";
        case RunState::starting:
            return "starting";
        case RunState::running:
            return "running";
        case RunState::paused:
            return "paused";
        case RunState::migrating:
            return "migrating";
        case RunState::saving:
            return "saving";
        case RunState::dumping:
            return "dumping";
        case RunState::shutting_down:
            return "shutting-down";
        case RunState::crashed:
            return "crashed";
        case RunState::suspended:
            return "suspended";
    }
    return "unknown";
}

}  // namespace vnuma
