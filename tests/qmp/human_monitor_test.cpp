#include "qmp/human_monitor.hpp"

#include <gtest/gtest.h>

#include "golden.hpp"

namespace vnuma::qmp {
namespace {

constexpr std::uint64_t mib = 1024 * 1024;

TEST(HumanMonitor, Gpa2hvaSendsTheAddressInHexadecimal) {
    EXPECT_EQ(gpa2hva(0x1000000).name, "human-monitor-command");
    EXPECT_EQ(gpa2hva(0x1000000).arguments["command-line"], "gpa2hva 0x1000000");
    EXPECT_EQ(gpa2hva(UINT64_MAX).arguments["command-line"], "gpa2hva 0xffffffffffffffff");
}

TEST(HumanMonitor, RamHasAHostAddress) {
    for (const char* version : golden_versions) {
        const auto ram = gpa2hva(0).parse(golden(version, "q35", "gpa2hva-ram"));
        ASSERT_TRUE(ram);
        EXPECT_EQ(ram->region, "m0");
        // The address was 16 MiB, and QEMU aligns the backend to 2 MiB.
        EXPECT_EQ(ram->address % (2 * mib), 0U);
        EXPECT_GT(ram->address, 4096 * mib);
        EXPECT_EQ(gpa2hva(0).parse(golden(version, "q35", "gpa2hva-rom"))->region, "pc.bios");
    }
    EXPECT_EQ(parse_gpa2hva("Host virtual address for 0x10 (a) is 0xb) is 0xff\r\n")->region,
              "a) is 0xb");
    EXPECT_EQ(parse_gpa2hva("Host virtual address for 0x10 (a) is 0xb) is 0xff\r\n")->address,
              0xffU);
}

TEST(HumanMonitor, ARefusalIsNoAddress) {
    for (const char* version : golden_versions)
        for (const char* id : {"gpa2hva-io", "gpa2hva-nothing", "gpa2hva-syntax"})
            EXPECT_FALSE(gpa2hva(0).parse(golden(version, "q35", id))) << id;
    for (const char* text :
         {"", "\r\n", "Host virtual address for 0x", "Host virtual address for 0x10 (m0) is 0x",
          "Host virtual address for 0x10 (m0) is 0x11111111111111111",
          "Host virtual address for 0x10 (m0) is 0x1 ",
          "Host virtual address for 0x10 (m0) is 0x1\r\nmore", "Host virtual address for 0x10 (m0"})
        EXPECT_FALSE(parse_gpa2hva(text)) << text;
    EXPECT_FALSE(gpa2hva(0).parse(5));
}

TEST(HumanMonitor, TheFlatViewIsTheGuestsMemoryMap) {
    for (const char* version : golden_versions) {
        const auto ranges = info_mtree_flat().parse(golden(version, "q35", "info-mtree-flat"));
        ASSERT_TRUE(ranges);
        ASSERT_EQ(ranges->size(), 11U);
        const auto& bios = (*ranges)[2];
        EXPECT_EQ(bios.start, 0xe0000U);
        EXPECT_EQ(bios.size, 0x20000U);
        EXPECT_EQ(bios.type, "rom");
        EXPECT_EQ(bios.region, "pc.bios");
        EXPECT_EQ(bios.offset, 0x20000U);
        EXPECT_EQ((*ranges)[7].type, "i/o");
        std::map<std::string, std::uint64_t> ram;
        for (const GuestRange& range : *ranges)
            if (range.type == "ram") ram[range.region] += range.size;
        EXPECT_EQ(ram, (std::map<std::string, std::uint64_t>{
                           {"m0", 64 * mib - 0x40000},  // 0xc0000 to 0xfffff is ROM
                           {"m1", 64 * mib},
                           {"hot0", 128 * mib},
                           {"hot1", 256 * mib}}));
        EXPECT_EQ(ranges->back().start, 4224 * mib);
        EXPECT_EQ(ranges->back().offset, 0U);
    }
}

TEST(HumanMonitor, RangesThatKvmMapsAreReadLikeOthers) {
    for (const char* version : golden_versions) {
        const auto ranges = info_mtree_flat().parse(golden(version, "kvm", "info-mtree-flat"));
        ASSERT_TRUE(ranges);
        ASSERT_EQ(ranges->size(), 8U);
        EXPECT_EQ((*ranges)[0].region, "pc.ram");
        EXPECT_EQ((*ranges)[3].region, "pc.ram");
        EXPECT_EQ((*ranges)[3].offset, mib);
    }
}

TEST(HumanMonitor, AMachineWithoutMemoryHasAnEmptyMap) {
    for (const char* version : golden_versions)
        EXPECT_EQ(info_mtree_flat().parse(golden(version, "none", "info-mtree-flat"))->size(), 0U);
}

std::string view(const std::string& lines) {
    return "FlatView #0\r\n AS \"memory\", root: system\r\n Root memory region: system\r\n" + lines;
}

TEST(HumanMonitor, AMapMayEndAtTheEndOfTheAddressSpace) {
    const auto all =
        parse_mtree_flat(view("  0000000000000000-ffffffffffffffff (prio -1, i/o): x y @z\r\n"));
    ASSERT_TRUE(all);
    EXPECT_EQ(all->at(0).size, UINT64_MAX);
    EXPECT_EQ(all->at(0).region, "x y @z");
    const auto end =
        parse_mtree_flat(view("  ffffffffffffffff-ffffffffffffffff (prio 0, nv-ram): n\n"));
    ASSERT_TRUE(end);
    EXPECT_EQ(end->at(0).size, 1U);
    EXPECT_EQ(end->at(0).type, "nv-ram");
}

TEST(HumanMonitor, TextThatIsNoMapIsRefused) {
    const std::string good = "  0000000000001000-0000000000001fff (prio 0, ram): m\r\n";
    EXPECT_TRUE(parse_mtree_flat(view(good)));
    EXPECT_FALSE(parse_mtree_flat(""));
    EXPECT_FALSE(parse_mtree_flat("unknown command: 'info mtree'\r\n"));
    EXPECT_FALSE(parse_mtree_flat("FlatView #0\r\n AS \"I/O\", root: io\r\n"));
    EXPECT_FALSE(parse_mtree_flat(view(good + good)));
    for (const char* line : {"  garbage", "  1000-1fff (prio 0, ram): m",
                             "  0000000000002000-0000000000001fff (prio 0, ram): m",
                             "  0000000000001000-0000000000001fff (prio x, ram): m",
                             "  0000000000001000-0000000000001fff (prio 0, ram"})
        EXPECT_FALSE(parse_mtree_flat(view(line))) << line;
}

TEST(HumanMonitor, NodesHaveCpusAndMemory) {
    for (const char* version : golden_versions) {
        EXPECT_EQ(info_numa().parse(golden(version, "pc", "info-numa"))->size(), 0U);
        const auto nodes = info_numa().parse(golden(version, "q35", "info-numa"));
        ASSERT_TRUE(nodes);
        ASSERT_EQ(nodes->size(), 2U);
        EXPECT_EQ((*nodes)[0].cpus, (std::vector<int>{0, 1}));
        EXPECT_EQ((*nodes)[0].bytes, 64 * mib);
        EXPECT_EQ((*nodes)[0].plugged_bytes, 0U);
        EXPECT_EQ((*nodes)[1].id, 1);
        EXPECT_EQ((*nodes)[1].cpus, (std::vector<int>{2, 3}));
        EXPECT_EQ((*nodes)[1].bytes, 192 * mib);
        EXPECT_EQ((*nodes)[1].plugged_bytes, 128 * mib);
    }
}

TEST(HumanMonitor, ANodeMayHaveNoCpus) {
    const auto nodes =
        parse_numa("1 nodes\r\nnode 0 cpus:\r\nnode 0 size: 1 MB\r\nnode 0 plugged: 0 MB\r\n");
    ASSERT_TRUE(nodes);
    EXPECT_TRUE(nodes->at(0).cpus.empty());
}

TEST(HumanMonitor, TextThatIsNoNodeListIsRefused) {
    for (const char* text :
         {"", "nodes", "-1 nodes\r\n", "1 nodes\r\n", "99999999999 nodes\r\n", "0 nodes\r\nmore",
          "1 nodes\r\nnode 0 cpus: x\r\nnode 0 size: 1 MB\r\nnode 0 plugged: 0 MB\r\n",
          "1 nodes\r\nnode 0 cpus: 0\r\nnode 1 size: 1 MB\r\nnode 0 plugged: 0 MB\r\n",
          "1 nodes\r\nnode 0 cpus: 0\r\nnode 0 size: 18446744073709551615 MB\r\nnode 0 plugged: 0 "
          "MB\r\n"})
        EXPECT_FALSE(parse_numa(text)) << text;
}

}  // namespace
}  // namespace vnuma::qmp
