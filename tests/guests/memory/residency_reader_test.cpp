#include "guests/memory/residency_reader.hpp"

#include <gtest/gtest.h>

#include <cerrno>
#include <filesystem>
#include <system_error>

#include "tests/guests/golden.hpp"

namespace vnuma {
namespace {

using std::chrono::steady_clock;
using Bytes = std::map<int, std::int64_t>;

// Every page is on node 1, those below an address on node 0, unless the kernel refuses.
class FakeReader : public PageReader {
  public:
    const char* name() const override { return "fake"; }
    PagesRead read_nodes(const Process&, std::uint64_t start, std::uint64_t stride,
                         std::span<int> nodes) override {
        if (refuses) throw std::system_error(EPERM, std::generic_category(), "fake");
        for (std::size_t i = 0; i < nodes.size(); ++i)
            nodes[i] = start + i * stride < node1_start ? 0 : 1;
        return {1, false};
    }
    bool refuses = false;
    std::uint64_t node1_start = 0;
};

class ResidencyReaderTest : public testing::Test {
  protected:
    ResidencyReaderTest() {
        Domain domain;
        domain.cells.push_back({0, {0}, 0});
        guest = std::make_shared<const Domain>(domain);
    }
    void change_ram(std::uint64_t bytes) {
        RamBlock block;
        block.host = {0x7f0000000000, bytes};
        residency.change_ram(*guest, {block});
    }
    GuestSample read(ResidencyMode mode, bool complete = false) {
        residency.read(host.process(), {pages, pages}, mode, complete);
        return fill();
    }
    GuestSample fill() const {
        GuestSample sample;
        sample.domain = guest;
        sample.cells.resize(1);
        residency.fill(sample, steady_clock::now());
        return sample;
    }

