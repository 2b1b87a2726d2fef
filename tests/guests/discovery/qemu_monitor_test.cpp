#include "guests/discovery/guest_source.hpp"
#include "guests/memory/ram_map.hpp"
#include "tests/guests/golden_monitor.hpp"

namespace vnuma {
namespace {

TEST(ReadRamView, AsksForEachBackendOnce) {
    test::GoldenMonitor monitor;
    const RamView view = read_ram_view(monitor);
    ASSERT_EQ(view.backends.size(), 2U);
    EXPECT_EQ(view.backends.at("ram-node0").address, test::vnuma_cell0);
    EXPECT_EQ(view.backends.at("ram-node1").address, test::vnuma_cell1);
    EXPECT_EQ(view.backends.at("ram-node1").bytes, test::vnuma_cell_bytes);
    EXPECT_FALSE(view.backends.at("ram-node1").numatune);
    EXPECT_EQ(monitor.commands, 5)
        << "memdev, memory-devices, mtree, and an address for each backend";
}

TEST(ReadRamView, TheMapOfTheRecordedGuestHasBothCells) {
    test::GoldenMonitor monitor;
    const auto mappings = parse_maps(test::read_golden("lab/vnuma/process/maps"));
    const RamMap map = map_by_view(test::golden_domain("vnuma"), read_ram_view(monitor), mappings);
    ASSERT_EQ(map.blocks.size(), 2U) << map.unknown;
    EXPECT_EQ(map.blocks[1].cell, 1);
    EXPECT_EQ(map.blocks[1].host.start, test::vnuma_cell1);
    EXPECT_EQ(map.blocks[1].guest[0].start, test::vnuma_cell_bytes);
}

// QEMU with a machine type up to 3.1 names regions by their paths.
class OldMachine : public test::GoldenMonitor {
  public:
    nlohmann::json execute(const std::string& command, const nlohmann::json& arguments) override {
        nlohmann::json answer = GoldenMonitor::execute(command, arguments);
        if (!answer.is_string()) return answer;
        std::string text = answer;
        for (std::size_t at = 0; (at = text.find("ram-node", at)) != std::string::npos; at += 16)
            text.insert(at, "/objects/");
        return text;
    }
};

TEST(ReadRamView, ARegionMayHaveThePathOfItsBackend) {
    OldMachine monitor;
    const RamView view = read_ram_view(monitor);
    ASSERT_EQ(view.backends.size(), 2U);
    EXPECT_EQ(view.backends.at("ram-node1").address, test::vnuma_cell1);
}

// gpa2hva finds the second cell's address in the first cell's backend.
class Contradictory : public test::GoldenMonitor {
  public:
    nlohmann::json execute(const std::string& command, const nlohmann::json& arguments) override {
        const nlohmann::json answer = GoldenMonitor::execute(command, arguments);
        if (!answer.is_string() ||
            answer.get<std::string>().find("(ram-node1)") == std::string::npos)
            return answer;
        return "Host virtual address for 0x12000000 (ram-node0) is 0x1000\r\n";
    }
};

std::string error_of(Monitor& monitor) {
    try {
        read_ram_view(monitor);
    } catch (const UselessAnswer& error) {
        return error.what();
    }
    return "";
}

TEST(ReadRamView, AMonitorThatContradictsItselfIsAnError) {
    Contradictory monitor;
    EXPECT_EQ(error_of(monitor),
              "QEMU's monitor contradicts itself: info mtree finds ram-node1 where gpa2hva finds "
              "ram-node0");
}

// Every reply is a number.
class Nonsense : public Monitor {
  public:
    nlohmann::json execute(const std::string&, const nlohmann::json&) override { return 7; }
};

TEST(ReadRamView, AReplyThatCannotBeParsedIsAnErrorThatNamesTheCommand) {
    Nonsense monitor;
    EXPECT_EQ(error_of(monitor), "QEMU's reply to query-memdev cannot be parsed");
}

// A QEMU that measures how fast the guest writes, in the modes it does not refuse.
class Measuring : public Monitor {
  public:
    nlohmann::json execute(const std::string& command, const nlohmann::json& arguments) override {
        if (command == "query-dirty-rate") return rate;
        if (command == "query-kvm") return {{"enabled", kvm}, {"present", true}};
        const std::string mode = arguments.at("mode");
        modes.push_back(mode);
        if (hangs) throw MonitorError("its monitor does not answer");
        if (mode == refused) throw MonitorRefusal("mode is not enabled");
        return nlohmann::json::object();
    }

