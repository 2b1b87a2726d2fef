#include "integration/scenarios/found_guests.hpp"

#include <gtest/gtest.h>

#include <iostream>
#include <vector>

#include "integration/host/process.hpp"
#include "integration/scenarios/scenario.hpp"

namespace vnuma::lab {

using nlohmann::json;
using std::chrono::seconds;

// Much longer than emulation holds a vCPU up, and much shorter than a scenario.
constexpr seconds pause_limit{5};

void expect_listed_once(const json& report, const KvmGuest& guest, const std::string& source) {
    const std::vector<json> listed = guests_of_process(report, guest.pid());
    ASSERT_EQ(listed.size(), 1U) << guest.name() << " in " << report;
    EXPECT_EQ(field(listed[0], "/source"), source) << listed[0];
    EXPECT_NE(listed[0].value("certainty", ""), "") << listed[0];
}

void expect_at_home(const KvmGuest& guest, Daemon& vnumad) {
    const auto at_home = [&] { return home_of(placement_of(guest)) >= 0; };
    EXPECT_TRUE(wait_until(at_home, settle_limit)) << guest.name() << "\n" << vnumad.output();
}

void expect_never_paused(SmallVmm& guest) {
    EXPECT_TRUE(guest.is_at_work());
    const auto pause = guest.longest_pause();
    std::cout << "a vCPU of the small VMM has made no accesses for " << pause.count() << " ms\n";
    EXPECT_LT(pause, pause_limit);
}

}  // namespace vnuma::lab
