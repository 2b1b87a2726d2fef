#include "guests/guest_reader.hpp"

#include "guests/discovery/guest_source.hpp"
#include "guests/discovery/run_state.hpp"
#include "guests/memory/page_nodes.hpp"
#include "guests/model/listed_guest.hpp"
#include "tests/guests/golden_monitor.hpp"

namespace vnuma {
namespace {

class ScriptedSource : public GuestSource {
  public:
    const char* name() const override { return called; }
    std::vector<ListedGuest> list() override { return {}; }
    bool may_ask_monitor() const override { return may_ask; }
    RamView read_ram_view(const std::string&) override {
        ++asked;
        if (hangs) throw MonitorError("its monitor does not answer");
        test::GoldenMonitor monitor;
        return vnuma::read_ram_view(monitor);
    }
    bool start_write_measurement(const std::string&, std::chrono::seconds) override {
        throw MonitorError("none");
    }
    WriteMeasurement read_write_measurement(const std::string&) override {
        throw MonitorError("none");
    }
    std::size_t hung_calls() const override { return 0; }

    bool may_ask = true, hangs = false;
    int asked = 0;
    const char* called = "libvirt";
};

class GuestReaderTest : public ::testing::Test {
  protected:
    void record(const std::string& shape) {
        host.emplace(shape);
        reader.emplace(host->roots());
        listed.domain = std::make_shared<const Domain>(test::golden_domain(shape));
        listed.uuid = listed.domain->uuid;
        listed.name = shape;
        listed.state = RunState::running;
        listed.pid = host->pid;
    }
    // Reads the guest, and its memory too unless told not to.
    GuestSample look(bool all = false, bool memory = true,
                     ResidencyMode mode = ResidencyMode::automatic) {
        GuestSample sample = reader->read(listed, source, all);
        if (memory && sample.process)
            reader->memory().read_residency(*sample.process, {pages, pages, "move_pages"}, mode,
                                            false);
        reader->memory().fill(sample, std::chrono::steady_clock::now());
        return sample;
    }

