#include "guests/memory/ram_map.hpp"

#include "tests/guests/golden.hpp"
#include "tests/guests/memory/ram_maps.hpp"

namespace vnuma {
namespace {

using test::domain_of_cells;
using test::gib;
using test::mapping;
using test::mib;

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
    const std::vector<Mapping> two{mapping(1000, 256), mapping(2000, 256), mapping(3000, 128)};
    for (const std::size_t cells : {1, 2}) {
        const RamMap map = map_by_size(domain_of_cells(std::vector<std::int64_t>(cells, 256)), two);
        EXPECT_EQ(map.unknown, "");
        ASSERT_EQ(map.problems.size(), cells);
        EXPECT_EQ(map.problems[0],
                  "the memory of cell 0 is ambiguous: several blocks have its size");
        EXPECT_TRUE(map.blocks.empty());
        EXPECT_FALSE(map.complete);
        EXPECT_EQ(map.lost.bytes.size(), cells);
        EXPECT_EQ(map.lost.candidates,
                  (std::vector<RamRange>{{1000 * mib, 256 * mib}, {2000 * mib, 256 * mib}}));
    }
}

TEST(MapBySize, OtherBlocksAreFoundBesideAmbiguousOnes) {
    const RamMap map = map_by_size(domain_of_cells({512, 256, 256}),
                                   {mapping(1000, 256), mapping(2000, 256), mapping(3000, 512)});
    ASSERT_EQ(map.blocks.size(), 1U);
    EXPECT_EQ(map.blocks[0].cell, 0);
    EXPECT_EQ(map.lost.bytes,
              (std::map<int, std::int64_t>{{1, 256 * 1048576}, {2, 256 * 1048576}}));
}

TEST(MapBySize, MemoryThatNoMappingHasTheSizeOfIsInTheLargeOnes) {
    const RamMap map = map_by_size(
        domain_of_cells({256}),
        {mapping(10, 8), mapping(1000, 200), mapping(2000, 55), mapping(3000, 256, false)});
    EXPECT_EQ(map.unknown, "");
    EXPECT_EQ(map.problems, std::vector<std::string>{
                                "the memory of cell 0 was not found: no mapping has its size"});
    EXPECT_EQ(map.lost.candidates,
              (std::vector<RamRange>{{1000 * mib, 200 * mib}, {2000 * mib, 55 * mib}}));
}

TEST(MapBySize, IsUnknownIfNoMappingCanHoldTheMemory) {
    const RamMap map = map_by_size(domain_of_cells({256}), {mapping(10, 8)});
    EXPECT_EQ(map.unknown, "the memory of cell 0 was not found: no mapping has its size");
    EXPECT_TRUE(map.blocks.empty());
}

TEST(MapBySize, ACellOfUnknownSizeHasTheLargeMappings) {
    Domain domain = domain_of_cells({0});
    domain.cells[0].size_known = false;
    const RamMap map = map_by_size(domain, {mapping(1000, 300)});
    EXPECT_EQ(map.unknown, "");
    EXPECT_EQ(map.lost.bytes, (std::map<int, std::int64_t>{{0, 0}}));
    EXPECT_EQ(map.lost.candidates.size(), 1U);
}

TEST(MapBySize, CellsWithoutMemoryHaveNoBlocks) {
    const RamMap map = map_by_size(domain_of_cells({512, 0, 0}), {mapping(1000, 512)});
    EXPECT_EQ(map.blocks.size(), 1U);
    EXPECT_TRUE(map.complete);
}

TEST(MapBySize, EqualBlocksOfOneCellAreFoundWithoutTheirGuestPhysicalAddresses) {
    Domain domain = domain_of_cells({512});
    for (const char* id : {"dimm0", "dimm1"})
        domain.memory_devices.push_back({id, "dimm", 0, 128 << 20, 128 << 20, 4 * gib});
    const RamMap map =
        map_by_size(domain, {mapping(1000, 512), mapping(2000, 128), mapping(3000, 128)});
    ASSERT_EQ(map.blocks.size(), 3U) << map.unknown;
    EXPECT_EQ(map.blocks[1].host.start, 2000 * mib);
    EXPECT_EQ(map.blocks[2].host.start, 3000 * mib);
    EXPECT_TRUE(map.blocks[1].guest.empty());
    EXPECT_TRUE(map.problems.empty());
    EXPECT_FALSE(map.complete) << "the monitor can tell which is which";
}

TEST(MapBySize, AMemoryDeviceThatIsNotFoundCostsNothingElse) {
    Domain domain = domain_of_cells({512});
    domain.memory_devices.push_back({"dimm0", "dimm", 0, 128 << 20, 128 << 20, 4 * gib});
    const RamMap map = map_by_size(domain, {mapping(1000, 512)});
    EXPECT_EQ(map.unknown, "");
    EXPECT_EQ(map.blocks.size(), 1U);
    EXPECT_EQ(map.problems, std::vector<std::string>{
                                "memory device dimm0 was not found: no mapping has its size"});
    EXPECT_TRUE(map.lost.bytes.empty());
}

TEST(MapBySize, PersistentMemoryHasNoBlock) {
    Domain domain = domain_of_cells({512});
    domain.memory_devices.push_back({"nvdimm0", "nvdimm", 0, 64 * static_cast<std::int64_t>(gib),
                                     64 * static_cast<std::int64_t>(gib), std::nullopt});
    const RamMap map = map_by_size(domain, {mapping(1000, 512)});
    EXPECT_EQ(map.blocks.size(), 1U) << map.unknown;
    EXPECT_TRUE(map.complete);
}

// A GPU's memory may have the size of the guest's, and so may an NVDIMM's file.
TEST(MapBySize, MappingsOfOtherThingsAreNoBlocks) {
    Domain domain = domain_of_cells({512});
    domain.memory_devices.push_back({"nvdimm0", "nvdimm", 0, 512 << 20, 512 << 20, std::nullopt});
    domain.memory_devices[0].path = "/srv/nvdimm";
    std::vector<Mapping> mappings{mapping(1000, 512)};
    std::uint64_t at = 2000;
    for (const char* path :
         {"anon_inode:[vfio-device]", "/dev/vfio/12", "/dev/sgx_vepc", "/srv/nvdimm", "[heap]"}) {
        mappings.push_back(mapping(at += 1000, 512));
        mappings.back().path = path;
    }
    const RamMap map = map_by_size(domain, mappings);
    ASSERT_EQ(map.blocks.size(), 1U) << map.unknown;
    EXPECT_EQ(map.blocks[0].host.start, 1000 * mib);
    EXPECT_TRUE(map.complete);
}

TEST(MapBySize, MemoryMappedFromADeviceIsNoDram) {
    Mapping dax = mapping(1000, 512);
    dax.shared = true;
    dax.path = "/dev/dax0.0";
    const RamMap map = map_by_size(domain_of_cells({512, 256}), {dax, mapping(2000, 256)});
    ASSERT_EQ(map.blocks.size(), 1U) << map.unknown;
    EXPECT_EQ(map.blocks[0].cell, 1);
    EXPECT_EQ(map.no_dram, (std::map<int, std::int64_t>{{0, 512 << 20}}));
    EXPECT_TRUE(map.problems.empty());
}

TEST(MapBySize, ABlockHasThePagesOfItsCellAndTheWishOfItsDevice) {
    Domain domain = domain_of_cells({512, 256});
    domain.cells[1].huge_page_bytes = 2 << 20;
    domain.memory_devices.push_back(
        {"dimm0", "dimm", 0, 128 << 20, 128 << 20, 4 * gib, 1 << 30, NumaTune{"strict", {1}}});
    const RamMap map =
        map_by_size(domain, {mapping(1000, 512), mapping(2000, 256), mapping(3000, 128)});
    ASSERT_EQ(map.blocks.size(), 3U) << map.unknown;
    EXPECT_FALSE(map.blocks[0].hugetlb);
    EXPECT_FALSE(map.blocks[0].numatune);
    EXPECT_EQ(map.blocks[1].page_bytes, 1 << 30);
    EXPECT_EQ(map.blocks[1].numatune, (NumaTune{"strict", {1}}));
    EXPECT_TRUE(map.blocks[2].hugetlb);
    EXPECT_EQ(map.blocks[2].page_bytes, 2 << 20);
}

TEST(MapBySize, ASharedBlockHasItsFile) {
    Mapping shared = mapping(1000, 512);
    shared.file = {1, 77};
    EXPECT_EQ(map_by_size(domain_of_cells({512}), {shared}).blocks.at(0).file, MappedFile());
    shared.shared = true;
    EXPECT_EQ(map_by_size(domain_of_cells({512}), {shared}).blocks.at(0).file, (MappedFile{1, 77}));
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
    EXPECT_EQ(map_by_size(domain, {mapping(1000, 512), mapping(2000, 256), mapping(3000, 256)})
                  .problems.size(),
              2U);
}

Domain domain_of_case(const std::string& name) {
    std::string error;
    const auto domain = parse_domain(test::read_golden("cases/" + name + ".xml"), error);
    EXPECT_TRUE(domain) << error;
    return domain.value_or(Domain{});
}

TEST(MapBySize, FindsTheMemoryOfCasesFromRealLife) {
    const std::uint64_t mib_per_gib = 1024;
    RamMap map = map_by_size(domain_of_case("dimm-nodemask"),
                             {mapping(100000, 8 * mib_per_gib), mapping(200000, 4 * mib_per_gib)});
    ASSERT_EQ(map.blocks.size(), 2U) << map.unknown;
    EXPECT_FALSE(map.blocks[0].numatune);
    EXPECT_EQ(map.blocks[1].numatune, (NumaTune{"strict", {1}}));

    Mapping dax = mapping(1000000, 256 * mib_per_gib);
    dax.path = "/dev/dax0.0";
    map = map_by_size(domain_of_case("nvdimm"), {mapping(100000, 32 * mib_per_gib), dax});
    ASSERT_EQ(map.blocks.size(), 1U) << map.unknown;
    EXPECT_EQ(map.blocks[0].host.size, 32 * gib);
    EXPECT_TRUE(map.complete);

    map = map_by_size(domain_of_case("huge-pages-of-one-cell"),
                      {mapping(1000000, 512 * mib_per_gib), mapping(100000, 8 * mib_per_gib)});
    ASSERT_EQ(map.blocks.size(), 2U) << map.unknown;
    EXPECT_FALSE(map.blocks[0].hugetlb);
    EXPECT_EQ(map.blocks[0].page_bytes, 4096);
    EXPECT_TRUE(map.blocks[1].hugetlb);
    EXPECT_EQ(map.blocks[1].page_bytes, 2 << 20);
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

TEST(PcLayout, ACellWithoutMemoryIsNowhere) {
    Domain domain = domain_of_cells({1024, 0, 1024});
    domain.machine = "pc-q35-7.2";
    const auto layout = pc_layout(domain);
    EXPECT_TRUE(layout.at(1).empty());
    EXPECT_EQ(layout.at(2).at(0).start, gib);
    domain.cells[1].size_known = false;
    EXPECT_TRUE(pc_layout(domain).empty());
}

TEST(PcLayout, IsEmptyForOtherMachinesAndForLargeGuests) {
    Domain domain = domain_of_cells({1024});
    domain.machine = "microvm";
    EXPECT_TRUE(pc_layout(domain).empty());
    domain = domain_of_cells({600 * 1024});
    domain.machine = "pc-q35-7.2";
    EXPECT_TRUE(pc_layout(domain).empty());
}

// The following tests use /proc/PID/maps of recorded guests.
TEST(MapBySize, ARecordedGuestWithEqualCellsIsAmbiguous) {
    const auto mappings = parse_maps(test::read_golden("lab/vnuma/process/maps"));
    const RamMap map = map_by_size(test::golden_domain("vnuma"), mappings);
    EXPECT_EQ(map.problems.at(0),
              "the memory of cell 0 is ambiguous: several blocks have its size");
    EXPECT_EQ(map.lost.candidates.size(), 2U);
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
