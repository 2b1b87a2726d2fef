// What is plotted of recordings and of the history.
#include "src/ctl/plot/plot_data.hpp"

#include <gtest/gtest.h>

#include <algorithm>

#include "tests/src/record/records.hpp"

namespace vnuma::ctl::plot {
namespace {

using namespace vnuma::test;
using control::EventKind;

PlotData plot_of(const std::vector<Record>& records, std::optional<Millis> length = {}) {
    RecordingPlot recording;
    for (const Record& record : records)
        recording.add(record);
    return recording.finish("test", length);
}

const GuestPlot& guest_of(const PlotData& data, const std::string& name) {
    const auto found = std::find_if(data.guests.begin(), data.guests.end(),
                                    [&](const GuestPlot& guest) { return guest.name == name; });
    static const GuestPlot none;
    return found == data.guests.end() ? none : *found;
}

std::size_t count(const PlotData& data, EventKind kind) {
    return static_cast<std::size_t>(
        std::count_if(data.events.begin(), data.events.end(),
                      [&](const PlotEvent& event) { return event.kind == control::name(kind); }));
}

control::CellMinute minute(Millis time, int cell, std::optional<int> home, int node) {
    control::CellMinute minute;
    minute.time_ms = time;
    minute.guest = "web";
    minute.uuid = "uuid-web";
    minute.cell = cell;
    minute.home = home;
    minute.cpu_use = 1000;
    minute.locality = cell == 0 ? 1000 : 0;
    minute.memory = {{node, gib}};
    return minute;
}

TEST(RecordingPlotTest, BeginsAtZeroAndHasEachTick) {
    const std::vector<Record> records = records_of_small_host();
    const PlotData data = plot_of(records);
    EXPECT_FALSE(data.is_wall_clock);
    EXPECT_EQ(data.nodes, (std::vector<int>{0, 1}));
    EXPECT_EQ(data.guests.size(), records[0].snapshot.guests.size());
    ASSERT_EQ(data.load.times.size(), records.size());
    EXPECT_EQ(data.load.times.front(), 0);
    EXPECT_EQ(data.load.times.back(), 22'000);
}

TEST(RecordingPlotTest, HasTheMemoryOfAllCellsByNode) {
    const std::vector<Record> records = records_of_small_host();
    const PlotData data = plot_of(records);
    const GuestPlot& web = guest_of(data, "web");
    for (std::size_t n = 0; n < 2; ++n)
        EXPECT_EQ(web.series.columns[1 + n].front(),
                  records[0].snapshot.guests[0].cells[0].residency[n]);
}

TEST(RecordingPlotTest, TellsOfHomesWithTheirReasons) {
    const PlotData data = plot_of(records_of_small_host());
    EXPECT_GE(guest_of(data, "web").cells.at("cell 0").size(), 1U);
    ASSERT_GE(count(data, EventKind::home_changed), 1U);
    for (const PlotEvent& event : data.events)
        EXPECT_TRUE(event.kind != "HOME_CHANGED" || event.text.size() > 20) << event.text;
}

TEST(RecordingPlotTest, TellsOnceThatAMoveBegan) {
    std::vector<Record> records(3, records_of_small_host().front());
    for (std::size_t i = 0; i < records.size(); ++i)
        records[i].snapshot.now += static_cast<Millis>(i) * 2000;
    std::size_t moves = 0;
    for (const Action& action : records[0].plan.actions)
        moves += std::holds_alternative<MoveMemory>(action);
    records.back().plan.actions.clear();
    const PlotData data = plot_of(records);
    EXPECT_EQ(count(data, EventKind::move_began), moves);
    EXPECT_EQ(count(data, EventKind::move_ended), moves);
}

TEST(RecordingPlotTest, DrawsNoLineWhereAGuestWasAway) {
    std::vector<Record> records(3, records_of_small_host().front());
    for (std::size_t i = 0; i < records.size(); ++i)
        records[i].snapshot.now += static_cast<Millis>(i) * 2000;
    records[1].snapshot.guests.erase(records[1].snapshot.guests.begin());
    const PlotData data = plot_of(records);
    const Series& web = guest_of(data, "web").series;
    ASSERT_EQ(web.times.size(), 3U);
    EXPECT_FALSE(web.columns[0][1]);
    EXPECT_EQ(count(data, EventKind::guest_went), 1U);
}

TEST(RecordingPlotTest, GoesOnAfterARestart) {
    std::vector<Record> records = records_of_small_host();
    records.resize(3);
    records[2].snapshot.now = 5;
    const PlotData data = plot_of(records);
    EXPECT_TRUE(std::is_sorted(data.load.times.begin(), data.load.times.end()));
    EXPECT_EQ(data.load.times.back(), 2'000 + restart_gap);
}

TEST(RecordingPlotTest, ShowsItsEndOnlyIfAsked) {
    const PlotData data = plot_of(records_of_small_host(), 6'000);
    EXPECT_EQ(data.load.times.front(), 16'000);
    EXPECT_EQ(data.load.times.size(), 4U);
    for (const PlotEvent& event : data.events)
        EXPECT_GE(event.time, 16'000);
    EXPECT_FALSE(guest_of(data, "web").cells.at("cell 0").empty()) << "it had its home before";
}

TEST(HistoryPlotTest, SumsTheCellsOfAMinute) {
    HistoryPlot history;
    control::HistoryPage page;
    page.cells = {minute(60'000, 0, 0, 0), minute(60'000, 1, 1, 0), minute(120'000, 0, 0, 0)};
    page.nodes = {{60'000, 0, 4000, 2000, 1000, 8 * gib, 6 * gib}};
    history.add(page);
    const PlotData data = history.finish("test", std::nullopt);
    ASSERT_EQ(data.guests.size(), 1U);
    EXPECT_TRUE(data.is_wall_clock);
    EXPECT_EQ(data.guests[0].series.times, (std::vector<Millis>{60'000, 120'000}));
    EXPECT_EQ(data.guests[0].series.columns[0], (Column{500, 1000}));
    EXPECT_EQ(data.guests[0].series.columns[1], (Column{2 * gib, gib}));
    EXPECT_EQ(data.load.columns[0], (Column{750}));
    EXPECT_EQ(data.available.columns[0], (Column{6 * gib}));
    EXPECT_EQ(data.guests[0].cells.at("cell 1"), (std::vector<Band>{{60'000, 1}}));
}

TEST(HistoryPlotTest, AGuestInItsFirstMinuteIsShownWithItsEvents) {
    HistoryPlot history;
    control::HistoryPage page;
    control::Happening came;
    came.kind = control::EventKind::guest_came;
    came.time_ms = 60'000;
    came.guest = "web1";
    came.uuid = "u";
    came.text = "is new";
    page.events = {came};
    history.add(page);
    const PlotData data = history.finish("test", std::nullopt);
    ASSERT_EQ(data.guests.size(), 1U);
    EXPECT_EQ(data.guests[0].name, "web1");
    ASSERT_EQ(data.events.size(), 1U);
    EXPECT_EQ(data.events[0].guest, 0U);
}

TEST(HistoryPlotTest, AMinuteMayBeOnTwoPages) {
    HistoryPlot history;
    control::HistoryPage page;
    page.cells = {minute(60'000, 0, 0, 0)};
    history.add(page);
    page.cells = {minute(60'000, 1, 0, 1)};
    history.add(page);
    const PlotData data = history.finish("test", std::nullopt);
    EXPECT_EQ(data.guests[0].series.times.size(), 1U);
    EXPECT_EQ(data.guests[0].series.columns[2], (Column{gib}));
}

TEST(HistoryPlotTest, HasAGapWhereMinutesAreMissing) {
    HistoryPlot history;
    control::HistoryPage page;
    page.cells = {minute(60'000, 0, 0, 0), minute(600'000, 0, 0, 0)};
    page.problem = "the disk was full";
    history.add(page);
    history.add(page.problem.empty() ? page : control::HistoryPage{{}, {}, {}, {}, page.problem});
    const PlotData data = history.finish("test", std::nullopt);
    EXPECT_EQ(data.guests[0].series.times.size(), 3U);
    EXPECT_EQ(data.problems, std::vector<std::string>{"the disk was full"});
}

TEST(HistoryPlotTest, KeepsTheLastEventsOfMany) {
    HistoryPlot history;
    control::HistoryPage page;
    page.cells = {minute(60'000, 0, 0, 0)};
    control::Happening felt;
    felt.kind = EventKind::felt;
    felt.guest = "web";
    felt.uuid = "uuid-web";
    for (; felt.time_ms < static_cast<Millis>(max_events) + 5; ++felt.time_ms)
        page.events.push_back(felt);
    history.add(page);
    const PlotData data = history.finish("test", std::nullopt);
    EXPECT_EQ(data.events.size(), max_events);
    EXPECT_EQ(data.events.front().time, 5);
    EXPECT_EQ(data.problems.size(), 1U);
}

}  // namespace
}  // namespace vnuma::ctl::plot
