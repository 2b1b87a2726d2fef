// Scenarios on a host with nodes of different sizes. Node 2 has no memory, and node 3 has no CPUs.
#include <gtest/gtest.h>

#include "integration/demo/picture.hpp"
#include "integration/host/files.hpp"
#include "integration/scenarios/scenario.hpp"

namespace vnuma::lab {
namespace {

TEST(Uneven, TheHostHasTheNodesOfItsTopology) {
    EXPECT_EQ(online_nodes(), (std::vector<int>{0, 1, 2, 3}));
    EXPECT_EQ(node_cpus(0).size(), 2U);
    EXPECT_EQ(node_cpus(1).size(), 1U);
    EXPECT_EQ(node_cpus(2).size(), 1U);
    EXPECT_TRUE(node_cpus(3).empty());
    EXPECT_EQ(read_text("/sys/devices/system/node/node0/distance"), "10 21 21 28\n");
    EXPECT_EQ(read_text("/sys/devices/system/node/has_memory"), "0-1,3\n");
}

TEST(Uneven, AGuestGetsANodeThatHasBothCpusAndMemory) {
    // Its vCPUs start on the node without memory; only node 0 has two CPUs.
    const Guest guest(libvirt_host(), {"lost", {{2, 256}}, {2}, 64});
    Daemon vnumad(acting);
    EXPECT_FALSE(vnumad.wait_for(all_home, settle_limit).is_null()) << vnumad.output();
    EXPECT_EQ(home_of(placement_of(guest)), 0) << vnumad.output();
}

}  // namespace
}  // namespace vnuma::lab
