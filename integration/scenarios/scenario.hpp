// Functions that all scenarios share. Each test starts its own guests and its own vnumad.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>

#include "integration/host/daemon.hpp"
#include "integration/host/guest.hpp"
#include "integration/host/libvirt_host.hpp"
#include "integration/host/vnumad_calls.hpp"

namespace vnuma::lab {

// The libvirtd of this host, started by the first test that needs it.
LibvirtHost& libvirt_host();

// A test fails when a call was refused to vnumad and the test has not taken it.
VnumadCalls& vnumad_calls();

// Much longer than it takes: a machine may emulate five times slower than another one.
inline constexpr std::chrono::seconds settle_limit{180};

// Ticks often, so that scenarios are short. The memory policy is eager, so that all memory has to
// come home: with a lazy policy memory that is not used stays behind. In emulation a page that
// moves interrupts all CPUs, so that guests wait; the default of memory.felt would make moves
// pause.
inline constexpr const char* acting =
    "mode = \"act\"\ninterval = \"1s\"\npolicy.memory = \"eager\"\nmemory.felt = 0.5\n";
inline constexpr const char* observing = "mode = \"observe\"\ninterval = \"1s\"\n";

// A part of a report by its JSON pointer; null if there is none.
nlohmann::json field(const nlohmann::json& from, const std::string& pointer);

// The guest's part of the first report from now on in which the guest meets the condition; null if
// there is none within settle_limit.
nlohmann::json wait_for_guest(Daemon& vnumad, const std::string& name,
                              const std::function<bool(const nlohmann::json&)>& condition);
// Waits for so many reports from now on: as often, vnumad has had the chance to act. False if one
// does not come.
bool let_pass(Daemon& vnumad, int reports);
bool is_unsteady_because(const nlohmann::json& guest, const std::string& text);

inline constexpr const char* hands_off_directory = "/run/vnumad/hands-off/";
inline constexpr const char* freeze_file = "/run/vnumad/freeze";

// The affinity of every thread of a guest, by thread.
std::map<pid_t, std::vector<int>> affinities_of(const KvmGuest& guest);

// Where the memory and the vCPUs of a cell are.
struct Placement {
    std::map<int, std::uint64_t> memory_bytes;
    std::map<int, double> memory_share;
    std::vector<int> vcpu_nodes;  // the node each vCPU is restricted to; -1 for more than one node
};

// The placement of a guest without vNUMA. Its RAM is the mapping of the same size.
Placement placement_of(const KvmGuest& guest);

// The node that has at least 99 % of the memory and all vCPUs; -1 if there is none.
int home_of(const Placement& placement);

// The placement of one cell of a guest with several. Cells of the same size are told apart by how
// much memory their vCPUs have accessed.
Placement placement_of_cell(const KvmGuest& guest, std::size_t cell);

}  // namespace vnuma::lab
