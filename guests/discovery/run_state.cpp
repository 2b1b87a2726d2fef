#include "guests/discovery/run_state.hpp"

#include <libvirt/libvirt.h>

#include <map>

namespace vnuma {
namespace {

// A job says more than the state: a guest that is being saved is paused, and one that migrates is
// running.
RunState state_of_job(int operation) {
    switch (operation) {
        case VIR_DOMAIN_JOB_OPERATION_MIGRATION_IN:
        case VIR_DOMAIN_JOB_OPERATION_MIGRATION_OUT:
            return RunState::migrating;
        case VIR_DOMAIN_JOB_OPERATION_SAVE:
        case VIR_DOMAIN_JOB_OPERATION_RESTORE:
        case VIR_DOMAIN_JOB_OPERATION_SNAPSHOT:
        case VIR_DOMAIN_JOB_OPERATION_SNAPSHOT_REVERT:
        case VIR_DOMAIN_JOB_OPERATION_SNAPSHOT_DELETE:
            return RunState::saving;
        case VIR_DOMAIN_JOB_OPERATION_DUMP:
            return RunState::dumping;
        default:
            // The state shows that a guest starts. A backup concerns only its disks.
            return RunState::unknown;
    }
}

RunState state_of_pause(int reason) {
    switch (reason) {
        case VIR_DOMAIN_PAUSED_MIGRATION:
        case VIR_DOMAIN_PAUSED_POSTCOPY:
        case VIR_DOMAIN_PAUSED_POSTCOPY_FAILED:
            return RunState::migrating;
        case VIR_DOMAIN_PAUSED_SAVE:
        case VIR_DOMAIN_PAUSED_FROM_SNAPSHOT:
        case VIR_DOMAIN_PAUSED_SNAPSHOT:
            return RunState::saving;
        case VIR_DOMAIN_PAUSED_DUMP:
            return RunState::dumping;
        case VIR_DOMAIN_PAUSED_STARTING_UP:
            return RunState::starting;
        case VIR_DOMAIN_PAUSED_SHUTTING_DOWN:
            return RunState::shutting_down;
        case VIR_DOMAIN_PAUSED_CRASHED:
            return RunState::crashed;
        default:
            return RunState::paused;
    }
}

}  // namespace

std::string why_unsteady(RunState state) {
    switch (state) {
        case RunState::running:
            return "";
        case RunState::starting:
            return "it is starting";
        case RunState::paused:
            return "it is paused";
        case RunState::migrating:
            return "it is migrating";
        case RunState::saving:
            return "it is being saved or restored";
        case RunState::dumping:
            return "it is being dumped";
        case RunState::shutting_down:
            return "it is shutting down";
        case RunState::crashed:
            return "it has crashed";
        case RunState::suspended:
            return "it is suspended";
        case RunState::unknown:
            break;
    }
    return "its state is unknown";
}

RunState state_of_libvirt(int state, int reason, int operation) {
    const RunState job = state_of_job(operation);
    switch (state) {
        case VIR_DOMAIN_RUNNING:
            if (job != RunState::unknown) return job;
            return reason == VIR_DOMAIN_RUNNING_POSTCOPY ? RunState::migrating : RunState::running;
        case VIR_DOMAIN_PAUSED:
            return job != RunState::unknown ? job : state_of_pause(reason);
        case VIR_DOMAIN_SHUTDOWN:
        case VIR_DOMAIN_SHUTOFF:
            return RunState::shutting_down;
        case VIR_DOMAIN_CRASHED:
            return RunState::crashed;
        case VIR_DOMAIN_PMSUSPENDED:
            return RunState::suspended;
        default:
            return RunState::unknown;
    }
}

RunState state_of_qemu(std::string_view status, std::string_view migration) {
    // The status of a migration that has ended says nothing about the present.
    if (!migration.empty() && migration != "none" && migration != "completed" &&
        migration != "failed" && migration != "cancelled")
        return RunState::migrating;
    static const std::map<std::string_view, RunState> states{
        {"running", RunState::running},        {"paused", RunState::paused},
        {"debug", RunState::paused},           {"io-error", RunState::paused},
        {"watchdog", RunState::paused},        {"prelaunch", RunState::starting},
        {"preconfig", RunState::starting},     {"inmigrate", RunState::migrating},
        {"postmigrate", RunState::migrating},  {"finish-migrate", RunState::migrating},
        {"colo", RunState::migrating},         {"save-vm", RunState::saving},
        {"restore-vm", RunState::saving},      {"shutdown", RunState::shutting_down},
        {"guest-panicked", RunState::crashed}, {"internal-error", RunState::crashed},
        {"suspended", RunState::suspended},
    };
    const auto found = states.find(status);
    return found == states.end() ? RunState::unknown : found->second;
}

}  // namespace vnuma
