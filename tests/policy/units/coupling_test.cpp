#include "policy/units/coupling.hpp"

#include <gtest/gtest.h>

namespace vnuma {
namespace {

constexpr MilliCpu use = 1000;

// A guest whose cells have memory of these sizes, and use a CPU each.
GuestState guest_with(const std::vector<Bytes>& sizes) {
    GuestState guest;
    for (std::size_t i = 0; i < sizes.size(); ++i) {
        CellState cell;
        cell.key = {"a", static_cast<int>(i)};
        cell.vcpus = 1;
        cell.cpu_use = use;
        cell.size = sizes[i];
        cell.residency.assign(2, 0);
        guest.cells.push_back(cell);
    }
    return guest;
}

// Traffic between the first cell and each of the others.
std::vector<MilliCpu> traffic_of_first(const GuestState& guest) {
    std::vector<Unit> units(guest.cells.size());
    for (std::size_t i = 0; i < units.size(); ++i)
        units[i].parts.push_back({&guest, &guest.cells[i], nullptr});
    couple_cells(units, {});
    std::vector<MilliCpu> traffic;
    for (const Unit::Coupling& coupling : units.front().couplings)
        traffic.push_back(coupling.traffic);
    return traffic;
}

TEST(CoupleCells, CellsWithMemoryAccessEachOthersALittle) {
    EXPECT_EQ(traffic_of_first(guest_with({mib, mib})),
              std::vector<MilliCpu>{2 * use * cross_cell_share / 1000});
}

TEST(CoupleCells, DistancesAreByThePlaceOfACellWhateverItsNumber) {
    GuestState guest = guest_with({mib, mib, mib});
    guest.distances = {{10, 40, 20}, {40, 10, 20}, {20, 20, 10}};
    const std::vector<MilliCpu> traffic = traffic_of_first(guest);
    EXPECT_LT(traffic[0], traffic[1]);
    guest.cells[1].key.cell = 5;
    guest.cells[2].key.cell = 9;
    EXPECT_EQ(traffic_of_first(guest), traffic);
}

TEST(CoupleCells, NobodyAccessesACellWithoutMemory) {
    GuestState guest = guest_with({mib, 0, 0});
    for (const std::size_t empty : {1, 2})
        guest.cells[empty].vcpus = 0, guest.cells[empty].cpu_use = 0;
    EXPECT_EQ(traffic_of_first(guest), (std::vector<MilliCpu>{0, 0}));
}

TEST(CoupleCells, ACellWithoutMemoryAccessesThatOfTheOthersOnly) {
    EXPECT_EQ(traffic_of_first(guest_with({0, mib})), std::vector<MilliCpu>{use});
    EXPECT_EQ(traffic_of_first(guest_with({0, mib, mib})), (std::vector<MilliCpu>{500, 500}));
    EXPECT_EQ(traffic_of_first(guest_with({0, 0})), std::vector<MilliCpu>{0});
}

}  // namespace
}  // namespace vnuma
