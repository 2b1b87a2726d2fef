// Whether a guest runs, and if not, why.
#pragma once

namespace vnuma {

enum class RunState {
    unknown,
    starting,
    running,
    paused,
    migrating,  // to or from another host
    saving,     // to a file, or restored from one, or to a snapshot
    dumping,
    shutting_down,
    crashed,
    suspended,
};

// The name in reports, such as "shutting-down".
const char* name(RunState state);

}  // namespace vnuma