    nlohmann::json rate{{"status", "unstarted"}, {"calc-time", 0}, {"start-time", 0}};
    std::string refused;
    bool hangs = false, kvm = true;
    std::vector<std::string> modes;
};

using std::chrono::seconds;

TEST(StartWriteMeasurement, TriesOnlyOnceWhetherTheGuestHasADirtyRing) {
    Measuring monitor;
    std::optional<bool> ring;
    EXPECT_TRUE(start_write_measurement(monitor, seconds(1), ring));
    EXPECT_EQ(ring, true);
    monitor.refused = "dirty-ring";
    EXPECT_THROW(start_write_measurement(monitor, seconds(1), ring), MonitorRefusal);
    ring.reset();
    monitor.modes.clear();
    for (int i = 0; i < 2; ++i)
        EXPECT_TRUE(start_write_measurement(monitor, seconds(1), ring));
    EXPECT_EQ(ring, false);
    EXPECT_EQ(monitor.modes,
              (std::vector<std::string>{"dirty-ring", "page-sampling", "page-sampling"}));
}

TEST(StartWriteMeasurement, NeverUsesADirtyRingWithoutKvm) {
    Measuring monitor;
    monitor.kvm = false;
    std::optional<bool> ring;
    EXPECT_TRUE(start_write_measurement(monitor, seconds(1), ring));
    EXPECT_EQ(monitor.modes, std::vector<std::string>{"page-sampling"}) << "QEMU 7.2 would crash";
}

TEST(StartWriteMeasurement, AMeasurementThatRunsAlreadyOrAMonitorThatHangsSaysNothingAboutTheRing) {
    Measuring monitor;
    std::optional<bool> ring;
    monitor.rate["status"] = "measuring";
    EXPECT_FALSE(start_write_measurement(monitor, seconds(1), ring));
    EXPECT_TRUE(monitor.modes.empty());
    monitor.rate["status"] = "measured";
    monitor.hangs = true;
    EXPECT_THROW(start_write_measurement(monitor, seconds(1), ring), MonitorError);
    EXPECT_EQ(monitor.modes.size(), 1U) << "no second command to a monitor that hangs";
    EXPECT_EQ(ring, std::nullopt);
}

TEST(ReadWriteMeasurement, HasARateForEachVcpuWhereQemuReportsOne) {
    Measuring monitor;
    EXPECT_EQ(read_write_measurement(monitor).state, WriteMeasurement::State::none);
    monitor.rate = nlohmann::json::parse(
        R"({"status": "measured", "calc-time": 2, "start-time": 9, "mode": "dirty-ring",
            "dirty-rate": 40, "vcpu-dirty-rate": [{"id": 0, "dirty-rate": 39},
                                                  {"id": 1, "dirty-rate": 1}]})");
    const WriteMeasurement measured = read_write_measurement(monitor);
    EXPECT_EQ(measured.state, WriteMeasurement::State::done);
    EXPECT_EQ(measured.mode, "dirty-ring");
    EXPECT_EQ(measured.duration, seconds(2));
    EXPECT_EQ(measured.mib_per_s, 40U);
    EXPECT_EQ(measured.by_vcpu, (std::map<int, std::uint64_t>{{0, 39}, {1, 1}}));
}

}  // namespace
}  // namespace vnuma
