#include "src/history/history_reader.hpp"

#include <gtest/gtest.h>

#include "tests/src/history/histories.hpp"

namespace vnuma::history {
namespace {

using namespace test;

class HistoryReaderTest : public ::testing::Test {
  protected:
    HistoryReaderTest() {
        for (int minute = 0; minute < 20; ++minute)
            store.write(make_batch(minute, 3));
    }
    // All pages from the first on.
    std::vector<control::HistoryPage> pages(control::SinceArguments arguments) {
        HistoryReader reader(file);
        std::vector<control::HistoryPage> all;
        do {
            all.push_back(cut_page(reader.page(arguments), arguments.limit));
            arguments.since_ms = all.back().next_ms.value_or(0);
        } while (all.back().next_ms && all.size() < 1000);
        return all;
    }

    TemporaryDirectory directory;
    const std::string file = directory.path("history.sqlite");
    HistoryStore store{file};
};

TEST_F(HistoryReaderTest, PagesTogetherHaveEachEntryOnceInItsOrder) {
    const auto all = pages(since(0)).at(0);
    EXPECT_EQ(all.cells.size(), 60U);
    EXPECT_EQ(all.nodes.size(), 40U);
    EXPECT_EQ(all.events.size(), 20U);
    for (const int limit : {1, 2, 3, 7, 10, 59, 60, 10'000}) {
        control::HistoryPage joined;
        for (const auto& page : pages(since(0, limit))) {
            EXPECT_LE(page.cells.size(), static_cast<std::size_t>(std::max(limit, 3)));
            joined.cells.insert(joined.cells.end(), page.cells.begin(), page.cells.end());
            joined.nodes.insert(joined.nodes.end(), page.nodes.begin(), page.nodes.end());
            joined.events.insert(joined.events.end(), page.events.begin(), page.events.end());
        }
        EXPECT_EQ(joined.cells, all.cells) << limit;
        EXPECT_EQ(joined.nodes, all.nodes) << limit;
        EXPECT_EQ(joined.events, all.events) << limit;
    }
}

// A client may ask for more than others should wait for.
TEST_F(HistoryReaderTest, APageIsNoLongerThanItMayBe) {
    constexpr int guests = max_page_limit * 2 / 5;
    for (int minute = 20; minute < 23; ++minute)
        store.write(make_batch(minute, guests));
    std::size_t cells = 0, nodes = 0;
    for (const auto& page : pages(since(time_of(20), 10 * max_page_limit))) {
        EXPECT_LE(page.cells.size(), static_cast<std::size_t>(max_page_limit));
        cells += page.cells.size();
        nodes += page.nodes.size();
    }
    EXPECT_EQ(cells, 3U * guests);
    EXPECT_EQ(nodes, 6U);
}

TEST_F(HistoryReaderTest, APageAboutOneGuestHasNothingOfOthersOrTheHost) {
    Batch batch = make_batch(20, 3);
    batch.happenings = {make_happening(time_of(20), "of the other", "guest1001"),
                        make_happening(time_of(20), "of the host", "")};
    store.write(batch);
    control::SinceArguments arguments = since(time_of(10));
    for (const std::string name : {"guest1001", "6f1c9a5e-9b2e-4d0c-8c1f-000000001001"}) {
        arguments.guest = name;
        const auto page = pages(arguments).at(0);
        EXPECT_EQ(page.cells.size(), 11U);
        EXPECT_TRUE(page.nodes.empty());
        ASSERT_EQ(page.events.size(), 1U);
        EXPECT_EQ(page.events[0].text, "of the other");
        Progress progress;
        EXPECT_EQ(HistoryReader(file).happenings(arguments, progress), page.events);
    }
    arguments.guest = "nobody";
    EXPECT_TRUE(pages(arguments).at(0).cells.empty());
}

TEST_F(HistoryReaderTest, HappeningsAreTheNewestInTheOrderOfTime) {
    HistoryReader reader(file);
    Progress progress;
    const auto newest = reader.happenings(since(0, 2), progress);
    ASSERT_EQ(newest.size(), 2U);
    EXPECT_EQ(newest[0].text, "minute 18");
    EXPECT_EQ(newest[1].text, "minute 19");
    EXPECT_EQ(reader.happenings(since(time_of(19) + 6), progress).size(), 0U);
    EXPECT_EQ(reader.happenings(since(-5, -5), progress).size(), 1U) << "limits are corrected";
}

TEST_F(HistoryReaderTest, ARenamedGuestIsFoundByBothNamesAndCutTextsStayUtf8) {
    Batch batch = make_batch(20, 1);
    batch.minutes[0].cells[0].guest = "renamed";
    std::string text;
    while (text.size() < max_kept_text + 10)
        text += "\xe2\x82\xac";
    batch.happenings[0].text = text;
    store.write(batch);
    control::SinceArguments arguments = since(time_of(19));
    arguments.guest = "renamed";
    const auto page = pages(arguments).at(0);
    EXPECT_EQ(page.cells.size(), 2U);
    EXPECT_EQ(page.events.back().text, text.substr(0, max_kept_text / 3 * 3));
}

TEST(CutPage, AMomentWithMoreThanTheLimitStaysWhole) {
    PagePart part;
    for (int i = 0; i < 5; ++i)
        part.page.events.push_back(make_happening(7, "a"));
    part.page.events.push_back(make_happening(8, "b"));
    part.page.nodes.push_back({9});
    const auto page = cut_page(part, 2);
    EXPECT_EQ(page.events.size(), 5U);
    EXPECT_TRUE(page.nodes.empty());
    EXPECT_EQ(page.next_ms, 8);
    part.page.events.pop_back();
    EXPECT_EQ(cut_page(part, 2).next_ms, std::nullopt);
}

TEST(MemoryColumn, IsReadBackAndNonsenseIsNothing) {
    const std::vector<control::NodeBytes> memory{{0, gib}, {3, 4096}};
    EXPECT_EQ(to_column(memory), "[[0,1073741824],[3,4096]]");
    EXPECT_EQ(from_column(to_column(memory)), memory);
    for (const char* text : {"", "{", "7", "[[1]]", "[[\"a\",2]]", "[null]"})
        EXPECT_TRUE(from_column(text).empty()) << text;
}

}  // namespace
}  // namespace vnuma::history
