#include "integration/scenarios/ordered_move.hpp"

#include <gtest/gtest.h>

#include <filesystem>

#include "integration/host/files.hpp"
#include "integration/host/kdamonds.hpp"

namespace vnuma::lab {

using nlohmann::json;

GuestShape verifying(const std::string& name) {
    GuestShape shape{name, {{2, 256}}, {0}, 48};
    shape.verify = true;
    return shape;
}

std::string ordered(const std::string& more, const std::string& base) {
    return std::string("run_time_policy = \"") + policy_file + "\"\nplanner.cool_down = \"1s\"\n" +
           base + more;
}

void order_home(const KvmGuest& guest, const std::string& nodes) {
    write_text(policy_file, "[guest." + guest.name() + "]\nhome = \"" + nodes + "\"\n");
}

int other_node(const KvmGuest& guest) {
    auto share = placement_of(guest).memory_share;
    return share[0] < share[1] ? 0 : 1;
}

bool is_moving(const json& report, const json& guest) {
    if (guest.is_null()) return false;
    for (const json& action : report.value("actions", json::array()))
        if (action["action"] == "move" && action["uuid"] == guest["uuid"] &&
            action["moved_bytes"] > 0)
            return action["moved_bytes"] < field(guest, "/cells/0/verdict/to_move_bytes");
    return false;
}

bool begin_move(Daemon& vnumad, const KvmGuest& guest) {
    const auto moving = [&](const json& report) {
        return is_moving(report, find_guest(report, guest.name()));
    };
    return !vnumad.wait_for(moving, settle_limit).is_null();
}

bool begin_move_of_process(Daemon& vnumad, pid_t process) {
    const auto moving = [&](const json& report) {
        const std::vector<json> seen = guests_of_process(report, process);
        return !seen.empty() && is_moving(report, seen.front());
    };
    return !vnumad.wait_for(moving, settle_limit).is_null();
}

void expect_affinities(const KvmGuest& guest, const std::map<pid_t, std::vector<int>>& expected) {
    for (const auto& [thread, cpus] : affinities_of(guest))
        if (const auto known = expected.find(thread); known != expected.end()) {
            EXPECT_EQ(cpus, known->second) << guest.name() << ", thread " << thread;
        }
}

void expect_nothing_left(const KvmGuest& guest) {
    std::vector<int> all;
    for (const int node : online_nodes())
        for (const int cpu : node_cpus(node))
            all.push_back(cpu);
    for (const auto& [thread, cpus] : affinities_of(guest))
        EXPECT_EQ(cpus, all) << "thread " << thread;
    EXPECT_EQ(run_restore().output, "");
    EXPECT_EQ(kdamonds(), 0);
    EXPECT_TRUE(!std::filesystem::exists(hands_off_directory) ||
                std::filesystem::is_empty(hands_off_directory));
}

}  // namespace vnuma::lab
