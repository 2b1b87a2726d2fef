// Scenarios on a host with a single node.
#include <gtest/gtest.h>

#include "integration/host/files.hpp"
#include "integration/scenarios/scenario.hpp"

namespace vnuma::lab {
namespace {

using nlohmann::json;

TEST(OneNode, VnumadReportsItAndChangesNothing) {
    const Guest guest(libvirt_host(), {"alone", {{1, 256}}, {}, 64});
    const auto before = vcpu_threads(guest.pid());
    const std::vector<int> affinity = affinity_of(before.at(0));
    Daemon vnumad(acting);
    const auto seen_twice = [](const json& report) { return report["tick"] >= 3; };
    const json report = vnumad.wait_for(seen_twice, settle_limit);
    ASSERT_FALSE(report.is_null()) << vnumad.output();
    EXPECT_NE(vnumad.output().find("one NUMA node"), std::string::npos);
    const json alone = find_guest(report, "alone");
    ASSERT_FALSE(alone.is_null()) << report;
    EXPECT_EQ(alone["cells"][0]["verdict"]["reason"], "one-node");
    EXPECT_TRUE(report["actions"].empty());
    EXPECT_EQ(affinity_of(before.at(0)), affinity);
    EXPECT_EQ(vnumad.stop(), 0);
}

}  // namespace
}  // namespace vnuma::lab
