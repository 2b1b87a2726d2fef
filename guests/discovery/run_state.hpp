// A guest's state from what libvirt or QEMU reports. Pure.
#pragma once

#include <string>
#include <string_view>

#include "guests/model/run_state.hpp"

namespace vnuma {

// Why a guest in this state must be left alone; empty for a running one.
std::string why_unsteady(RunState state);

// Returns the run state for a virDomainState, its reason, and a virDomainJobOperation, which is 0
// without a job.
RunState state_of_libvirt(int state, int reason, int operation);

// Returns the run state for what query-status and query-migrate return. `migration` is empty if
// there was none.
RunState state_of_qemu(std::string_view status, std::string_view migration);

}  // namespace vnuma
