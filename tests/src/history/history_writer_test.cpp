#include "src/history/history_writer.hpp"

#include <gtest/gtest.h>

#include <filesystem>

#include "tests/src/history/histories.hpp"
#include "tests/src/hosts.hpp"

namespace vnuma::history {
namespace {

using namespace test;
using namespace std::chrono_literals;
constexpr auto long_enough = 30s;

class HistoryWriterTest : public ::testing::Test {
  protected:
    static Tick tick_at(std::int64_t time_ms) {
        Tick tick;
        tick.time_ms = time_ms;
        tick.look = std::make_shared<Look>();
        tick.snapshot.topology = test::two_nodes().topology;
        return tick;
    }
    static std::vector<std::string> texts(const std::vector<control::Happening>& happenings) {
        std::vector<std::string> all;
        for (const auto& happening : happenings)
            all.push_back(happening.text);
        return all;
    }

    TemporaryDirectory directory;
    const std::string file = directory.path("history.sqlite");
    const std::vector<std::string> both{"first", "second"};
};

TEST_F(HistoryWriterTest, HappeningsAreFoundOnceWhetherTheyAreOnDiskOrNot) {
    {
        HistoryWriter writer(file);
        writer.update(tick_at(time_of(0)));
        writer.add({make_happening(time_of(0), "first")});
        writer.update(tick_at(time_of(1)));  // may write now, or later
        writer.add({make_happening(time_of(1), "second")});
        for (int i = 0; i < 20; ++i) {
            EXPECT_EQ(texts(writer.happenings(since(0)).events), both);
            EXPECT_EQ(texts(writer.page(since(0)).events), both);
        }
        EXPECT_TRUE(writer.finish(long_enough));
        EXPECT_EQ(texts(writer.happenings(since(0)).events), both);
        EXPECT_EQ(texts(writer.page(since(0)).events), both);
        EXPECT_EQ(writer.problem(), "");
    }
    HistoryWriter again(file);
    again.update(tick_at(time_of(2)));
    EXPECT_TRUE(again.finish(long_enough));
    const auto page = again.page(since(0));
    EXPECT_EQ(texts(page.events), both);
    EXPECT_EQ(page.nodes.size(), 6U) << "three minutes of two nodes";
}

TEST_F(HistoryWriterTest, AFileThatCannotBeReadIsToldUntilItCan) {
    HistoryWriter writer(file);
    writer.update(tick_at(time_of(0)));
    writer.add({make_happening(time_of(0), "first")});
    EXPECT_TRUE(writer.finish(long_enough));
    std::filesystem::rename(file, file + ".away");
    EXPECT_TRUE(writer.happenings(since(0)).events.empty());
    EXPECT_NE(writer.problem().find("cannot be read"), std::string::npos) << writer.problem();
    EXPECT_EQ(writer.page(since(0)).problem, writer.problem());
    std::filesystem::rename(file + ".away", file);
    EXPECT_EQ(texts(writer.happenings(since(0)).events), std::vector<std::string>{"first"});
    EXPECT_EQ(writer.problem(), "");
}

TEST_F(HistoryWriterTest, WhatCannotBeWrittenIsCountedAndNothingElseHappens) {
    HistoryWriter writer(directory.path("missing/history.sqlite"));
    writer.update(tick_at(time_of(0)));
    writer.add({make_happening(time_of(0), "first")});
    writer.update(tick_at(time_of(1)));
    EXPECT_TRUE(writer.finish(long_enough));
    EXPECT_EQ(writer.lost().happenings, 1U);
    EXPECT_EQ(writer.lost().minutes, 2U);
    EXPECT_NE(writer.problem().find("2 minutes and 1 happenings"), std::string::npos)
        << writer.problem();
    EXPECT_EQ(writer.page(since(0)).problem, writer.problem());
}

TEST_F(HistoryWriterTest, MoreThanMayWaitIsLostFromTheOldestOn) {
    HistoryWriter writer(directory.path("missing/history.sqlite"));
    const std::vector<control::Happening> many(max_waiting_happenings / 2 + 1,
                                               make_happening(time_of(0), "one of many"));
    for (int i = 0; i < 4; ++i)
        writer.add(many);
    EXPECT_TRUE(writer.finish(long_enough));
    EXPECT_EQ(writer.lost().happenings, 4 * many.size());
}

}  // namespace
}  // namespace vnuma::history