    test::RecordedHost host{"helpers"};
    std::shared_ptr<const Domain> guest;
    FakeReader pages;
    ResidencyReader residency;
};

TEST_F(ResidencyReaderTest, ReadsNothingWithoutRam) {
    read(ResidencyMode::full);
    EXPECT_EQ(residency.time(), steady_clock::time_point());
}

TEST_F(ResidencyReaderTest, IsNotKnownBeforeItIsRead) {
    change_ram(chunk_bytes);
    EXPECT_EQ(fill().unsteady, "its residency has not been read yet");
    const GuestSample sample = read(ResidencyMode::full);
    EXPECT_EQ(sample.unsteady, "");
    EXPECT_EQ(sample.cells[0].residency.bytes, (Bytes{{1, chunk_bytes}}));
    change_ram(2 * chunk_bytes);
    EXPECT_EQ(fill().unsteady, "its residency has not been read yet");
}

TEST_F(ResidencyReaderTest, AFailureKeepsTheResidencyReadBefore) {
    change_ram(chunk_bytes);
    read(ResidencyMode::full);
    const auto before = residency.time();
    pages.refuses = true;
    const GuestSample sample = read(ResidencyMode::full);
    EXPECT_EQ(sample.unsteady, "its residency cannot be read: fake: Operation not permitted");
    EXPECT_EQ(sample.cells[0].residency.bytes, (Bytes{{1, chunk_bytes}}));
    EXPECT_EQ(residency.time(), before);
    pages.refuses = false;
    EXPECT_EQ(read(ResidencyMode::full).unsteady, "");
}

TEST_F(ResidencyReaderTest, SaysWhichFileCannotBeRead) {
    change_ram(chunk_bytes);
    const std::string numa_maps = "/proc/" + std::to_string(host.pid) + "/numa_maps";
    std::filesystem::remove(host.files.path(numa_maps.substr(1)));
    EXPECT_EQ(read(ResidencyMode::summed).unsteady,
              numa_maps + " cannot be read (CAP_SYS_PTRACE is needed)");
}

TEST_F(ResidencyReaderTest, ALargeGuestIsSampledInSeveralTicks) {
    change_ram((pages_in_sample + 1) * chunk_bytes);
    EXPECT_EQ(read(ResidencyMode::incremental).unsteady,
              "its residency has been read only in part so far");
    EXPECT_EQ(read(ResidencyMode::incremental).unsteady, "");
}

TEST_F(ResidencyReaderTest, ACompleteReadSamplesAllOfALargeGuest) {
    change_ram((pages_in_sample + 1) * chunk_bytes);
    EXPECT_EQ(read(ResidencyMode::incremental, true).unsteady, "");
}

TEST_F(ResidencyReaderTest, AGuestBeyondTheLimitOfAScanIsUnsteady) {
    change_ram((max_chunks + 1) * chunk_bytes);
    EXPECT_NE(read(ResidencyMode::sampled).unsteady.find("cannot be read: RAM exceeds"),
              std::string::npos);
}

TEST_F(ResidencyReaderTest, TheAutomaticModeSumsSmallGuestsOnly) {
    change_ram(static_cast<std::uint64_t>(max_bytes_summed));
    EXPECT_STREQ(read(ResidencyMode::automatic).residency.mode, "summed");
    change_ram(static_cast<std::uint64_t>(max_bytes_summed) + chunk_bytes);
    EXPECT_STREQ(read(ResidencyMode::automatic).residency.mode, "incremental");
}

// QEMU may have as many mappings as vm.max_map_count allows, on purpose or not.
TEST_F(ResidencyReaderTest, TheAutomaticModeDoesNotSumThousandsOfMappings) {
    change_ram(chunk_bytes);
    residency.count_mappings(max_mappings_summed);
    EXPECT_STREQ(read(ResidencyMode::automatic).residency.mode, "summed");
    residency.count_mappings(max_mappings_summed + 1);
    EXPECT_STREQ(read(ResidencyMode::automatic).residency.mode, "incremental");
}

// All pages of the fake reader are on one node.
TEST_F(ResidencyReaderTest, LostMemoryIsDividedBetweenItsCells) {
    Domain domain;
    domain.cells = {{0, {0}, 3 * chunk_bytes}, {1, {1}, chunk_bytes}, {2, {2}, chunk_bytes}};
    RamBlock block;
    block.cell = 1;
    block.host = {0x7f0000000000, chunk_bytes};
    const RamRange pool{0x7e0000000000, 8 * chunk_bytes};
    residency.change_ram(domain, {block}, {{{0, 3 * chunk_bytes}, {2, chunk_bytes}}, {pool}});
    residency.read(host.process(), {pages, pages}, ResidencyMode::full, false);
    GuestSample sample;
    sample.domain = std::make_shared<const Domain>(domain);
    sample.cells.resize(3);
    for (int i = 0; i < 3; ++i)
        sample.cells[static_cast<std::size_t>(i)].id = i;
    residency.fill(sample, steady_clock::now());
    EXPECT_EQ(sample.unsteady, "");
    EXPECT_EQ(sample.cells[0].residency.bytes, (Bytes{{1, 3 * chunk_bytes}}))
        << "the pool has more than was lost";
    EXPECT_EQ(sample.cells[1].residency.bytes, (Bytes{{1, chunk_bytes}}));
    EXPECT_EQ(sample.cells[2].residency.bytes, (Bytes{{1, chunk_bytes}}));
    EXPECT_NE(sample.cells[0].immovable, "");
    EXPECT_EQ(sample.cells[1].immovable, "");
}

// Two cells of one size and, in the first one, a DIMM that was found.
class LostMemoryBesideADimm : public ResidencyReaderTest {
  protected:
    LostMemoryBesideADimm() {
        Domain domain;
        domain.cells = {{0, {0}, chunk_bytes}, {1, {1}, chunk_bytes}};
        guest = std::make_shared<const Domain>(domain);
        RamBlock block;
        block.host = dimm;
        residency.change_ram(domain, {block}, {{{0, chunk_bytes}, {1, chunk_bytes}}, {pool}});
    }
    std::vector<CellSample> read_cells(ResidencyMode mode) {
        residency.read(host.process(), {pages, pages}, mode, false);
        GuestSample sample;
        sample.domain = guest;
        sample.cells.resize(2);
        sample.cells[1].id = 1;
        residency.fill(sample, steady_clock::now());
        EXPECT_EQ(sample.unsteady, "");
        return sample.cells;
    }
    // Replaces numa_maps by one with these policies.
    void set_policies(const std::string& of_pool, const std::string& of_dimm) {
        const std::string file = "proc/" + std::to_string(host.pid) + "/numa_maps";
        std::filesystem::remove(host.files.path(file));
        host.files.write(file, "7e0000000000 " + of_pool +
                                   " anon=1024 N0=1024 kernelpagesize_kB=4\n"
                                   "7f0000000000 " +
                                   of_dimm + " anon=4096 N1=4096 kernelpagesize_kB=4\n");
    }

