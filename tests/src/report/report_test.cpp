#include "src/report/report.hpp"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "src/report/tick.hpp"
#include "tests/src/hosts.hpp"

namespace vnuma {
namespace {

using test::two_nodes;

using nlohmann::json;

Tick tick_of_one_guest(const Host& host) {
    Tick tick;
    tick.number = 7;
    const CellKey key{"u", 0};
    GuestSample sample;
    sample.uuid = "u";
    sample.name = "web";
    CellSample vcpus;
    vcpus.vcpus = {{{100, 1, 2, 0, 0, {2, 3}}, 0}, {{101, 1, 0, 0, 0, {0}}, 1}};
    vcpus.residency.bound_to = {4};
    sample.memory_nodes = {0, 4};
    sample.cells.push_back(std::move(vcpus));
    auto look = std::make_shared<Look>();
    look->sample.guests.push_back(std::move(sample));
    tick.look = look;
    tick.host = host;
    CellState cell;
    cell.key = key;
    cell.cpu_use = 500;
    cell.residency = {300 * mib, 100 * mib};
    cell.heat = {5 * mib, 0};
    cell.allowed = NodeSet::first(2);
    tick.snapshot.topology = host.topology;
    tick.snapshot.guests.push_back({"u", "web", "", {cell}, {}});
    Verdict verdict;
    verdict.key = key;
    verdict.reason = Reason::better_home;
    verdict.home = Home{NodeIndex(1), 20, FormerHome{NodeIndex(0), 70}};
    tick.plan.verdicts.push_back(verdict);
    tick.results.push_back({PinCell{key, NodeIndex(1)}, 0, "refused"});
    tick.results.push_back({MoveMemory{key, NodeIndex(1), 300 * mib}, 5 * mib, ""});
    return tick;
}

// The sample of a tick that a test still makes up.
Sample& sample_of(const Tick& tick) {
    return const_cast<Look&>(*tick.look).sample;
}

TEST(Report, SaysWhatOfAGuestWasNotUnderstood) {
    Tick tick = tick_of_one_guest(two_nodes());
    EXPECT_EQ(make_report(tick)["guests"][0]["problems"], json::array());
    EXPECT_EQ(make_report(tick)["guests"][0]["cells"][0]["immovable"], "");
    sample_of(tick).guests[0].problems = {"a detail is odd"};
    sample_of(tick).guests[0].cells[0].immovable = "its RAM blocks are not known";
    const json guest = make_report(tick)["guests"][0];
    EXPECT_EQ(guest["problems"], json::array({"a detail is odd"}));
    EXPECT_EQ(guest["cells"][0]["immovable"], "its RAM blocks are not known");
}

TEST(Report, SpeaksOfNodesByTheKernelsNumbers) {
    const Host host = two_nodes();
    const json report = make_report(tick_of_one_guest(host));
    EXPECT_EQ(report["tick"], 7);
    EXPECT_EQ(report["nodes"][1]["node"], 4);
    const json& cell = report["guests"][0]["cells"][0];
    EXPECT_EQ(cell["memory_bytes"]["4"], 100 * mib);
    EXPECT_EQ(cell["heat_bytes"]["0"], 5 * mib);
    EXPECT_EQ(cell["vcpus"][0]["node"], 4);
    EXPECT_EQ(cell["vcpus"][0]["affinity"], "2-3");
    EXPECT_EQ(cell["allowed_nodes"], "0,4");
    EXPECT_EQ(cell["bound_to"], "4");
    EXPECT_EQ(report["guests"][0]["memory_nodes"], "0,4");
    EXPECT_EQ(cell["verdict"]["reason"], "better-home");
    EXPECT_EQ(cell["verdict"]["home"], 4);
    EXPECT_EQ(cell["verdict"]["former_home"], 0);
    EXPECT_EQ(cell["verdict"]["former_cost_cpu_ms"], 70);
    EXPECT_EQ(cell["verdict"]["lacks"], "allowed") << "there is no alternative";
    EXPECT_DOUBLE_EQ(cell["locality"], 0.5) << "a quarter for vCPU 0, three quarters for vCPU 1";
}

TEST(Report, SaysWhyACellThatIsNotPlannedHasNoHome) {
    const Tick tick = tick_of_one_guest(two_nodes());
    std::vector<CellSample>& cells = sample_of(tick).guests[0].cells;
    cells.insert(cells.begin(), CellSample());
    cells[0].id = 8;
    const json report = make_report(tick)["guests"][0]["cells"];
    ASSERT_EQ(report.size(), 2U);
    EXPECT_EQ(report[0]["cell"], 8);
    EXPECT_EQ(report[0]["memory_bytes"], (json{{"0", 0}, {"4", 0}}));
    EXPECT_EQ(report[0]["allowed_nodes"], "");
    EXPECT_EQ(report[0]["verdict"],
              (json{{"reason", "empty"},
                    {"explanation", "the cell has no home because it has neither vCPUs nor memory"},
                    {"home", nullptr},
                    {"to_move_bytes", 0}}));
    EXPECT_EQ(report[1]["cell"], 0);
    EXPECT_EQ(report[1]["verdict"]["home"], 4);
}

TEST(Report, NamesSectionsThatAreNoGuests) {
    const Host host = two_nodes();
    Tick tick = tick_of_one_guest(host);
    EXPECT_EQ(make_report(tick)["unmatched_sections"], json::array());
    tick.unmatched_sections = {"guest.wbe"};
    EXPECT_EQ(make_report(tick)["unmatched_sections"], json::array({"guest.wbe"}));
    EXPECT_FALSE(make_report(tick).contains("list_problem"));
    tick.list_problem = "libvirt does not answer";
    EXPECT_EQ(make_report(tick)["list_problem"], "libvirt does not answer");
}

TEST(Report, SaysWhoToldOfAGuestAndHowCertainThatIs) {
    const Tick tick = tick_of_one_guest(two_nodes());
    GuestSample& sample = sample_of(tick).guests[0];
    const auto told = [&] {
        const json guest = make_report(tick)["guests"][0];
        return guest["source"].get<std::string>() + ": " + guest["certainty"].get<std::string>();
    };
    EXPECT_EQ(told(), "libvirt: vCPU threads by their names; the rest from libvirt");
    sample.source = "qmp";
    EXPECT_EQ(told(), "qmp: all from QEMU's monitor");
    sample.source = "proc";
    sample.certainty = "vCPU threads from KVM's debugfs";
    EXPECT_EQ(told(), "proc: vCPU threads from KVM's debugfs");
}

TEST(Report, NamesRivalsAndWhatIsDoneAboutThem) {
    const Host host = two_nodes();
    Tick tick = tick_of_one_guest(host);
    EXPECT_EQ(make_report(tick)["rivals"], json::array());
    RivalReading reading;
    reading.ksm_across_nodes = true;
    Coexistence coexist;
    coexist.ksm = Handling::yield;
    tick.rivals = find_rivals(reading, coexist);
    EXPECT_EQ(make_report(tick)["rivals"],
              (json{{{"name", "ksm"},
                     {"presence", "KSM merges pages of different nodes"},
                     {"handling", "yield"},
                     {"effect", "vnumad moves no memory"}}}));
}

TEST(Report, HasAllThatAVerdictSaysExceptWhatItHasElsewhere) {
    const Host host = two_nodes();
    Tick tick = tick_of_one_guest(host);
    Verdict& verdict = tick.plan.verdicts[0];
    verdict.home->to_move = 300 * mib;
    verdict.home->queued_behind = 5 * mib;
    verdict.alternative = Alternative{NodeIndex(0), Lack::memory, 90, Shortage{3 * mib, mib}};
    verdict.detail = "DETAIL";
    const auto report = [&] {
        json value = make_report(tick)["guests"][0]["cells"][0]["verdict"];
        EXPECT_FALSE(value["explanation"].get<std::string>().empty());
        value.erase("explanation");
        return value;
    };
    EXPECT_EQ(report(), (json{{"reason", "better-home"},
                              {"home", 4},
                              {"cost_cpu_ms", 20},
                              {"former_home", 0},
                              {"former_cost_cpu_ms", 70},
                              {"to_move_bytes", 300 * mib},
                              {"left_away_bytes", 0},
                              {"queued_behind_bytes", 5 * mib},
                              {"alternative", 0},
                              {"lacks", "memory"},
                              {"other_cost_cpu_ms", 90},
                              {"wanted_bytes", 3 * mib},
                              {"room_bytes", mib}}));
    verdict.reason = Reason::no_room;
    verdict.home.reset();
    verdict.alternative.reset();
    EXPECT_EQ(report(), (json{{"reason", "no-room"}, {"home", nullptr}, {"to_move_bytes", 0}}));
}

TEST(Report, SaysWhoGaveAVcpuItsCpus) {
    const Host host = two_nodes();
    Tick tick = tick_of_one_guest(host);
    GuestSample& guest = sample_of(tick).guests[0];
    const auto from = [&](int vcpu) {
        return make_report(tick)["guests"][0]["cells"][0]["vcpus"][vcpu]["affinity_from"];
    };
    guest.cells[0].vcpus[0].cpuset = {0, 1, 2, 3};
    EXPECT_EQ(from(0), "other") << "neither pin of ours nor wish, and not all of its cpuset";
    tick.pinned = {100};
    EXPECT_EQ(from(0), "vnumad");
    EXPECT_EQ(from(1), "domain") << "its cpuset is not known";
    Domain domain;
    domain.tuning.vcpupin = {{0, {2, 3}}, {1, {0, 1}}};
    guest.domain = std::make_shared<const Domain>(domain);
    tick.pinned.clear();
    EXPECT_EQ(from(0), "domain");
    EXPECT_EQ(from(1), "other");
}

TEST(Report, SaysWhatBecameOfEachAction) {
    const Host host = two_nodes();
    const json actions = make_report(tick_of_one_guest(host))["actions"];
    EXPECT_EQ(actions[0]["action"], "pin");
    EXPECT_EQ(actions[0]["error"], "refused");
    EXPECT_EQ(actions[1]["moved_bytes"], 5 * mib);
    EXPECT_FALSE(actions[1].contains("error"));
}

TEST(Report, SaysWhatWouldBeDoneWhereThatIsWanted) {
    const Host host = two_nodes();
    Tick tick = tick_of_one_guest(host);
    tick.results.clear();
    tick.plan.actions = {PinCell{{"u", 0}, NodeIndex(1)}};
    tick.plan.advised = {MoveMemory{{"v", 0}, NodeIndex(0), 3 * mib}};
    const auto advised = [&](Mode mode) {
        tick.mode = mode;
        return make_report(tick)["advised"];
    };
    const json all = advised(Mode::advise);
    ASSERT_EQ(all.size(), 2U);
    EXPECT_EQ(all[0], (json{{"action", "pin"}, {"uuid", "u"}, {"cell", 0}, {"to", 4}}));
    EXPECT_EQ(all[1]["bytes"], 3 * mib);
    EXPECT_EQ(advised(Mode::act), (json::array({all[1]}))) << "the others are done";
    EXPECT_EQ(advised(Mode::observe), json::array());
}

TEST(Report, SaysWhatIsKnownOfTheUseOfMemory) {
    const Host host = two_nodes();
    Tick tick = tick_of_one_guest(host);
    sample_of(tick).tracking.trackers = {"idle-page"};
    sample_of(tick).tracking.missing = {{"damon", "none here"}};
    TrackingSample& tracking = sample_of(tick).guests[0].tracking;
    EXPECT_EQ(make_report(tick)["guests"][0]["tracking"]["heat"]["age_ms"], nullptr);
    tracking.heat.tracker = "idle-page";
    tracking.heat.scans = 2;
    tracking.heat.agreement = 250;
    tracking.heat.writes = WriteRate{7, {{1, 7}}};
    tracking.attribution.trouble = "why";
    tracking.spent = std::chrono::milliseconds(3);
    tracking.map = {{4096, 8192, 500, -2, 1000}};
    const json report = make_report(tick);
    EXPECT_EQ(report["tracking"]["missing"]["damon"], "none here");
    const json& seen = report["guests"][0]["tracking"];
    EXPECT_EQ(seen["heat"]["tracker"], "idle-page");
    EXPECT_EQ(seen["heat"]["agreement"], 0.25);
    EXPECT_EQ(seen["heat"]["written"]["by_vcpu"]["1"], 7);
    EXPECT_EQ(seen["attribution"]["trouble"], "why");
    EXPECT_EQ(seen["budget"]["spent_us"], 3000);
    EXPECT_EQ(seen["map"], json({{4096, 8192, 500, -2, 1000}}));
}

TEST(Report, ABlindTickSaysWhyAndNothingElse) {
    Tick tick;
    tick.blind = "libvirt is gone";
    const json report = make_report(tick);
    EXPECT_EQ(report["blind"], "libvirt is gone");
    EXPECT_FALSE(report.contains("guests"));
}

}  // namespace
}  // namespace vnuma
