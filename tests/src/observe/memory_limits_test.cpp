#include "src/observe/memory_limits.hpp"

#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

#include "tests/temporary.hpp"

namespace vnuma {
namespace {

const std::string golden_zoneinfo = std::string(VNUMA_GOLDEN) + "/lab/zoneinfo";

TEST(HighWatermark, IsTheSumOverTheZonesOfTheNode) {
    EXPECT_EQ(read_high_watermark(0, golden_zoneinfo), (96 + 12482 + 32) * 4096);
    EXPECT_NE(read_high_watermark(1, golden_zoneinfo), read_high_watermark(0, golden_zoneinfo));
    EXPECT_THROW(read_high_watermark(2, golden_zoneinfo), HostError);
    EXPECT_THROW(read_high_watermark(0, "/nonexistent"), HostError);
}

TEST(HighWatermark, TellsNodesAndFieldsApart) {
    const std::string text =
        "Node 1, zone   Normal\n        high     10\n"
        "              high:     99\n              high_min: 98\n"
        "Node 11, zone   Normal\n        high     20\n";
    EXPECT_EQ(parse_high_watermark(text, 1), 10 * 4096);
    EXPECT_EQ(parse_high_watermark(text, 11), 20 * 4096);
    EXPECT_EQ(parse_high_watermark(text, 0), std::nullopt);
}

TEST(HighWatermark, NothingIsMadeOfNonsense) {
    EXPECT_EQ(parse_high_watermark("", 0), std::nullopt);
    EXPECT_EQ(parse_high_watermark("high 5\n", 0), std::nullopt) << "of no node";
    for (const char* value : {"-5", "x", "5x", "99999999999999999999", "9223372036854775807"})
        EXPECT_EQ(parse_high_watermark(std::string("Node 0, zone DMA\n high ") + value, 0),
                  std::nullopt)
            << value;
}

TEST(Swapping, SwappedOutPagesAreCountedSinceBoot) {
    EXPECT_EQ(parse_swapped_out("pswpin 5\npswpout 77\npgalloc_dma 3\n"), 77U);
    EXPECT_EQ(parse_swapped_out("pswpoutx 77\n"), std::nullopt);
    EXPECT_EQ(parse_swapped_out("pswpout many\n"), std::nullopt);
    EXPECT_EQ(parse_swapped_out(""), std::nullopt);
}

TEST(Pressure, AKernelThatDoesNotTellIsNotUnderPressure) {
    const test::TemporaryDirectory proc;
    proc.write("vmstat", "pswpout 3\n");
    const HostPressure pressure = read_host_pressure(proc.path());
    EXPECT_EQ(pressure.waiting, std::nullopt);
    EXPECT_EQ(pressure.swapped_out, 3U);
}

TEST(UnreservedHugePages, AreThoseThatNobodyOnTheHostWasPromised) {
    const test::TemporaryDirectory files;
    const auto write = [&](const char* free, const char* reserved) {
        files.write("sys/node/node4/hugepages/hugepages-2048kB/free_hugepages", free);
        files.write("pools/hugepages-2048kB/resv_hugepages", reserved);
    };
    const auto read = [&] {
        return read_unreserved_huge(4, 2 * mib, files.path("sys"), files.path("pools"));
    };
    write("10\n", "3\n");
    EXPECT_EQ(read(), 14 * mib);
    write("10\n", "12\n");
    EXPECT_EQ(read(), 0);
    write("many\n", "0\n");
    EXPECT_THROW(read(), HostError);
    write("1\n", "-1\n");
    EXPECT_THROW(read(), HostError);
    EXPECT_THROW(read_unreserved_huge(5, 2 * mib, files.path("sys"), files.path("pools")),
                 HostError);
}

}  // namespace
}  // namespace vnuma