    const RamRange pool{0x7e0000000000, 2 * chunk_bytes}, dimm{0x7f0000000000, 8 * chunk_bytes};
};

TEST_F(LostMemoryBesideADimm, IsAddedToIt) {
    pages.node1_start = dimm.start;
    const auto cells = read_cells(ResidencyMode::full);
    EXPECT_EQ(cells[0].residency.bytes, (Bytes{{0, chunk_bytes}, {1, 8 * chunk_bytes}}));
    EXPECT_EQ(cells[1].residency.bytes, (Bytes{{0, chunk_bytes}}));
    for (const CellSample& cell : cells)
        EXPECT_EQ(cell.immovable, "its RAM blocks are not known");
}

TEST_F(LostMemoryBesideADimm, IsBoundOnlyToNodesThatBothAreBoundTo) {
    const auto bound_to = [&](const std::string& of_pool, const std::string& of_dimm) {
        set_policies(of_pool, of_dimm);
        return read_cells(ResidencyMode::summed)[0].residency.bound_to;
    };
    using Nodes = std::vector<int>;
    EXPECT_EQ(bound_to("default", "bind:1"), Nodes{}) << "most of a cell may be elsewhere";
    EXPECT_EQ(bound_to("bind:0", "default"), Nodes{});
    EXPECT_EQ(bound_to("bind:0", "bind:1"), Nodes{});
    EXPECT_EQ(bound_to("bind:0-1", "bind:1"), Nodes{1});
    EXPECT_EQ(read_cells(ResidencyMode::summed)[1].residency.bound_to, (Nodes{0, 1}));
}

// vnumad would move it away from where the owner wants it.
TEST_F(ResidencyReaderTest, MemoryWhoseNodesAreNotUnderstoodStays) {
    const NumaTune unknown{"strict", {}, false};
    RamBlock block;
    block.host = {0x7f0000000000, chunk_bytes};
    block.numatune = unknown;
    residency.change_ram(*guest, {block});
    GuestSample sample = read(ResidencyMode::full);
    EXPECT_EQ(sample.unsteady, "");
    EXPECT_EQ(sample.cells[0].immovable, "what its owner binds it to is not understood");
    Domain domain = *guest;
    domain.tuning.cell_nodes[0] = unknown;
    guest = std::make_shared<const Domain>(domain);
    change_ram(chunk_bytes);
    EXPECT_NE(read(ResidencyMode::full).cells[0].immovable, "");
    domain.tuning.cell_nodes[0] = NumaTune{"strict", {1}};
    guest = std::make_shared<const Domain>(domain);
    EXPECT_EQ(fill().cells[0].immovable, "");
}

// Its vCPUs can still go to most of it.
TEST_F(ResidencyReaderTest, MemoryThatIsBoundToDifferentNodesStaysWhereItIs) {
    const auto read_bound = [&](const std::vector<std::vector<int>>& nodes) {
        std::vector<RamBlock> blocks(nodes.size());
        for (std::size_t i = 0; i < nodes.size(); ++i) {
            blocks[i].host = {0x7f0000000000 + i * chunk_bytes, chunk_bytes};
            blocks[i].numatune = NumaTune{"strict", nodes[i]};
        }
        residency.change_ram(*guest, blocks);
        const GuestSample sample = read(ResidencyMode::full);
        EXPECT_EQ(sample.unsteady, "");
        return sample.cells[0].immovable;
    };
    EXPECT_EQ(read_bound({{0}, {0, 1}}), "");
    EXPECT_EQ(read_bound({{0}, {1}}), "its owner binds parts of it to different nodes");
}

TEST_F(ResidencyReaderTest, AGuestWithoutDramIsNotWaitedFor) {
    residency.change_ram(*guest, {});
    EXPECT_EQ(read(ResidencyMode::full).unsteady, "");
}

}  // namespace
}  // namespace vnuma
