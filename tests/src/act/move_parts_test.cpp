#include "src/act/move_parts.hpp"

#include <gtest/gtest.h>

namespace vnuma {
namespace {

RamBlock block(std::uint64_t start, std::uint64_t size, Bytes hugetlb_page = 0) {
    RamBlock one;
    one.host = {start, size};
    one.hugetlb = hugetlb_page > 0;
    if (one.hugetlb) one.page_bytes = hugetlb_page;
    return one;
}

class MovePartsTest : public ::testing::Test {
  protected:
    std::vector<MovePart> parts() { return parts_of(action, guest, cell); }

    MoveMemory action;
    GuestSample guest;
    CellSample cell;
};

TEST_F(MovePartsTest, EachPoolIsAPartAndOrdinaryMemoryComesFirst) {
    cell.blocks = {block(100, 50, 2 * mib), block(200, 10), block(300, 10), block(400, 9, mib)};
    const auto all = parts();
    ASSERT_EQ(all.size(), 3U);
    EXPECT_EQ(all[0].hugetlb_page, 0);
    EXPECT_EQ(all[0].memory, (std::vector<RamRange>{{200, 10}, {300, 10}}));
    EXPECT_EQ(all[1].hugetlb_page, mib);
    EXPECT_EQ(all[2].memory, (std::vector<RamRange>{{100, 50}}));
}

TEST_F(MovePartsTest, AShardHasWhatItsVcpusAccessAloneAndItsExtentsWithinTheBlocks) {
    cell.blocks = {block(100, 100), block(200, 100, 2 * mib)};
    cell.vcpus.resize(2);
    cell.vcpus[0].id = 4;
    cell.vcpus[1].id = 7;
    guest.tracking.own_ranges = std::make_shared<const std::vector<OwnRange>>(
        std::vector<OwnRange>{{{90, 20}, 7, 0},
                              {{120, 10}, 4, 0},
                              {{190, 20}, 7, 0},
                              {{220, 10}, OwnRange::shared, 3},
                              {{240, 10}, OwnRange::shared, 5}});
    action.key.shard = 0;
    action.vcpus = {1};
    action.extents = {3};
    const auto all = parts();
    ASSERT_EQ(all.size(), 2U);
    EXPECT_EQ(all[0].memory, (std::vector<RamRange>{{100, 10}, {190, 10}}));
    EXPECT_EQ(all[1].memory, (std::vector<RamRange>{{200, 10}, {220, 10}}));
}

TEST_F(MovePartsTest, WithoutABlockThereIsNothingToMove) {
    EXPECT_TRUE(parts().empty());
    action.key.shard = 0;
    EXPECT_TRUE(parts().empty()) << "it is not known who accesses what";
}

}  // namespace
}  // namespace vnuma
