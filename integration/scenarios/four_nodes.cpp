// Scenarios on a host with four nodes in a ring.
#include <gtest/gtest.h>

#include <memory>
#include <set>

#include "integration/demo/picture.hpp"
#include "integration/host/files.hpp"
#include "integration/scenarios/scenario.hpp"

namespace vnuma::lab {
namespace {

TEST(FourNodes, TheHostsDistancesAreARing) {
    EXPECT_EQ(read_text("/sys/devices/system/node/node0/distance"), "10 16 22 16\n");
    EXPECT_EQ(read_text("/sys/devices/system/node/node1/distance"), "16 10 16 22\n");
}

TEST(FourNodes, CellsOfAGuestEndOnDifferentNodes) {
    const Guest guest(libvirt_host(), {"quad", {{1, 160}, {1, 192}, {1, 224}}, {0}, 48});
    Daemon vnumad(acting);
    EXPECT_FALSE(vnumad.wait_for(all_home, settle_limit).is_null()) << vnumad.output();
    std::set<int> homes;
    for (std::size_t cell = 0; cell < guest.shape().cells.size(); ++cell)
        homes.insert(home_of(placement_of_cell(guest, cell)));
    EXPECT_EQ(homes.size(), 3U) << vnumad.output();
    EXPECT_FALSE(homes.contains(-1)) << vnumad.output();
}

// The guest's distances form a ring 0-2-1-3, which is not the order of its cells.
TEST(FourNodes, CellsThatAreNearByTheGuestsDistancesEndOnNeighbouringNodes) {
    GuestShape shape{"ring", {{1, 144}, {1, 160}, {1, 176}, {1, 192}}, {0}, 32};
    shape.distances = {{10, 40, 12, 12}, {40, 10, 12, 12}, {12, 12, 10, 40}, {12, 12, 40, 10}};
    const Guest guest(libvirt_host(), shape);
    Daemon vnumad(acting);
    EXPECT_FALSE(vnumad.wait_for(all_home, settle_limit).is_null()) << vnumad.output();
    std::vector<int> homes;
    for (std::size_t cell = 0; cell < shape.cells.size(); ++cell)
        homes.push_back(home_of(placement_of_cell(guest, cell)));
    ASSERT_EQ(std::set<int>(homes.begin(), homes.end()).size(), 4U) << vnumad.output();
    // Nodes across the ring are two steps apart.
    EXPECT_EQ(homes[0] % 2, homes[1] % 2) << vnumad.output();
    EXPECT_EQ(homes[2] % 2, homes[3] % 2) << vnumad.output();
}

}  // namespace
}  // namespace vnuma::lab
