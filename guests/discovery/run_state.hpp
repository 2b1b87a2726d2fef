// What a guest is about, from the words of libvirt and of QEMU. Pure.
#pragma once

#include <string>
#include <string_view>

#include "guests/model/run_state.hpp"

namespace vnuma {

// Why a guest in this state is to be left alone; empty when it simply runs.
std::string why_unsteady(RunState state);

// virDomainState with its reason, and virDomainJobOperation (0 without a job).
RunState state_of_libvirt(int state, int reason, int operation);

// query-status and query-migrate; `migration` is empty when there was none.
RunState state_of_qemu(std::string_view status, std::string_view migration);

}  // namespace vnuma
