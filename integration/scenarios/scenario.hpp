// What all scenarios share. Each test starts its own guests and its own vnumad.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>

#include "integration/host/daemon.hpp"
#include "integration/host/guest.hpp"
#include "integration/host/libvirt_host.hpp"

namespace vnuma::lab {

// The libvirtd of this host, started by the first test that needs it.
LibvirtHost& libvirt_host();

inline constexpr std::chrono::seconds settle_limit{60};

// Ticks often, so that scenarios are short. All memory goes home, so that it can be said where each
// page is to be: a lazy guest leaves behind what it does not use.
inline constexpr const char* acting =
    "mode = \"act\"\ninterval = \"1s\"\npolicy.memory = \"eager\"\n";
inline constexpr const char* observing = "mode = \"observe\"\ninterval = \"1s\"\n";

// A part of a report by its JSON pointer; null when it is not there.
nlohmann::json field(const nlohmann::json& from, const std::string& pointer);

// The first report from now on in which the guest is there and the condition holds for it: the
// guest only, or null when none came within settle_limit.
nlohmann::json wait_for_guest(Daemon& vnumad, const std::string& name,
                              const std::function<bool(const nlohmann::json&)>& condition);
bool is_unsteady_because(const nlohmann::json& guest, const std::string& text);

// What every thread of a guest may use, by thread.
std::map<pid_t, std::vector<int>> affinities_of(const RunningGuest& guest);

// Where a guest without vNUMA is: its RAM is the mapping of its size.
struct Placement {
    std::map<int, std::uint64_t> memory_bytes;
    std::map<int, double> memory_share;
    std::vector<int> vcpu_nodes;  // where each vCPU may run; -1 when on more than one node
};

Placement placement_of(const RunningGuest& guest);

// The node that holds at least 99 % of the memory and all vCPUs; -1 when there is none.
int home_of(const Placement& placement);

// The same for one cell of a guest with several. Cells of one size are told apart by how much their
// vCPUs have touched.
Placement placement_of_cell(const RunningGuest& guest, std::size_t cell);

}  // namespace vnuma::lab
