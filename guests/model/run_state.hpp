// What a guest is about: whether it runs, and if not, why.
#pragma once

namespace vnuma {

enum class RunState {
    unknown,
    starting,
    running,
    paused,
    migrating,  // in or out
    saving,     // or being restored, or a snapshot taken
    dumping,
    shutting_down,
    crashed,
    suspended,
};

const char* name(RunState state);

}  // namespace vnuma
