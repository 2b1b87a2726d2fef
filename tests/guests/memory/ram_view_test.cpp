// RAM maps from what QEMU's monitor lists.
#include "guests/memory/ram_map.hpp"

#include <gtest/gtest.h>

#include "tests/guests/memory/ram_maps.hpp"

namespace vnuma {
namespace {

using test::domain_of_cells;
using test::gib;
using test::mapping;
using test::mib;

RamView view_of(const std::vector<std::pair<std::string, std::uint64_t>>& regions_mib) {
    RamView view;
    std::uint64_t start = 0;
    for (const auto& [region, size] : regions_mib) {
        view.pieces.push_back({start, size * mib / 2, 0, region});
        view.pieces.push_back({start + size * mib / 2, size * mib / 2, size * mib / 2, region});
        start += size * mib;
    }
    view.pieces.push_back({3 * gib, 16 * mib, 0, "vga.vram"});
    return view;
}

TEST(MapByView, CellsOfEqualSizeAreFoundByTheirGuestPhysicalAddresses) {
    RamView view = view_of({{"m1", 256}, {"m0", 256}});
    view.backends["m1"] = {5000 * mib, 256 * mib, std::nullopt};
    view.backends["m0"] = {1000 * mib, 256 * mib, NumaTune{"strict", {1}}};
    const std::vector<Mapping> mappings{mapping(1000, 256), mapping(5000, 256)};
    const RamMap map = map_by_view(domain_of_cells({256, 256}), view, mappings);
    ASSERT_EQ(map.blocks.size(), 2U) << map.unknown;
    EXPECT_EQ(map.blocks[0].id, "m1");
    EXPECT_EQ(map.blocks[0].host.start, 5000 * mib);
    ASSERT_EQ(map.blocks[0].guest.size(), 1U) << "adjacent pieces are joined";
    EXPECT_EQ(map.blocks[0].guest[0].bytes, 256 * mib);
    EXPECT_EQ(map.blocks[1].guest[0].start, 256 * mib);
    EXPECT_EQ(map.blocks[1].numatune, (NumaTune{"strict", {1}}));
    EXPECT_EQ(std::string(map.source), "monitor");
}

TEST(MapByView, MemoryDevicesAreFoundByTheirIds) {
    Domain domain = domain_of_cells({256, 256});
    domain.memory_devices = {{"dimm0", "dimm", 1, 128 << 20, 128 << 20, std::nullopt},
                             {"vm0", "virtio-mem", 0, 128 << 20, 128 << 20, std::nullopt}};
    RamView view = view_of({{"memdimm0", 128}, {"a", 256}, {"b", 256}, {"memvm0", 128}});
    std::uint64_t at = 1000;
    for (const auto& [region, size] : std::map<std::string, std::uint64_t>{
             {"a", 256}, {"b", 256}, {"memdimm0", 128}, {"memvm0", 128}}) {
        view.backends[region] = {at * mib, size * mib, std::nullopt};
        at += 1000;
    }
    view.devices = {{"dimm0", "memdimm0"}, {"vm0", "memvm0"}};
    const RamMap map = map_by_view(
        domain, view,
        {mapping(1000, 256), mapping(2000, 256), mapping(3000, 128), mapping(4000, 128)});
    ASSERT_EQ(map.blocks.size(), 4U) << map.unknown;
    EXPECT_EQ(map.blocks[0].id, "a");
    EXPECT_EQ(map.blocks[1].id, "memvm0");
    EXPECT_EQ(map.blocks[1].cell, 0);
    EXPECT_EQ(map.blocks[2].id, "b");
    EXPECT_EQ(map.blocks[3].device, "dimm0");
}

TEST(MapByView, SaysWhereTheMonitorContradictsTheMappings) {
    const Domain domain = domain_of_cells({256});
    RamView view = view_of({{"m0", 256}});
    const auto problem = [&](const Mapping& mapped) {
        const RamMap map = map_by_view(domain, view, {mapped});
        EXPECT_TRUE(map.blocks.empty());
        return map.problems.at(0);
    };
    EXPECT_EQ(problem(mapping(1000, 256)),
              "the memory of cell 0 is not among the memory backends that its monitor lists");
    view.backends["m0"] = {1000 * mib, 256 * mib, std::nullopt};
    const std::string not_mapped =
        "the memory of cell 0 is not mapped at the address that its monitor lists";
    EXPECT_EQ(problem(mapping(1000, 255)), not_mapped);
    EXPECT_EQ(problem(mapping(1000, 256, false)), not_mapped) << "read-only";
    view.backends["m0"].bytes = 128 * mib;
    EXPECT_EQ(problem(mapping(1000, 256)),
              "the memory of cell 0 has 268435456 bytes, but its monitor lists 134217728 bytes");
    view.backends["m0"].bytes = std::uint64_t{1} << 63;
    EXPECT_NE(problem(mapping(1000, 256)), "");
}

// ivshmem's memory is in the PCI hole.
TEST(MapByView, BackendsOfOtherDevicesAreNoRam) {
    RamView view = view_of({{"m0", 256}});
    view.pieces.push_back({3 * gib + 64 * mib, 256 * mib, 0, "shm0"});
    view.pieces.push_back({4 * gib, 256 * mib, 0, "m1"});
    view.backends["m0"] = {1000 * mib, 256 * mib, std::nullopt};
    view.backends["m1"] = {2000 * mib, 256 * mib, std::nullopt};
    view.backends["shm0"] = {3000 * mib, 256 * mib, std::nullopt};
    view.backends["left over"] = {4000 * mib, 256 * mib, std::nullopt};  // it is nowhere
    const RamMap map = map_by_view(domain_of_cells({256, 256}), view,
                                   {mapping(1000, 256), mapping(2000, 256), mapping(3000, 256)});
    ASSERT_EQ(map.blocks.size(), 2U) << map.unknown;
    EXPECT_EQ(map.blocks[0].id, "m0");
    EXPECT_EQ(map.blocks[1].id, "m1");
    EXPECT_TRUE(map.complete);
}

TEST(MapByView, ARegionOfAnotherSizeIsPassedOver) {
    RamView view = view_of({{"shm0", 64}, {"m0", 256}});
    view.backends["shm0"] = {3000 * mib, 64 * mib, std::nullopt};
    view.backends["m0"] = {1000 * mib, 256 * mib, std::nullopt};
    const RamMap map =
        map_by_view(domain_of_cells({256}), view, {mapping(1000, 256), mapping(3000, 64)});
    ASSERT_EQ(map.blocks.size(), 1U) << map.unknown;
    EXPECT_EQ(map.blocks[0].id, "m0");
}

TEST(MapByView, ACellOfUnknownSizeHasTheFirstRegion) {
    RamView view = view_of({{"m0", 256}});
    view.backends["m0"] = {1000 * mib, 256 * mib, std::nullopt};
    Domain domain = domain_of_cells({0});
    domain.cells[0].size_known = false;
    EXPECT_EQ(map_by_view(domain, view, {mapping(1000, 256)}).blocks.at(0).id, "m0");
}

}  // namespace
}  // namespace vnuma
