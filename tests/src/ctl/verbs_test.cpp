// What vnumactl prints, from given replies, on terminals and in pipes.
#include <gtest/gtest.h>

#include <cstdlib>
#include <ctime>

#include "src/ctl/context.hpp"
#include "src/ctl/guest_words.hpp"
#include "src/ctl/verbs/events.hpp"
#include "src/ctl/verbs/explain.hpp"
#include "src/ctl/verbs/group.hpp"
#include "src/ctl/verbs/list.hpp"
#include "src/ctl/verbs/place.hpp"
#include "src/ctl/verbs/policy.hpp"
#include "src/ctl/verbs/show.hpp"
#include "src/ctl/verbs/status.hpp"
#include "tests/src/ctl/replies.hpp"

namespace vnuma::ctl {
namespace {

using test::gib;

Terminal terminal_of(int width, bool utf8 = true) {
    ::setenv("TZ", "UTC", 1);
    ::tzset();
    return {.width = width, .colour = false, .utf8 = utf8, .headers = true};
}

std::size_t longest_line(const std::string& text) {
    std::size_t longest = 0, begin = 0;
    while (begin < text.size()) {
        const std::size_t end = text.find('\n', begin);
        longest = std::max(longest, end - begin);
        begin = end + 1;
    }
    return longest;
}

std::string list_at(int width, bool utf8 = true) {
    return format_list({test::orders_guest(), test::web_guest()}, terminal_of(width, utf8));
}

TEST(List, HasALineForEachGuest) {
    EXPECT_EQ(list_at(200),
              "ID  NAME       STATE    DOING    HOMES  LOCAL  VCPUS  CPU  MEMORY  BY NODE"
              "              TO MOVE\n"
              " 3  orders-db  running  moving   1       75 %      4  3.2  16 GiB  0: 4 GiB, 1: 12 "
              "GiB  4 GiB, 256 MiB/s\n"
              " -  web1       running  at home  0      100 %      2  0.1   2 GiB  0: 512 MiB"
              "           -\n");
    EXPECT_EQ(list_at(0), list_at(200)) << "a pipe";
}

TEST(List, ANarrowTerminalHasWhatCountsMost) {
    EXPECT_LE(longest_line(list_at(80)), 80u);
    EXPECT_EQ(list_at(80, false),
              "NAME       DOING    HOMES  LOCAL  CPU  BY NODE              TO MOVE\n"
              "orders-db  moving   1       75 %  3.2  0: 4 GiB, 1: 12 GiB  4 GiB, 256 MiB/s\n"
              "web1       at home  0      100 %  0.1  0: 512 MiB           -\n");
    EXPECT_EQ(list_at(20, false),
              "NAME    DOING    HOMES  LOCAL\n"
              "order~  moving   1       75 %\n"
              "web1    at home  0      100 %\n");
}

TEST(List, IsSortedByWhatNeedsAttention) {
    auto sorted = [](const char* key) {
        std::vector<control::GuestSummary> guests{test::web_guest(), test::orders_guest()};
        sort_guests(guests, key);
        return guests.front().name;
    };
    for (const char* key : {"name", "id", "cpu", "memory", "locality", "moving", "doing"})
        EXPECT_EQ(sorted(key), "orders-db") << key;
}

TEST(List, GuestsWithoutAHomeHaveADash) {
    control::GuestSummary guest = test::orders_guest();
    guest.cells[0].home.reset();
    EXPECT_EQ(format_homes(guest.cells), "-");
    guest.cells.push_back(guest.cells[0]);
    guest.cells[1].home = 2;
    EXPECT_EQ(format_homes(guest.cells), "-,2");
    guest.cells[0].home = 1;
    EXPECT_EQ(format_homes(guest.cells), "1-2");
    EXPECT_EQ(format_homes({}), "-");
}

TEST(List, ASplitCellHasTheHomesOfItsShards) {
    control::CellSummary whole, shard;
    whole.reason = "split";
    shard.reason = "settled";
    shard.shard = 0;
    shard.home = 1;
    EXPECT_EQ(format_homes({whole, shard}), "1");
    control::CellSummary other = shard;
    other.shard = 1;
    other.home = 0;
    EXPECT_EQ(format_homes({whole, shard, other}), "1,0");
    other.home.reset();
    EXPECT_EQ(format_homes({whole, shard, other}), "1,-");
}

TEST(Status, IsOneScreen) {
    EXPECT_EQ(
        format_status(test::a_status(), terminal_of(0)),
        "vnumad 0.1.0, mode act, pid 812, up 3d 4h; guests from auto; tick 1234 at 01:46:40, every "
        "2s\n"
        "2 guests: 1 at home and 1 moving\n"
        "\n"
        "NODE  CPUS  CAPACITY  GUEST CPU  OTHER  MEMORY    FREE  GUEST MEM  HOT REMOTE\n"
        "   0  0-3        4.0        0.1    0.2  64 GiB  40 GiB    4.5 GiB       4 GiB\n"
        "   1  4-7        4.0        3.2    0.2  64 GiB  40 GiB     12 GiB         0 B\n"
        "\n"
        "NOT AT HOME  DOING   WHY\n"
        "orders-db    moving  its memory moves\n");
}

TEST(Status, FitsTheTerminal) {
    EXPECT_LE(longest_line(format_status(test::a_status(), terminal_of(80))), 80u);
    EXPECT_EQ(format_status(test::a_status(), terminal_of(20, false)),
              "vnumad 0.1.0, mode\n"
              "act, pid 812, up 3d\n"
              "4h; guests from\n"
              "auto; tick 1234 at\n"
              "01:46:40, every 2s\n"
              "2 guests: 1 at home\n"
              "and 1 moving\n"
              "\n"
              "NODE  GUEST CPU    FREE  HOT REMOTE\n"
              "   0        0.1  40 GiB       4 GiB\n"
              "   1        3.2  40 GiB         0 B\n"
              "\n"
              "NOT A~  DOING   WHY\n"
              "order~  moving  its m~\n");
}

TEST(Status, SaysWhyNothingIsDoneOrSeen) {
    control::Status status = test::a_status();
    status.frozen = "frozen by an operator";
    status.blind = "libvirt does not answer";
    status.nodes.clear();
    status.not_at_home.clear();
    status.trouble = {"the run-time policy cannot be read"};
    status.rivals = {{"numad", "numad runs (pid 7)", "refuse", "vnumad acts on no guest"}};
    const std::string text = format_status(status, terminal_of(0));
    EXPECT_NE(text.find("Nothing is done: frozen by an operator\n"), std::string::npos) << text;
    EXPECT_NE(text.find("Nothing can be seen: libvirt does not answer\n"), std::string::npos);
    EXPECT_NE(text.find("Trouble\n- numad runs (pid 7): vnumad acts on no guest\n"
                        "- the run-time policy cannot be read\n"),
              std::string::npos)
        << text;
}

TEST(Show, HasAllThatIsKnown) {
    control::GuestDetails details;
    details.summary = test::orders_guest();
    details.policy = {{"mode", "act", "configuration", std::nullopt},
                      {"home", "1", "run-time", 1'000'000'000'000}};
    details.report = nlohmann::json::parse(R"({
        "executable": "/usr/bin/qemu-system-x86_64",
        "certainty": "all from libvirt",
        "cells": [{"cell": 0, "vcpus": [{"vcpu": 0, "thread": 4720, "cpu": 5, "node": 1,
                                         "affinity": "4-7", "affinity_from": "vnumad"}]}],
        "threads": {"emulator": [{"thread": 4711, "name": "qemu", "cpu": 4, "node": 1}]},
        "devices": [{"address": "0000:81:00.0", "node": 1}]})");
    EXPECT_EQ(format_show(details, terminal_of(0)),
              "Name:          orders-db\n"
              "UUID:          5f6c2d1e-8b0a-4f57-9a3e-2c1d7e9b4a60\n"
              "Id:            3\n"
              "Process:       4711\n"
              "Executable:    /usr/bin/qemu-system-x86_64\n"
              "Known from:    libvirt (all from libvirt)\n"
              "State:         running\n"
              "Mode:          act\n"
              "Doing:         moving\n"
              "Homes:         1\n"
              "Locality:      75 %\n"
              "vCPUs:         4, using 3.2 CPUs\n"
              "Memory:        16 GiB; 0: 4 GiB, 1: 12 GiB\n"
              "To move:       4 GiB, 256 MiB/s\n"
              "\n"
              "Cells\n"
              "CELL  SHARD  HOME  VCPUS  CPU  LOCAL  MEMORY               TO MOVE  REASON\n"
              "   0      -     1  0-3    3.2   75 %  0: 4 GiB, 1: 12 GiB    4 GiB  better\n"
              "\n"
              "vCPUs\n"
              "VCPU  THREAD  CPU  NODE  AFFINITY  SET BY\n"
              "0       4720    5     1  4-7       vnumad\n"
              "\n"
              "Other threads\n"
              "THREAD OF      THREAD  CPU  NODE  AFFINITY  SET BY\n"
              "emulator qemu    4711    4     1  -         -\n"
              "\n"
              "Devices\n"
              "DEVICE        NODE\n"
              "0000:81:00.0     1\n"
              "\n"
              "Policy\n"
              "KEY   VALUE  SET BY         UNTIL\n"
              "mode  act    configuration  -\n"
              "home  1      run-time       2001-09-09 01:46:40\n");
}

TEST(Show, AReportOfAnyShapeIsShownAsFarAsItIsUnderstood) {
    control::GuestDetails details;
    details.summary = test::web_guest();
    for (const char* report :
         {"null", "[]", "{}", "7", R"({"cells": 3, "threads": [], "devices": {}})",
          R"({"cells": [1, {"vcpus": [null, {"vcpu": []}]}], "threads": {"vhost": [2]}})"}) {
        details.report = nlohmann::json::parse(report);
        EXPECT_NE(format_show(details, terminal_of(80)).find("web1"), std::string::npos) << report;
    }
}

TEST(Explain, IsSentencesUnderTheCellTheyAreAbout) {
    control::Explanation explanation{"web1", "u-1", {"It runs."}, {}};
    control::CellExplanation cell;
    cell.where_it_is = "Its vCPUs are on node 0.";
    cell.where_it_should_be = "Its home is node 1.";
    cell.why = "Its memory is there.";
    cell.elsewhere = {"Node 2 is full."};
    cell.could_change = {"More may be moved with memory=eager."};
    explanation.cells = {cell};
    EXPECT_EQ(format_explanation(explanation, terminal_of(30)),
              "web1 (u-1)\n"
              "It runs.\n"
              "\n"
              "Cell 0\n"
              "  Its vCPUs are on node 0.\n"
              "  Its home is node 1.\n"
              "  Its memory is there.\n"
              "  Why not elsewhere:\n"
              "  - Node 2 is full.\n"
              "  What you could change:\n"
              "  - More may be moved with\n"
              "    memory=eager.\n");
}

TEST(Events, HaveATimeAKindAndASentence) {
    EXPECT_EQ(format_event(test::a_happening(), terminal_of(0)),
              "2001-09-09 01:46:40  MOVE_ENDED       orders-db cell 0: 4 GiB have moved to node 1 "
              "in 16 s\n");
    EXPECT_EQ(format_event(test::a_happening(), terminal_of(62)),
              "2001-09-09 01:46:40  MOVE_ENDED       orders-db cell 0: 4 GiB\n"
              "                                      have moved to node 1 in\n"
              "                                      16 s\n");
    EXPECT_EQ(format_event(test::a_happening(), terminal_of(20)),
              format_event(test::a_happening(), terminal_of(0)));
}

TEST(Events, OnesOfANewerDaemonAreNamed) {
    EXPECT_EQ(happening_of({"HAILED", {{"x", 1}}, 5}).text,
              "an event that this vnumactl does not know: HAILED");
    EXPECT_EQ(happening_of({"GUEST_CAME", {{"guest", "a"}, {"text", "came"}, {"new", 1}}, 5}).guest,
              "a");
    EXPECT_EQ(happening_of({"GUEST_CAME", 7, 5}).time_ms, 5);
}

TEST(Group, IsAListOrItsMembers) {
    const control::GroupView group{
        "db", "apart", {{"orders-db", "u-1", {1}}, {"invoices", "u-2", {}}}, {"no room on node 0"}};
    EXPECT_EQ(format_groups({group}, terminal_of(0)),
              "NAME  ARRANGEMENT  MEMBERS  HOMES  PROBLEM\n"
              "db    apart              2  1      no room on node 0\n");
    EXPECT_EQ(format_group(group, terminal_of(0)),
              "db\n"
              "Arrangement: apart\n"
              "Problem: no room on node 0\n"
              "\n"
              "MEMBER     UUID  HOMES\n"
              "orders-db  u-1   1\n"
              "invoices   u-2   -\n");
}

TEST(Place, IsATableOrXmlToPaste) {
    control::PlaceReply reply;
    reply.has_room = true;
    reply.nodes = {1, 0};
    reply.cpus = {"4-7", "0-3"};
    reply.moves = {{"web1", "u-1", 0, 0, 1, 2 * gib}};
    reply.why = "Both nodes have room.";
    EXPECT_EQ(format_place(reply, terminal_of(0)),
              "Both nodes have room.\n"
              "\n"
              "CELL  NODE  CPUS\n"
              "   0     1  4-7\n"
              "   1     0  0-3\n"
              "\n"
              "Would have to move to make room\n"
              "GUEST  CELL  FROM  TO  MEMORY\n"
              "web1      0     0   1   2 GiB\n");
    control::PlaceArguments asked;
    asked.vcpus = 8;
    asked.memory = 16 * gib;
    asked.cells = 2;
    asked.huge_page = 2 << 20;
    EXPECT_EQ(place_as_xml(asked, reply),
              "<vcpu placement='static' cpuset='0-7'>8</vcpu>\n"
              "<memory unit='KiB'>16777216</memory>\n"
              "<memoryBacking>\n"
              "  <hugepages>\n"
              "    <page size='2048' unit='KiB'/>\n"
              "  </hugepages>\n"
              "</memoryBacking>\n"
              "<numatune>\n"
              "  <memory mode='preferred' nodeset='1'/>\n"
              "  <memnode cellid='0' mode='preferred' nodeset='1'/>\n"
              "  <memnode cellid='1' mode='preferred' nodeset='0'/>\n"
              "</numatune>\n");
}

TEST(Policy, TheFirstWordIsTheGuestUnlessAnOptionNamesTheTarget) {
    PolicyOptions options;
    options.words = {"web1", "mode=observe"};
    EXPECT_EQ(take_target(options, true).guest, "web1");
    EXPECT_EQ(options.words, std::vector<std::string>{"mode=observe"});
    options.group = "db";
    EXPECT_EQ(take_target(options, true).group, "db");
    EXPECT_EQ(options.words, std::vector<std::string>{"mode=observe"});
    PolicyOptions nothing;
    EXPECT_FALSE(take_target(nothing, false).guest);
    EXPECT_THROW(take_target(nothing, true), UsageError);
}

TEST(Policy, SettingsAreKeysWithValues) {
    const auto settings = parse_settings({"mode=observe", "group="});
    ASSERT_EQ(settings.size(), 2u);
    EXPECT_EQ(settings[0].key, "mode");
    EXPECT_EQ(settings[0].value, "observe");
    EXPECT_EQ(settings[1].value, "");
    EXPECT_THROW(parse_settings({}), UsageError);
    EXPECT_THROW(parse_settings({"mode"}), UsageError);
    EXPECT_THROW(parse_settings({"=observe"}), UsageError);
}

TEST(Json, IsSortedByKeyAndSurvivesBytesThatAreNotUtf8) {
    EXPECT_EQ(pretty(nlohmann::json{{"b", 1}, {"a", "\xff"}}),
              "{\n  \"a\": \"\xef\xbf\xbd\",\n  \"b\": 1\n}");
}

}  // namespace
}  // namespace vnuma::ctl
