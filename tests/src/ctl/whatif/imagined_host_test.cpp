// Hosts on which the planner's own decisions are carried out.
#include "src/ctl/whatif/imagined_host.hpp"

#include <gtest/gtest.h>

#include "src/ctl/whatif/changes.hpp"
#include "src/ctl/whatif/comparison.hpp"
#include "tests/policy/hosts.hpp"
#include "tests/src/record/records.hpp"

namespace vnuma::ctl {
namespace {

using namespace vnuma::test;

// A guest that runs on node 0 and has its memory on node 1, recorded for as many ticks while
// nothing was done.
std::vector<Record> records_of_a_remote_guest(int ticks = 30) {
    Record record;
    record.snapshot = make_snapshot(make_topology(2, 4, 16 * gib),
                                    {make_guest("web", 2, 1500, {gib / 4, 2 * gib})});
    record.snapshot.guests[0].cells[0].size = 3 * gib;
    std::vector<Record> records;
    for (int tick = 1; tick <= ticks; ++tick) {
        record.snapshot.now = tick * 2000;
        records.push_back(record);
    }
    return records;
}

// Two guests that keep one node too busy, and no other node.
std::vector<Record> records_of_a_full_node() {
    Record record;
    record.snapshot =
        make_snapshot(make_topology(1, 4, 16 * gib),
                      {make_guest("a", 4, 3500, {gib}), make_guest("b", 4, 3500, {gib})});
    std::vector<Record> records;
    for (int tick = 1; tick <= 30; ++tick) {
        record.snapshot.now = tick * 2000;
        records.push_back(record);
    }
    return records;
}

Comparison compare(const std::vector<Record>& records, Changes changes) {
    ImaginedHost recorded, changed;
    for (const Record& record : records) {
        recorded.step(record);
        changed.step(changes.apply(record));
    }
    return {changes.to_text(), recorded.finish(), changed.finish()};
}

Bytes bytes_of(const Snapshot& snapshot) {
    Bytes sum = 0;
    for (const HostNode& node : snapshot.topology.nodes)
        sum += node.memory_available;
    for (const GuestState& guest : snapshot.guests)
        for (const CellState& cell : guest.cells)
            sum += total_bytes(cell);
    return sum;
}

TEST(ImaginedHostTest, PinsAtOnceAndMovesMemoryAtThePace) {
    std::vector<Record> records = records_of_a_remote_guest();
    for (Record& record : records) {
        record.settings.pace = 64 * mib;
        record.snapshot.guests[0].cells[0].allowed = NodeSet::only(NodeIndex(0));
    }
    ImaginedHost host;
    host.step(records[0]);
    EXPECT_EQ(host.snapshot().guests[0].cells[0].confined_to, NodeIndex(0));
    EXPECT_EQ(host.snapshot().guests[0].cells[0].residency[1], 2 * gib);
    host.step(records[1]);
    const Bytes moved = 2 * gib - host.snapshot().guests[0].cells[0].residency[1];
    EXPECT_GT(moved, 0);
    EXPECT_LE(moved, 128 * mib);
}

TEST(ImaginedHostTest, LosesAndInventsNoMemory) {
    const std::vector<Record> records = records_of_a_remote_guest();
    ImaginedHost host;
    for (const Record& record : records) {
        host.step(record);
        EXPECT_EQ(bytes_of(host.snapshot()), bytes_of(record.snapshot));
    }
}

TEST(ImaginedHostTest, BringsAGuestsMemoryHomeThoughTheRecordingDoesNot) {
    ImaginedHost host;
    for (const Record& record : records_of_a_remote_guest())
        host.step(record);
    ASSERT_EQ(host.last_plan().verdicts.size(), 1U);
    EXPECT_EQ(host.last_plan().verdicts[0].reason, Reason::settled);
    EXPECT_GT(host.finish().figures.locality.share().value_or(0), 0.9);
}

TEST(ImaginedHostTest, GivesNewMemoryToTheHome) {
    std::vector<Record> records = records_of_a_remote_guest(2);
    records[1].snapshot.guests[0].cells[0].residency = {gib / 4, 2 * gib + gib / 2};
    ImaginedHost host;
    host.step(records[0]);
    const NodeIndex home = host.snapshot().guests[0].cells[0].confined_to.value();
    const Bytes before = host.snapshot().guests[0].cells[0].residency[home];
    host.step(records[1]);
    EXPECT_GE(host.snapshot().guests[0].cells[0].residency[home], before + gib / 2);
}

TEST(ImaginedHostTest, BeginsAnewAfterARestart) {
    std::vector<Record> records = records_of_a_remote_guest(3);
    records[2].snapshot.now = 100;
    ImaginedHost host;
    for (const Record& record : records)
        host.step(record);
    EXPECT_EQ(host.snapshot().guests[0].cells[0].residency,
              records[2].snapshot.guests[0].cells[0].residency);
    EXPECT_EQ(host.finish().ticks, 3U);
}

TEST(ImaginedHostTest, PlansTheFirstTickAsItWasRecorded) {
    const Record first = records_of_small_host().front();
    ImaginedHost host;
    host.step(first);
    EXPECT_EQ(host.last_plan(), first.plan);
}

TEST(WhatIfTest, WithTheSameSettingsNothingDiffers) {
    const std::vector<Record> records = records_of_small_host();
    const Comparison same = compare(records, Changes({"planner.cool_down=2s"}, 0, {}));
    EXPECT_EQ(different_homes(same), 0U);
    EXPECT_EQ(same.recorded.figures.moved, same.changed.figures.moved);
    EXPECT_EQ(same.recorded.figures.home_changes, same.changed.figures.home_changes);
    EXPECT_EQ(same.recorded.contention, same.changed.contention);
}

TEST(WhatIfTest, AMarginAboveAllGainsKeepsHomes) {
    std::vector<Record> records = records_of_a_remote_guest();
    const CellKey key = records[0].snapshot.guests[0].cells[0].key;
    for (Record& record : records) {
        record.settings.cool_down = 0;
        CellState& cell = record.snapshot.guests[0].cells[0];
        cell.movable = false;  // so the vCPUs go to the memory
        cell.confined_to = NodeIndex(0);
        cell.pinned = true;
        record.history.cells[key] = {NodeIndex(0), 0, 0};
    }
    const Comparison result = compare(records, Changes({"planner.margin=0.999"}, 0, {}));
    EXPECT_EQ(result.recorded.figures.home_changes, 1);
    EXPECT_EQ(result.changed.figures.home_changes, 0);
    EXPECT_EQ(different_homes(result), 1U);
}

TEST(WhatIfTest, AnAddedNodeAttractsGuests) {
    const Comparison result = compare(records_of_a_full_node(), Changes({}, 1, {}));
    EXPECT_GT(result.recorded.all_contention(), 0);
    EXPECT_LT(result.changed.all_contention(), result.recorded.all_contention());
    EXPECT_GE(different_homes(result), 1U);
    bool is_used = false;
    for (const auto& [uuid, guest] : result.changed.guests)
        for (const auto& [key, home] : guest.homes)
            is_used |= home == 1;
    EXPECT_TRUE(is_used);
}

TEST(WhatIfTest, WithoutAGuestItsMemoryAndItsLoadAreGone) {
    const std::vector<Record> records = records_of_a_full_node();
    Changes changes({}, 0, {"b"});
    const Record changed = changes.apply(records[0]);
    ASSERT_EQ(changed.snapshot.guests.size(), 1U);
    EXPECT_EQ(bytes_of(changed.snapshot), bytes_of(records[0].snapshot));
    const Comparison result = compare(records, Changes({}, 0, {"b"}));
    EXPECT_EQ(result.changed.all_contention(), 0);
    const std::string text = format_comparison(result, {});
    EXPECT_NE(text.find("absent"), std::string::npos) << text;
}

TEST(WhatIfTest, CarriesOutPlansForGuestsOfAllKinds) {
    for (unsigned seed = 0; seed < 20; ++seed) {
        Record record = RandomRecords(seed).make();
        ImaginedHost host;
        for (int tick = 0; tick < 5; ++tick) {
            record.snapshot.now += 2000;
            host.step(record);
            for (const GuestState& guest : host.snapshot().guests)
                for (const CellState& cell : guest.cells)
                    for (const Bytes bytes : cell.residency)
                        EXPECT_GE(bytes, 0) << "seed " << seed;
        }
    }
}

TEST(WhatIfTest, TellsTheSameAsTextAndAsJson) {
    const Comparison result = compare(records_of_a_full_node(), Changes({}, 1, {}));
    const JsonOut json = to_json(result);
    EXPECT_EQ(json["ticks"], 30);
    EXPECT_EQ(json["guests"].size(), 2U);
    EXPECT_EQ(json["changed"]["home_changes"], result.changed.figures.home_changes);
    EXPECT_NE(format_comparison(result, {}).find("1 more node"), std::string::npos);
}

TEST(WhatIfTest, NarrowTerminalsHaveHomesButNoLocality) {
    const Comparison result = compare(records_of_a_full_node(), Changes({}, 0, {"b"}));
    const std::string narrow = format_comparison(result, {.width = 50});
    EXPECT_NE(narrow.find("GUEST  CELL  HOME RECORDED  HOME CHANGED\n"), std::string::npos)
        << narrow;
    const std::string wide = format_comparison(result, {.width = 120});
    EXPECT_NE(wide.find("LOCALITY CHANGED"), std::string::npos) << wide;
}

TEST(WhatIfTest, KeepsNamesOfGuestsOnTheirLine) {
    std::vector<Record> records = records_of_a_full_node();
    for (Record& record : records)
        record.snapshot.guests[0].name = "a\x1b[2J\nnext";
    const std::string table = format_comparison(compare(records, Changes({}, 1, {})), {});
    EXPECT_EQ(table.find('\x1b'), std::string::npos);
    EXPECT_EQ(table.find("\nnext"), std::string::npos);
}

}  // namespace
}  // namespace vnuma::ctl
