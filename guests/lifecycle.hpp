// What a guest is about, from the words of libvirt and of QEMU. Pure.
#pragma once

#include <string>
#include <string_view>

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

// Why a guest in this state is to be left alone; empty when it simply runs.
std::string why_unsteady(RunState state);

// virDomainState with its reason, and virDomainJobOperation (0 without a job).
RunState state_of_libvirt(int state, int reason, int operation);

// query-status and query-migrate; `migration` is empty when there was none.
RunState state_of_qemu(std::string_view status, std::string_view migration);

}  // namespace vnuma
