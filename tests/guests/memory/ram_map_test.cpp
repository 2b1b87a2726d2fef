#include "guests/memory/ram_map.hpp"

#include "tests/guests/golden.hpp"

namespace vnuma {
namespace {

constexpr std::uint64_t mib = 1 << 20;
constexpr std::uint64_t gib = 1 << 30;

Mapping mapping(std::uint64_t start_mib, std::uint64_t size_mib, bool writable = true) {
    return {start_mib * mib, (start_mib + size_mib) * mib, writable, false, ""};
}

Domain domain_of_cells(const std::vector<std::int64_t>& sizes_mib) {
    Domain domain;
    for (std::size_t i = 0; i < sizes_mib.size(); ++i)
        domain.cells.push_back({static_cast<int>(i),
                                {static_cast<int>(i)},
                                sizes_mib[i] * static_cast<std::int64_t>(mib)});
    return domain;
}

TEST(MapBySize, FindsTheBlockOfTheCellsSize) {
    const RamMap map = map_by_size(domain_of_cells({512}),
                                   {mapping(100, 16), mapping(1000, 512), mapping(1512, 1, false)});
    ASSERT_EQ(map.blocks.size(), 1U) << map.unknown;
    EXPECT_EQ(map.blocks[0].host, (RamRange{1000 * mib, 512 * mib}));
    EXPECT_TRUE(map.blocks[0].guest.empty()) << "the machine type is not known";
}

TEST(MapBySize, AnUnrelatedNeighbourIsNoPartOfTheBlock) {
    const RamMap map = map_by_size(domain_of_cells({512}), {mapping(990, 10), mapping(1000, 512)});
    ASSERT_EQ(map.blocks.size(), 1U);
    EXPECT_EQ(map.blocks[0].host.start, 1000 * mib);
}

TEST(MapBySize, AdjacentMappingsAreJoinedToABlock) {
    const RamMap map = map_by_size(domain_of_cells({512}),
                                   {mapping(990, 10), mapping(1000, 500), mapping(1500, 12)});
    ASSERT_EQ(map.blocks.size(), 1U) << map.unknown;
    EXPECT_EQ(map.blocks[0].host.size, 512 * mib);
}

TEST(MapBySize, BlocksOfOneSizeAreAmbiguous) {
    const std::vector<Mapping> two{mapping(1000, 256), mapping(2000, 256)};
    for (const RamMap& map : {map_by_size(domain_of_cells({256, 256}), two),
                              map_by_size(domain_of_cells({256}), two)}) {
        EXPECT_NE(map.unknown.find("ambiguous"), std::string::npos) << map.unknown;
        EXPECT_TRUE(map.blocks.empty());
    }
    EXPECT_NE(map_by_size(domain_of_cells({256}), {mapping(1000, 255)}).unknown, "");
}

TEST(MapBySize, AMemoryDeviceIsABlockOfItsCell) {
    Domain domain = domain_of_cells({512, 256});
    domain.memory_devices.push_back({"dimm0", "dimm", 0, 128 << 20, 128 << 20, 4 * gib});
    const RamMap map =
        map_by_size(domain, {mapping(1000, 512), mapping(2000, 256), mapping(3000, 128)});
    ASSERT_EQ(map.blocks.size(), 3U) << map.unknown;
    EXPECT_EQ(map.blocks[1].device, "dimm0");
    EXPECT_EQ(map.blocks[1].cell, 0);
    EXPECT_EQ(map.blocks[1].guest[0].start, 4 * gib);
    EXPECT_EQ(map.blocks[2].cell, 1);
    domain.memory_devices[0].bytes = 256 << 20;
    EXPECT_NE(
        map_by_size(domain, {mapping(1000, 512), mapping(2000, 256), mapping(3000, 256)}).unknown,
        "");
}

// Expected values are those of `info mtree -f` in QEMU 7.2 and 10.0; docs/decisions.md has the
// command.
TEST(PcLayout, IsThatOfTheMachineType) {
    const auto low_of = [](const std::string& machine, std::int64_t size_mib) {
        Domain domain = domain_of_cells({size_mib});
        domain.machine = machine;
        return pc_layout(domain).at(0);
    };
    EXPECT_EQ(low_of("pc-q35-7.2", 2815)[0].bytes, 2815 * mib);
    EXPECT_EQ(low_of("pc-q35-7.2", 2816)[0].bytes, 2 * gib);
    EXPECT_EQ(low_of("pc-q35-7.2", 2816)[1].start, 4 * gib);
    EXPECT_EQ(low_of("pc-q35-7.2", 2816)[1].bytes, 768 * mib);
    EXPECT_EQ(low_of("pc-i440fx-7.2", 3583)[0].bytes, 3583 * mib);
    EXPECT_EQ(low_of("pc-i440fx-7.2", 3584)[0].bytes, 3 * gib);
    EXPECT_EQ(low_of("pc-i440fx-7.2", 3584)[1].bytes, 512 * mib);
}

TEST(PcLayout, CellsFollowEachOtherAcrossThePciHole) {
    Domain domain = domain_of_cells({1024, 2048, 1024});
    domain.machine = "pc-q35-7.2";
    const auto layout = pc_layout(domain);
    ASSERT_EQ(layout[1].size(), 2U);
    EXPECT_EQ(layout[1][0].start, gib);
    EXPECT_EQ(layout[1][0].bytes, gib);
    EXPECT_EQ(layout[1][1].start, 4 * gib);
    ASSERT_EQ(layout[2].size(), 1U);
    EXPECT_EQ(layout[2][0].start, 5 * gib);
}

TEST(PcLayout, IsEmptyForOtherMachinesAndForLargeGuests) {
    Domain domain = domain_of_cells({1024});
    domain.machine = "microvm";
    EXPECT_TRUE(pc_layout(domain).empty());
    domain = domain_of_cells({600 * 1024});
    domain.machine = "pc-q35-7.2";
    EXPECT_TRUE(pc_layout(domain).empty());
}

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

TEST(MapByView, IsUnknownIfTheMonitorContradictsTheMappings) {
    const Domain domain = domain_of_cells({256});
    RamView view = view_of({{"m0", 256}});
    EXPECT_NE(map_by_view(domain, view, {mapping(1000, 256)}).unknown, "") << "no backend";
    view.backends["m0"] = {1000 * mib, 256 * mib, std::nullopt};
    EXPECT_NE(map_by_view(domain, view, {mapping(1000, 255)}).unknown, "") << "not mapped";
    EXPECT_NE(map_by_view(domain, view, {mapping(1000, 256, false)}).unknown, "") << "read-only";
    view.backends["m0"].bytes = 128 * mib;
    EXPECT_NE(map_by_view(domain, view, {mapping(1000, 256)}).unknown, "") << "another size";
    view.backends["m0"].bytes = std::uint64_t{1} << 63;
    EXPECT_NE(map_by_view(domain, view, {mapping(1000, 256)}).unknown, "");
}

// The following tests use /proc/PID/maps of recorded guests.
TEST(MapBySize, ARecordedGuestWithEqualCellsIsAmbiguous) {
    const auto mappings = parse_maps(test::read_golden("lab/vnuma/process/maps"));
    const RamMap map = map_by_size(test::golden_domain("vnuma"), mappings);
    EXPECT_EQ(map.unknown, "the memory of cell 0 is ambiguous: several blocks have its size");
}

TEST(MapBySize, FindsTheMemoryOfRecordedGuests) {
    for (const char* shape : {"hugetlb", "memfd", "helpers", "wishes"}) {
        const auto mappings =
            parse_maps(test::read_golden(std::string("lab/") + shape + "/process/maps"));
        const RamMap map = map_by_size(test::golden_domain(shape), mappings);
        ASSERT_EQ(map.blocks.size(), 1U) << shape << ": " << map.unknown;
        EXPECT_EQ(map.blocks[0].shared, std::string(shape) == "memfd");
        EXPECT_EQ(map.blocks[0].hugetlb, std::string(shape) == "hugetlb");
        ASSERT_EQ(map.blocks[0].guest.size(), 1U);
        EXPECT_EQ(map.blocks[0].guest[0].start, 0U);
    }
}

}  // namespace
}  // namespace vnuma
