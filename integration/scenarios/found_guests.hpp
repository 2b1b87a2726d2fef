// What is expected of guests that vnumad has found, whoever told of them.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "integration/host/daemon.hpp"
#include "integration/host/small_vmm.hpp"

namespace vnuma::lab {

// The report has the guest once, and says who told of it and with what certainty.
void expect_listed_once(const nlohmann::json& report, const KvmGuest& guest,
                        const std::string& source);

// All of the guest comes to one node.
void expect_at_home(const KvmGuest& guest, Daemon& vnumad);

// The guest makes accesses, and no vCPU has made none for longer than emulation holds it up.
void expect_never_paused(SmallVmm& guest);

}  // namespace vnuma::lab
