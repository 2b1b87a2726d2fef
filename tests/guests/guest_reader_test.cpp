#include "tests/guests/guest_reader_fixture.hpp"

namespace vnuma {
namespace {

TEST_F(GuestReaderTest, ReadsAllOfAGuest) {
    record("helpers");
    const GuestSample sample = read();
    EXPECT_EQ(sample.unsteady, "");
    EXPECT_EQ(sample.executable, "/usr/bin/qemu-system-x86_64");
    EXPECT_EQ(sample.memory_nodes, (std::vector<int>{0, 1}));
    ASSERT_EQ(sample.cells.size(), 1U);
    EXPECT_EQ(sample.cells[0].vcpus.size(), 2U);
    EXPECT_EQ(sample.iothreads.size(), 1U);
    EXPECT_EQ(sample.vhost.size(), 1U);
    ASSERT_EQ(sample.cells[0].blocks.size(), 1U);
    EXPECT_EQ(sample.cells[0].size, 384 << 20);
    EXPECT_FALSE(sample.cells[0].residency.bytes.empty());
    EXPECT_EQ(std::string(sample.residency.way), "numa_maps");
    EXPECT_EQ(source.asked, 0) << "the monitor was not needed";
}

TEST_F(GuestReaderTest, ReadsTheProcessThatTheSourceHasIdentified) {
    record("helpers");
    for (int i = 0; i < 2; ++i) {
        listed.process = std::make_shared<const Process>(
            *Process::open_recorded(host->roots().proc + "/" + std::to_string(host->pid)));
        EXPECT_EQ(read().process, listed.process);
        EXPECT_EQ(read().unsteady, "");
    }
}

TEST_F(GuestReaderTest, AsksTheMonitorOnceIfSizesAreAmbiguous) {
    record("vnuma");
    const GuestSample sample = read();
    EXPECT_EQ(sample.unsteady, "");
    ASSERT_EQ(sample.cells.size(), 2U);
    EXPECT_EQ(sample.cells[0].blocks.at(0).host.start, test::vnuma_cell0);
    EXPECT_EQ(sample.cells[1].blocks.at(0).host.start, test::vnuma_cell1);
    EXPECT_EQ(std::string(sample.map_source), "monitor");
    // The recorded guest holds 90 MiB of buffers in cell 0 on node 0, and more in cell 1 on node 1.
    EXPECT_EQ(sample.cells[0].residency.bytes.at(0), 31744 * 4096);
    read();
    read(true);
    EXPECT_EQ(source.asked, 1);
}

// Its cells are on different nodes.
TEST_F(GuestReaderTest, DoesNotAskTheMonitorIfThatIsForbidden) {
    record("vnuma");
    source.may_ask = false;
    EXPECT_NE(read().unsteady.find("ambiguous"), std::string::npos);
    const GuestSample sample = read(true);
    EXPECT_NE(sample.unsteady.find("ambiguous"), std::string::npos);
    EXPECT_EQ(sample.problems.at(0),
              "the memory of cell 0 is ambiguous: several blocks have its size");
    EXPECT_EQ(source.asked, 0);
}

TEST_F(GuestReaderTest, CellsThatCannotBeToldApartAreServedIfTheirMemoryIsOnOneNode) {
    record("vnuma");
    source.may_ask = false;
    const std::string numa_maps = "proc/" + std::to_string(host->pid) + "/numa_maps";
    std::string text = test::read_golden("lab/vnuma/process/numa_maps");
    for (std::size_t at = 0; (at = text.find(" N1=", at)) != std::string::npos;)
        text.replace(at, 4, " N0=");
    std::filesystem::remove(host->files.path(numa_maps));
    host->files.write(numa_maps, text);
    const GuestSample sample = read();
    EXPECT_EQ(sample.unsteady, "");
    EXPECT_EQ(sample.problems.size(), 2U);
    for (const CellSample& cell : sample.cells) {
        EXPECT_NE(cell.immovable, "");
        EXPECT_GT(cell.residency.bytes.at(0), 64 << 20);
        EXPECT_EQ(cell.residency.bytes.size(), 1U);
    }
}

// The recorded guest's mappings of its RAM are those of another size then.
TEST_F(GuestReaderTest, AGuestWhoseBlocksAreNotFoundIsServedByWhereItsMemoryIs) {
    record("helpers");
    source.may_ask = false;
    const Residency exact = read().cells[0].residency;
    Domain domain = *listed.domain;
    domain.cells[0].bytes -= 4096;
    listed.domain = std::make_shared<const Domain>(domain);
    const GuestSample sample = read();
    EXPECT_EQ(sample.unsteady, "");
    EXPECT_EQ(sample.problems, std::vector<std::string>{
                                   "the memory of cell 0 was not found: no mapping has its size"});
    EXPECT_NE(sample.cells[0].immovable, "");
    EXPECT_TRUE(sample.cells[0].blocks.empty());
    ASSERT_EQ(sample.cells[0].residency.bytes.size(), exact.bytes.size());
    for (const auto& [node, bytes] : exact.bytes)
        EXPECT_NEAR(static_cast<double>(sample.cells[0].residency.bytes.at(node)),
                    static_cast<double>(bytes), 0.1 * static_cast<double>(bytes));
    EXPECT_GE(read().residency.time, sample.residency.time);
    EXPECT_EQ(read_without_residency().unsteady, "");
}

TEST_F(GuestReaderTest, CellsWithoutVcpusAndMemoryAreEmpty) {
    record("helpers");
    Domain domain = *listed.domain;
    domain.cells.push_back({1, {}, 0});
    domain.cells.push_back({2, {}, 0});
    listed.domain = std::make_shared<const Domain>(domain);
    const GuestSample sample = read();
    EXPECT_EQ(sample.unsteady, "");
    ASSERT_EQ(sample.cells.size(), 3U);
    EXPECT_EQ(sample.cells[0].vcpus.size(), 2U);
    EXPECT_EQ(sample.cells[2].size, 0);
    EXPECT_TRUE(sample.cells[2].vcpus.empty());
    EXPECT_EQ(sample.cells[2].immovable, "");
    EXPECT_TRUE(sample.problems.empty());
}

TEST_F(GuestReaderTest, MemoryThatIsNoDramIsNotCounted) {
    record("helpers");
    Domain domain = *listed.domain;
    domain.memory_devices.push_back(
        {"nvdimm0", "nvdimm", 0, std::int64_t{64} << 30, std::int64_t{64} << 30, std::nullopt});
    listed.domain = std::make_shared<const Domain>(domain);
    const GuestSample sample = read();
    EXPECT_EQ(sample.unsteady, "");
    EXPECT_EQ(sample.cells[0].size, 384 << 20);
    EXPECT_EQ(sample.cells[0].blocks.size(), 1U);
}

TEST_F(GuestReaderTest, MemoryMappedFromADeviceIsNotCounted) {
    record("memfd");
    const std::string maps = "proc/" + std::to_string(host->pid) + "/maps";
    std::string text = test::read_golden("lab/memfd/process/maps");
    const std::string file = "/memfd:memory-backend-memfd (deleted)";
    text.replace(text.find(file), file.size(), "/dev/dax0.0");
    std::filesystem::remove(host->files.path(maps));
    host->files.write(maps, text);
    const GuestSample sample = read();
    EXPECT_EQ(sample.unsteady, "");
    EXPECT_EQ(sample.cells[0].size, 0);
    EXPECT_TRUE(sample.cells[0].blocks.empty());
    EXPECT_EQ(sample.cells[0].vcpus.size(), 2U);
}

TEST_F(GuestReaderTest, VcpusAreTakenAsTheyRunInAGuestWithoutVnuma) {
    record("helpers");
    Domain domain = *listed.domain;
    domain.cells[0].vcpus.clear();
    listed.domain = std::make_shared<const Domain>(domain);
    EXPECT_EQ(read().cells[0].vcpus.size(), 2U);
}

TEST_F(GuestReaderTest, VcpusThatNoCellHasAreLeftAloneAndTold) {
    record("vnuma");
    Domain domain = *listed.domain;
    domain.cells[1].vcpus.clear();
    listed.domain = std::make_shared<const Domain>(domain);
    const GuestSample sample = read();
    EXPECT_EQ(sample.unsteady, "");
    EXPECT_EQ(sample.problems,
              std::vector<std::string>{"no cell has the vCPUs 1; they are left alone"});
}

TEST_F(GuestReaderTest, ProblemsOfTheDescriptionAreTheGuests) {
    record("helpers");
    Domain domain = *listed.domain;
    domain.problems = {"a detail is odd"};
    listed.domain = std::make_shared<const Domain>(domain);
    EXPECT_EQ(read().problems, domain.problems);
    EXPECT_EQ(read().unsteady, "");
}

TEST_F(GuestReaderTest, AMonitorThatHangsMakesTheGuestUnsteadyUntilItAnswers) {
    record("vnuma");
    source.hangs = true;
    const GuestSample sample = read();
    EXPECT_EQ(sample.unsteady, "its monitor does not answer");
    EXPECT_EQ(sample.cells[0].vcpus.size(), 1U) << "everything else is read";
    source.hangs = false;
    EXPECT_EQ(read().unsteady, "its monitor does not answer")
        << "the monitor is not asked at every tick";
    EXPECT_EQ(source.asked, 1);
    EXPECT_EQ(read(true).unsteady, "");
}

TEST_F(GuestReaderTest, AMonitorIsAskedOnlyWhileItsGuestRuns) {
    record("vnuma");
    listed.state = RunState::migrating;
    EXPECT_NE(read(true).unsteady.find("only while it is running or paused"), std::string::npos);
    EXPECT_EQ(source.asked, 0);
    listed.state = RunState::running;
    EXPECT_EQ(read().unsteady, "") << "the monitor is asked at once";
}

TEST_F(GuestReaderTest, AGuestWhoseResidencyIsUnknownOrOldIsUnsteady) {
    record("helpers");
    EXPECT_EQ(read_without_residency().unsteady, "its residency has not been read yet");
    EXPECT_EQ(read().unsteady, "");
    EXPECT_EQ(read_without_residency().unsteady, "") << "the residency read before is still valid";
    GuestSample late = reader->read(listed, source, false);
    reader->memory().fill(late, std::chrono::steady_clock::now() + 2 * max_residency_age);
    EXPECT_EQ(late.unsteady, "its residency was last read more than 5 minutes ago");
}

TEST_F(GuestReaderTest, AGuestWithAMemoryOnlyCellIsSteady) {
    record("vnuma");
    Domain domain = *listed.domain;
    domain.cells[0].vcpus = {0, 1};
    domain.cells[1].vcpus = {2, 3};  // none of these is plugged in
    listed.domain = std::make_shared<const Domain>(domain);
    const GuestSample sample = read();
    EXPECT_EQ(sample.unsteady, "");
    EXPECT_EQ(sample.cells[0].vcpus.size(), 2U);
}

TEST_F(GuestReaderTest, RamIsFoundAgainIfTheDomainHasMoreMemory) {
    record("vnuma");
    read();
    Domain changed = *listed.domain;
    changed.memory_devices.push_back({"dimm0", "dimm", 0, 128 << 20, 128 << 20, std::nullopt});
    listed.domain = std::make_shared<const Domain>(changed);
    const GuestSample sample = read();
    EXPECT_EQ(sample.problems,
              std::vector<std::string>{
                  "memory device dimm0 is not among the memory backends that its monitor lists"})
        << "the recorded guest has no such device";
    EXPECT_EQ(sample.cells[0].blocks.size(), 1U) << "all else of it is known";
    EXPECT_EQ(source.asked, 2);
    changed.memory_devices.clear();
    changed.tuning.placement = "auto";
    listed.domain = std::make_shared<const Domain>(changed);
    read();  // its memory has just changed
    EXPECT_EQ(read().unsteady, "");
}

TEST_F(GuestReaderTest, TheReasonOfTheSourceTakesPrecedence) {
    record("helpers");
    listed.state = RunState::migrating;
    listed.unsteady = why_unsteady(listed.state);
    const GuestSample sample = read();
    EXPECT_EQ(sample.unsteady, "it is migrating");
    EXPECT_FALSE(sample.cells[0].residency.bytes.empty()) << "it is read nevertheless";
}

TEST_F(GuestReaderTest, AGuestWhoseOwnerInterleavesMemoryIsUnsteady) {
    record("helpers");
    Domain domain = *listed.domain;
    domain.tuning.numatune = NumaTune{"interleave", {0, 1}};
    listed.domain = std::make_shared<const Domain>(domain);
    EXPECT_EQ(read().unsteady, "its owner interleaves its memory over nodes");
}

// Every page is on node 1.
class OnOneNode : public PageReader {
  public:
    explicit OnOneNode(const char* name) : name_(name) {}
    const char* name() const override { return name_; }
    PagesRead read_nodes(const Process&, std::uint64_t, std::uint64_t,
                         std::span<int> nodes) override {
        std::fill(nodes.begin(), nodes.end(), 1);
        return {1, false};
    }

