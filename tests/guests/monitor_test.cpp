#include "tests/guests/golden_monitor.hpp"

namespace vnuma {
namespace {

TEST(AskRamView, FindsEachBackendOnce) {
    test::GoldenMonitor monitor;
    const RamView view = ask_ram_view(monitor);
    ASSERT_EQ(view.backends.size(), 2U);
    EXPECT_EQ(view.backends.at("ram-node0").address, test::vnuma_cell0);
    EXPECT_EQ(view.backends.at("ram-node1").address, test::vnuma_cell1);
    EXPECT_EQ(view.backends.at("ram-node1").bytes, test::vnuma_cell_bytes);
    EXPECT_FALSE(view.backends.at("ram-node1").wish);
    EXPECT_EQ(monitor.asked, 5) << "memdev, memory-devices, mtree, and two addresses";
}

TEST(AskRamView, MakesTheMapOfTheRealGuest) {
    test::GoldenMonitor monitor;
    const auto mappings = parse_maps(test::read_golden("lab/vnuma/process/maps"));
    const RamMap map = map_by_view(test::golden_domain("vnuma"), ask_ram_view(monitor), mappings);
    ASSERT_EQ(map.blocks.size(), 2U) << map.unknown;
    EXPECT_EQ(map.blocks[1].cell, 1);
    EXPECT_EQ(map.blocks[1].host.start, test::vnuma_cell1);
    EXPECT_EQ(map.blocks[1].guest[0].start, test::vnuma_cell_bytes);
}

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

TEST(AskRamView, AMonitorThatContradictsItselfIsNotBelieved) {
    Contradictory monitor;
    EXPECT_THROW(ask_ram_view(monitor), MonitorError);
}

class Nonsense : public Monitor {
  public:
    nlohmann::json execute(const std::string&, const nlohmann::json&) override { return 7; }
};

TEST(AskRamView, AnAnswerThatIsNoneIsSaidSo) {
    Nonsense monitor;
    EXPECT_THROW(ask_ram_view(monitor), MonitorError);
}

}  // namespace
}  // namespace vnuma
