// A ring of four nodes.
#include <gtest/gtest.h>

#include <memory>
#include <set>

#include "integration/demo/picture.hpp"
#include "integration/host/files.hpp"
#include "integration/scenarios/scenario.hpp"

namespace vnuma::lab {
namespace {

TEST(FourNodes, TheDistancesAreARing) {
    EXPECT_EQ(read_text("/sys/devices/system/node/node0/distance"), "10 16 22 16\n");
    EXPECT_EQ(read_text("/sys/devices/system/node/node1/distance"), "16 10 16 22\n");
}

TEST(FourNodes, CellsOfAGuestSpreadOverNodes) {
    const Guest guest(libvirt_host(), {"quad", {{1, 160}, {1, 192}, {1, 224}}, {0}, 48});
    Daemon vnumad(acting);
    EXPECT_FALSE(vnumad.wait_for(all_home, settle_limit).is_null()) << vnumad.output();
    std::set<int> homes;
    for (std::size_t cell = 0; cell < guest.shape().cells.size(); ++cell)
        homes.insert(home_of(placement_of_cell(guest, cell)));
    EXPECT_EQ(homes.size(), 3U) << vnumad.output();
    EXPECT_FALSE(homes.contains(-1)) << vnumad.output();
}

}  // namespace
}  // namespace vnuma::lab