    std::optional<test::RecordedHost> host;
    std::optional<GuestReader> reader;
    ListedGuest listed;
    ScriptedSource source;
    MovePagesReader pages;
};

TEST_F(GuestReaderTest, SeesAllOfAGuest) {
    record("helpers");
    const GuestSample sample = look();
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

TEST_F(GuestReaderTest, AsksTheMonitorWhereSizesDoNotTell) {
    record("vnuma");
    const GuestSample sample = look();
    EXPECT_EQ(sample.unsteady, "");
    ASSERT_EQ(sample.cells.size(), 2U);
    EXPECT_EQ(sample.cells[0].blocks.at(0).host.start, test::vnuma_cell0);
    EXPECT_EQ(sample.cells[1].blocks.at(0).host.start, test::vnuma_cell1);
    EXPECT_EQ(std::string(sample.map_source), "monitor");
    // The recorded guest's buffers: 90 MiB in cell 0 on node 0, and more in cell 1 on node 1.
    EXPECT_EQ(sample.cells[0].residency.bytes.at(0), 31744 * 4096);
    look();
    look(true);
    EXPECT_EQ(source.asked, 1) << "once is enough";
}

TEST_F(GuestReaderTest, DoesNotAskWhenItMustNot) {
    record("vnuma");
    source.may_ask = false;
    EXPECT_NE(look().unsteady.find("ambiguous"), std::string::npos);
    EXPECT_NE(look(true).unsteady.find("ambiguous"), std::string::npos);
    EXPECT_EQ(source.asked, 0);
}

TEST_F(GuestReaderTest, AMonitorThatHangsMakesTheGuestUnsteadyUntilItAnswers) {
    record("vnuma");
    source.hangs = true;
    const GuestSample sample = look();
    EXPECT_EQ(sample.unsteady, "its monitor does not answer");
    EXPECT_EQ(sample.cells[0].vcpus.size(), 1U) << "what could be read is there";
    source.hangs = false;
    EXPECT_EQ(look().unsteady, "its monitor does not answer") << "not asked in every look";
    EXPECT_EQ(source.asked, 1);
    EXPECT_EQ(look(true).unsteady, "");
}

TEST_F(GuestReaderTest, AMonitorIsLeftAloneUntilItsGuestRuns) {
    record("vnuma");
    listed.state = RunState::migrating;
    EXPECT_NE(look(true).unsteady.find("asked for its memory when it runs"), std::string::npos);
    EXPECT_EQ(source.asked, 0);
    listed.state = RunState::running;
    EXPECT_EQ(look().unsteady, "") << "at once";
}

TEST_F(GuestReaderTest, MemoryThatWasNotLookedAtIsNoReasonToAct) {
    record("helpers");
    EXPECT_EQ(look(false, false).unsteady, "its memory has not been looked at yet");
    EXPECT_EQ(look().unsteady, "");
    EXPECT_EQ(look(false, false).unsteady, "") << "what was found before holds";
    GuestSample late = reader->read(listed, source, false);
    reader->memory().fill(late, std::chrono::steady_clock::now() + 2 * max_residency_age);
    EXPECT_EQ(late.unsteady, "its memory was looked at too long ago");
}

TEST_F(GuestReaderTest, AMemoryOnlyCellIsNoReasonToLeaveAGuestAlone) {
    record("vnuma");
    Domain domain = *listed.domain;
    domain.cells[0].vcpus = {0, 1};
    domain.cells[1].vcpus = {2, 3};  // none of them is plugged
    listed.domain = std::make_shared<const Domain>(domain);
    const GuestSample sample = look();
    EXPECT_EQ(sample.unsteady, "");
    EXPECT_EQ(sample.cells[0].vcpus.size(), 2U);
}

TEST_F(GuestReaderTest, ADomainThatGotMemoryIsMappedAnew) {
    record("vnuma");
    look();
    Domain changed = *listed.domain;
    changed.memory_devices.push_back({"dimm0", "dimm", 0, 128 << 20, 128 << 20, std::nullopt});
    listed.domain = std::make_shared<const Domain>(changed);
    EXPECT_NE(look().unsteady, "") << "the recorded guest has no such device";
    EXPECT_EQ(source.asked, 2);
    changed.memory_devices.clear();
    changed.tuning.placement = "auto";
    listed.domain = std::make_shared<const Domain>(changed);
    EXPECT_EQ(look().unsteady, "");
}

TEST_F(GuestReaderTest, AProcessThatIsNotTheGuestsIsNotTouched) {
    record("helpers");
    listed.uuid = "00000000-1111-2222-3333-444444444444";
    const GuestSample sample = look();
    EXPECT_NE(sample.unsteady.find("uuid is not on the command line"), std::string::npos);
    EXPECT_FALSE(sample.process);
    listed.pid = std::nullopt;
    EXPECT_NE(look().unsteady.find("cannot be found"), std::string::npos);
    listed.pid = 1;
    EXPECT_NE(look().unsteady.find("ended"), std::string::npos);
}

TEST_F(GuestReaderTest, AnUnsteadyGuestStaysWhatItsSourceSays) {
    record("helpers");
    listed.state = RunState::migrating;
    listed.unsteady = why_unsteady(listed.state);
    const GuestSample sample = look();
    EXPECT_EQ(sample.unsteady, "it is migrating");
    EXPECT_FALSE(sample.cells[0].residency.bytes.empty()) << "it is seen all the same";
}

TEST_F(GuestReaderTest, OwnersWhoInterleaveMemoryAreLeftAlone) {
    record("helpers");
    Domain domain = *listed.domain;
    domain.tuning.numatune = NumaTune{"interleave", {0, 1}};
    listed.domain = std::make_shared<const Domain>(domain);
    EXPECT_EQ(look().unsteady, "its owner has its memory interleaved");
}

// Every page is on node 1.
class OnOneNode : public PageReader {
  public:
    PagesRead page_nodes(const Process&, std::uint64_t, std::uint64_t,
                         std::span<int> nodes) override {
        std::fill(nodes.begin(), nodes.end(), 1);
        return {1, false};
    }
};

TEST_F(GuestReaderTest, PagesTellOfMemoryAndTheProcessOfItsPolicy) {
    record("memfd");
    const std::string numa_maps = "proc/" + std::to_string(host->pid) + "/numa_maps";
    std::filesystem::remove(host->files.path(numa_maps));
    OnOneNode reader_of_pages;
    const PageReaders readers{reader_of_pages, reader_of_pages, "pagemap"};
    const auto look_by_pages = [&](ResidencyMode mode, const std::string& policy) {
        host->files.write(numa_maps, "55d1c0a00000 " + policy + " file=/usr/bin/qemu mapped=1\n");
        GuestSample sample = reader->read(listed, source, true);
        reader->memory().read_residency(*sample.process, readers, mode, false);
        reader->memory().fill(sample, std::chrono::steady_clock::now());
        return sample;
    };
    GuestSample sample = look_by_pages(ResidencyMode::sampled, "default");
    EXPECT_EQ(sample.unsteady, "");
    EXPECT_EQ(sample.cells[0].residency.bytes, (std::map<int, std::int64_t>{{1, 384 << 20}}));
    EXPECT_EQ(std::string(sample.residency.way), "move_pages");
    EXPECT_EQ(sample.cells[0].chunks->all, 192U);
    EXPECT_EQ(sample.cells[0].chunks->exact, 0U);
    sample = look_by_pages(ResidencyMode::full, "default");
    EXPECT_EQ(sample.cells[0].chunks->exact, 192U);
    EXPECT_EQ(sample.cells[0].chunks->split, 0U);
    sample = look_by_pages(ResidencyMode::incremental, "bind:1");
    EXPECT_EQ(sample.cells[0].residency.bound_to, std::vector<int>{1});
    EXPECT_EQ(std::string(sample.residency.way), "pagemap");
    sample = look_by_pages(ResidencyMode::incremental, "interleave:0-1");
    EXPECT_EQ(sample.unsteady, "its owner has its memory interleaved");
}

TEST_F(GuestReaderTest, ADeviceThatQemuOpensIsSeenInTheNextLook) {
    record("helpers");
    source.called = "qmp";
    EXPECT_EQ(look().immovable, "");
    host->files.link("/dev/vfio/12", "proc/" + std::to_string(host->pid) + "/fd/50");
    EXPECT_NE(look().immovable.find("VFIO"), std::string::npos);
}

TEST_F(GuestReaderTest, HugePagesAreKnownByWhatTheKernelSays) {
    record("hugetlb");
    const GuestSample sample = look();
    EXPECT_TRUE(sample.cells[0].blocks.at(0).hugetlb);
    EXPECT_EQ(sample.cells[0].blocks[0].page_bytes, 2 << 20);
}

ListedGuest listed_with(const std::string& emulator) {
    ListedGuest listed;
    listed.uuid = "u-1";
    Domain domain;
    domain.emulator = emulator;
    listed.domain = std::make_shared<const Domain>(domain);
    return listed;
}

TEST(WhyNotItsProcess, QemuByAnyOfItsNamesIsOne) {
    EXPECT_EQ(why_not_its_process("/usr/bin/qemu-system-x86_64 (deleted)", "-uuid u-1",
                                  listed_with(""), true),
              "");
    EXPECT_EQ(why_not_its_process("/usr/libexec/kvm-7", "-uuid u-1",
                                  listed_with("/usr/libexec/kvm-7"), true),
              "");
    EXPECT_NE(why_not_its_process("/usr/bin/bash", "-uuid u-1", listed_with(""), true), "");
    EXPECT_NE(why_not_its_process("", "-uuid u-1", listed_with(""), true), "");
}

}  // namespace
}  // namespace vnuma
