// A move that a scenario orders, so that something may happen in the middle of it, of a guest that
// verifies its own memory.
#pragma once

#include <string>

#include "integration/scenarios/scenario.hpp"

namespace vnuma::lab {

// The run-time policy that orders homes.
inline constexpr const char* policy_file = "/run/lab/policy.toml";
// So that a move takes some seconds.
inline constexpr const char* slowly = "memory.rate = \"20M\"\n";

// Its memory starts on node 0.
GuestShape verifying(const std::string& name);

// A configuration that follows the policy file, and tries again soon what has failed.
std::string ordered(const std::string& more, const std::string& base = acting);

// As guest.NAME.home in docs/configuration.md.
void order_home(const KvmGuest& guest, const std::string& nodes);

// The node that has less of the guest's memory.
int other_node(const KvmGuest& guest);

// Whether some of the memory of the first cell of a guest of the report has moved, and not all.
bool is_moving(const nlohmann::json& report, const nlohmann::json& guest);
// Waits until some of the memory of the guest's first cell has moved, and not all. False if that
// does not happen.
bool begin_move(Daemon& vnumad, const KvmGuest& guest);
// The same for a guest that vnumad names, by its process.
bool begin_move_of_process(Daemon& vnumad, pid_t process);

// Expects that each thread of the guest has these CPUs, by thread. Threads that have begun or ended
// meanwhile do not matter.
void expect_affinities(const KvmGuest& guest, const std::map<pid_t, std::vector<int>>& expected);

// Expects what a vnumad leaves that has stopped, where nobody else has set an affinity: each thread
// of the guest has all CPUs again, and there is neither a kdamond nor anything to restore.
void expect_nothing_left(const KvmGuest& guest);

}  // namespace vnuma::lab
