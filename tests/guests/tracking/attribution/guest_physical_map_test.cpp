#include "guests/tracking/attribution/guest_physical_map.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <vector>

namespace vnuma {
namespace {

constexpr std::uint64_t mib = 1 << 20;
constexpr std::uint64_t chunk = 2 * mib;
constexpr std::uint64_t base = 0x7f0000000000;
constexpr std::uint64_t four_gib = std::uint64_t{4} << 30;

RamBlock block(std::uint64_t host, std::vector<GuestRange> guest) {
    RamBlock block;
    block.host.start = host;
    for (const GuestRange& range : guest)
        block.host.size += range.bytes;
    block.guest = std::move(guest);
    return block;
}

TEST(GuestPhysicalMap, FollowsTheHoleBelowFourGib) {
    const GuestPhysicalMap map({block(base, {{0, 3 * chunk}, {four_gib, chunk}})});
    EXPECT_EQ(map.host_address(0), base);
    EXPECT_EQ(map.host_address(3 * chunk - 1), base + 3 * chunk - 1);
    EXPECT_EQ(map.host_address(3 * chunk), std::nullopt);
    EXPECT_EQ(map.host_address(four_gib + 5), base + 3 * chunk + 5);
    EXPECT_EQ(map.guest_address(base + 3 * chunk), four_gib);
    EXPECT_EQ(map.guest_address(base + 4 * chunk), std::nullopt);
}

TEST(GuestPhysicalMap, LeavesOutBlocksWithoutAGuestPhysicalAddress) {
    RamBlock unknown;
    unknown.host = {base, chunk};
    const GuestPhysicalMap map({unknown});
    EXPECT_TRUE(map.empty());
    EXPECT_FALSE(map.complete());
}

TEST(GuestPhysicalMap, EndsWithTheHostMemoryOfABlock) {
    RamBlock too_short = block(base, {{0, chunk}});
    too_short.host.size = mib;
    EXPECT_EQ(GuestPhysicalMap({too_short}).host_address(mib), std::nullopt);
}

TEST(GuestPhysicalMap, ABucketOverlapsWhenAnyOfItsBytesIsRam) {
    const GuestPhysicalMap map({block(base, {{chunk + mib, mib}})});
    EXPECT_TRUE(map.complete());
    EXPECT_FALSE(map.overlaps(0, 21));
    EXPECT_TRUE(map.overlaps(chunk, 21)) << "its second half is RAM";
    EXPECT_FALSE(map.overlaps(2 * chunk, 21));
    EXPECT_TRUE(map.overlaps(0, 40));
}

}  // namespace
}  // namespace vnuma