  private:
    const char* name_;
};

TEST_F(GuestReaderTest, ScansTakeTheMemoryPolicyOfTheProcess) {
    record("memfd");
    const std::string numa_maps = "proc/" + std::to_string(host->pid) + "/numa_maps";
    std::filesystem::remove(host->files.path(numa_maps));
    OnOneNode sampling("move_pages"), exact("pagemap");
    const PageReaders readers{sampling, exact};
    const auto scan = [&](ResidencyMode mode, const std::string& policy) {
        host->files.write(numa_maps, "55d1c0a00000 " + policy + " file=/usr/bin/qemu mapped=1\n");
        GuestSample sample = reader->read(listed, source, true);
        reader->memory().read_residency(*sample.process, readers, mode, false);
        reader->memory().fill(sample, std::chrono::steady_clock::now());
        return sample;
    };
    GuestSample sample = scan(ResidencyMode::sampled, "default");
    EXPECT_EQ(sample.unsteady, "");
    EXPECT_EQ(sample.cells[0].residency.bytes, (std::map<int, std::int64_t>{{1, 384 << 20}}));
    EXPECT_EQ(std::string(sample.residency.way), "move_pages");
    EXPECT_EQ(sample.cells[0].chunks->all, 192U);
    EXPECT_EQ(sample.cells[0].chunks->exact, 0U);
    sample = scan(ResidencyMode::full, "default");
    EXPECT_EQ(sample.cells[0].chunks->exact, 192U);
    EXPECT_EQ(sample.cells[0].chunks->split, 0U);
    sample = scan(ResidencyMode::incremental, "bind:1");
    EXPECT_EQ(sample.cells[0].residency.bound_to, std::vector<int>{1});
    EXPECT_EQ(std::string(sample.residency.way), "pagemap");
    sample = scan(ResidencyMode::incremental, "interleave:0-1");
    EXPECT_EQ(sample.unsteady, "its owner interleaves its memory over nodes");
}

TEST_F(GuestReaderTest, HugetlbPagesAreKnownFromNumaMaps) {
    record("hugetlb");
    const GuestSample sample = read();
    EXPECT_TRUE(sample.cells[0].blocks.at(0).hugetlb);
    EXPECT_EQ(sample.cells[0].blocks[0].page_bytes, 2 << 20);
}

}  // namespace
}  // namespace vnuma
