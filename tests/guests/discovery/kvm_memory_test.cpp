#include "guests/discovery/kvm_memory.hpp"

#include <gtest/gtest.h>

#include "guests/memory/ram_map.hpp"
#include "tests/guests/memory/ram_maps.hpp"

namespace vnuma {
namespace {

using test::domain_of_cells;
using test::gib;
using test::mapping;
using test::mib;

KvmMemorySlot slot(std::uint64_t guest, std::uint64_t bytes, std::uint64_t address) {
    return {guest, bytes, address};
}

TEST(MappingsWithSlots, AreThoseThatKvmHas) {
    const std::vector<Mapping> mappings{mapping(1000, 512), mapping(2000, 4096),
                                        mapping(8000, 512)};
    const auto named = mappings_with_slots(
        mappings, {slot(0, 512 * mib, 1000 * mib), slot(4 * gib, mib, 8100 * mib)});
    ASSERT_EQ(named.size(), 2U);
    EXPECT_EQ(named[0].start, 1000 * mib);
    EXPECT_EQ(named[1].start, 8000 * mib);
    EXPECT_TRUE(mappings_with_slots(mappings, {}).empty());
}

// QEMU's RAM of a PC: with a hole below 1 MiB, and divided at 2 GiB. The other slots are firmware.
TEST(ViewOfSlots, IsOneRegionForTheRamOfAPc) {
    const std::vector<Mapping> mappings{mapping(1000, 2), mapping(10'000, 3072)};
    const std::uint64_t ram = 10'000 * mib;
    const RamView view =
        view_of_slots({slot(0, 0xa0000, ram), slot(0xc0000, 0x40000, 1000 * mib),
                       slot(mib, 2047 * mib, ram + mib), slot(4 * gib, gib, ram + 2 * gib)},
                      mappings, domain_of_cells({3072}));
    const RamMap map = map_by_view(domain_of_cells({3072}), view, mappings);
    ASSERT_EQ(map.blocks.size(), 1U) << map.unknown;
    EXPECT_EQ(map.blocks[0].host, (RamRange{ram, 3 * gib}));
    ASSERT_EQ(map.blocks[0].guest.size(), 2U);
    EXPECT_EQ(map.blocks[0].guest[0].start, 0U);
    EXPECT_EQ(map.blocks[0].guest[0].bytes, 2 * gib);
    EXPECT_EQ(map.blocks[0].guest[1].start, 4 * gib);
    EXPECT_EQ(map.blocks[0].guest[1].bytes, gib);
}

TEST(ViewOfSlots, TellsWhichCellAndWhichDimmIsWhere) {
    Domain domain = domain_of_cells({512, 512});
    domain.memory_devices = {{"dimm0", "dimm", 1, 512 << 20, 512 << 20, std::nullopt},
                             {"pmem", "nvdimm", 0, 512 << 20, 512 << 20, std::nullopt},
                             {"dimm1", "dimm", 0, 512 << 20, 512 << 20, std::nullopt}};
    const std::vector<Mapping> mappings{mapping(1000, 512), mapping(2000, 512), mapping(3000, 512),
                                        mapping(4000, 512)};
    const RamView view =
        view_of_slots({slot(0, 512 * mib, 3000 * mib), slot(512 * mib, 512 * mib, 1000 * mib),
                       slot(4 * gib, 512 * mib, 4000 * mib), slot(5 * gib, 512 * mib, 2000 * mib)},
                      mappings, domain);
    const RamMap map = map_by_view(domain, view, mappings);
    ASSERT_EQ(map.blocks.size(), 4U) << map.unknown;
    std::map<std::string, std::uint64_t> where;
    for (const RamBlock& block : map.blocks)
        where[std::to_string(block.cell) + block.device] = block.host.start / mib;
    EXPECT_EQ(where, (std::map<std::string, std::uint64_t>{
                         {"0", 3000}, {"1", 1000}, {"1dimm0", 4000}, {"0dimm1", 2000}}));
}

TEST(ViewOfSlots, LeavesOutWhatIsNotClear) {
    const std::vector<Mapping> mappings{mapping(1000, 512), mapping(2000, 512)};
    const RamView view =
        view_of_slots({slot(0, 256 * mib, 1000 * mib), slot(256 * mib, 128 * mib, 1384 * mib),
                       slot(4 * gib, 256 * mib, 2256 * mib)},
                      mappings, domain_of_cells({512}));
    EXPECT_TRUE(view.backends.empty());
}

TEST(ViewOfSlots, MemoryThatTheGuestHasAtTwoAddressesIsOneBlock) {
    const std::vector<Mapping> mappings{mapping(1000, 512)};
    const RamView view =
        view_of_slots({slot(0, 512 * mib, 1000 * mib), slot(8 * gib, mib, 1100 * mib)}, mappings,
                      domain_of_cells({512}));
    ASSERT_EQ(view.pieces.size(), 1U);
    EXPECT_EQ(view.pieces[0].bytes, 512 * mib);
}

TEST(CountBlocks, CountsCellsAndMemoryDevicesOfDram) {
    Domain domain = domain_of_cells({512, 0});
    EXPECT_EQ(count_blocks(domain), 1U);
    domain.memory_devices = {{"dimm0", "dimm", 1, 512 << 20, 512 << 20, std::nullopt},
                             {"pmem", "nvdimm", 0, 512 << 20, 512 << 20, std::nullopt}};
    EXPECT_EQ(count_blocks(domain), 2U);
}

}  // namespace
}  // namespace vnuma
