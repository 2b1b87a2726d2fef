#include "src/history/history_store.hpp"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <csignal>
#include <filesystem>

#include "tests/src/history/histories.hpp"

namespace vnuma::history {
namespace {

using namespace test;
namespace fs = std::filesystem;

class HistoryStoreTest : public ::testing::Test {
  protected:
    std::vector<std::string> texts() {
        Progress progress;
        std::vector<std::string> found;
        for (const auto& happening : HistoryReader(file).happenings(since(0), progress))
            found.push_back(happening.text);
        return found;
    }
    // With SQLite alone, as another program would.
    void execute(const std::string& sql) {
        directory.write("history.sqlite", "");
        Database(file, Database::Access::write, 0).execute(sql);
    }

    TemporaryDirectory directory;
    const std::string file = directory.path("history.sqlite");
};

TEST_F(HistoryStoreTest, WhatIsWrittenIsReadAfterARestart) {
    Batch batch = make_batch(0, 2);
    batch.minutes[0].cells[1].home.reset();
    batch.progress = {77, 3};
    {
        HistoryStore store(file);
        ASSERT_TRUE(store.write(batch)) << store.problem();
    }
    HistoryStore again(file);
    ASSERT_TRUE(again.open()) << again.problem();
    const PagePart part = HistoryReader(file).page(since(0));
    EXPECT_EQ(part.page.cells, batch.minutes[0].cells);
    EXPECT_EQ(part.page.nodes, batch.minutes[0].nodes);
    EXPECT_EQ(part.page.events, batch.happenings);
    EXPECT_EQ(part.progress.writer, 77);
    EXPECT_EQ(part.progress.batch, 3);
    EXPECT_EQ(part.end, std::nullopt);
    struct stat found {};
    ASSERT_EQ(::stat(file.c_str(), &found), 0);
    EXPECT_EQ(found.st_mode & 0777, 0600U);
}

TEST_F(HistoryStoreTest, AMinuteInTwoPartsHasTheBytesOfBoth) {
    HistoryStore store(file);
    Batch batch = make_batch(0, 1);
    batch.minutes[0].cells[0].moved = 5 * mib;
    store.write(batch);
    batch.minutes[0].cells[0].cpu_use = 10;
    store.write(batch);
    const auto cells = HistoryReader(file).page(since(0)).page.cells;
    ASSERT_EQ(cells.size(), 1U);
    EXPECT_EQ(cells[0].moved, 10 * mib);
    EXPECT_EQ(cells[0].cpu_use, 10);
}

TEST_F(HistoryStoreTest, KeepsItsLengthAndItsBytesForThreeDaysOfAHundredGuests) {
    constexpr int day = 24 * 60, step = 40;  // not every minute
    HistoryLimits limits;
    limits.bytes = 10 << 20;
    HistoryStore store(file, limits);
    std::uintmax_t most = 0;
    for (int minute = 0; minute < 3 * day; minute += step) {
        ASSERT_TRUE(store.write(make_batch(minute, 100))) << store.problem();
        most = std::max(most, fs::file_size(file) + fs::file_size(file + "-wal"));
    }
    EXPECT_LT(most, 10U << 20);
    const auto page = HistoryReader(file).page(since(0, 1)).page;
    EXPECT_EQ(page.nodes.at(0).time_ms, time_of(2 * day));
    EXPECT_EQ(page.events.at(0).text, "minute " + std::to_string(2 * day));
}

TEST_F(HistoryStoreTest, RemovesTheOldestWhereTheBytesDoNotReach) {
    HistoryLimits limits;
    limits.bytes = 1 << 20;
    {
        HistoryStore store(file, limits);
        for (int minute = 0; minute < 200; ++minute)
            ASSERT_TRUE(store.write(make_batch(minute, 100))) << store.problem();
        EXPECT_EQ(texts().back(), "minute 199");
        EXPECT_NE(texts().front(), "minute 0");
        EXPECT_GT(texts().size(), 50U);
    }
    EXPECT_LE(fs::file_size(file), 1U << 19);
    // With a limit that was lowered, the file shrinks.
    limits.bytes = 1 << 18;
    {
        HistoryStore store(file, limits);
        ASSERT_TRUE(store.write(make_batch(200, 100))) << store.problem();
        EXPECT_EQ(texts().back(), "minute 200");
    }
    EXPECT_LE(fs::file_size(file), 1U << 17);
}

TEST_F(HistoryStoreTest, KeepsALimitedNumberOfHappenings) {
    HistoryLimits limits;
    limits.happenings = 5;
    HistoryStore store(file, limits);
    for (int minute = 0; minute < 20; ++minute)
        store.write(make_batch(minute, 1));
    EXPECT_LE(texts().size(), 6U);
    EXPECT_EQ(texts().back(), "minute 19");
}

TEST_F(HistoryStoreTest, ADamagedFileIsSetAsideOnce) {
    directory.write("history.sqlite", std::string(8192, 'x'));
    HistoryStore store(file);
    ASSERT_TRUE(store.write(make_batch(0, 1))) << store.problem();
    EXPECT_NE(store.problem().find("was damaged"), std::string::npos) << store.problem();
    EXPECT_EQ(fs::file_size(file + damaged_suffix), 8192U);
    EXPECT_EQ(texts(), std::vector<std::string>{"minute 0"});
    store.write(make_batch(2 * 24 * 60, 1));
    EXPECT_EQ(store.problem(), "") << "nothing of it would be kept any more";
}

TEST_F(HistoryStoreTest, AFileWithADamagedPageIsSetAside) {
    {
        HistoryStore store(file);
        for (int minute = 0; minute < 50; ++minute)
            store.write(make_batch(minute, 50));
    }
    {
        std::fstream bytes(file, std::ios::in | std::ios::out | std::ios::binary);
        bytes.seekp(4096 * 2);
        bytes << std::string(static_cast<std::size_t>(fs::file_size(file)) - 4096 * 2, '\x7f');
    }
    HistoryStore store(file);
    EXPECT_TRUE(store.write(make_batch(50, 1))) << store.problem();
    EXPECT_NE(store.problem().find("was damaged"), std::string::npos) << store.problem();
    EXPECT_TRUE(fs::exists(file + damaged_suffix));
}

TEST_F(HistoryStoreTest, ANewerVersionAndAForeignFileAreLeftAlone) {
    for (const std::string owner : {"PRAGMA application_id = 0x766e7568; PRAGMA user_version = 2;",
                                    "PRAGMA user_version = 1;"}) {
        execute(owner + "CREATE TABLE theirs(a); INSERT INTO theirs VALUES(7)");
        HistoryStore store(file);
        EXPECT_FALSE(store.write(make_batch(0, 1)));
        EXPECT_NE(store.problem().find("move the file away"), std::string::npos) << store.problem();
        EXPECT_FALSE(fs::exists(file + damaged_suffix));
        EXPECT_EQ(Database(file, Database::Access::read, 0).number("SELECT a FROM theirs"), 7);
        fs::remove(file);
        EXPECT_TRUE(store.write(make_batch(0, 1))) << "without a restart: " << store.problem();
        EXPECT_EQ(store.problem(), "");
    }
}

TEST_F(HistoryStoreTest, AFullDiskLosesMinutesOnly) {
    HistoryStore store(file);
    ASSERT_TRUE(store.write(make_batch(0, 10)));
    struct rlimit before {};
    ::getrlimit(RLIMIT_FSIZE, &before);
    const auto handler = std::signal(SIGXFSZ, SIG_IGN);
    struct rlimit small = before;
    small.rlim_cur = 16 << 10;
    ::setrlimit(RLIMIT_FSIZE, &small);
    int lost = 0;
    for (int minute = 1; minute < 5; ++minute)
        lost += store.write(make_batch(minute, 100)) ? 0 : 1;
    const std::string problem = store.problem();
    ::setrlimit(RLIMIT_FSIZE, &before);
    std::signal(SIGXFSZ, handler);
    EXPECT_EQ(lost, 4);
    EXPECT_NE(problem, "");
    ASSERT_TRUE(store.write(make_batch(6, 10))) << store.problem();
    EXPECT_EQ(store.problem(), "");
    EXPECT_EQ(texts(), (std::vector<std::string>{"minute 0", "minute 6"}));
    EXPECT_FALSE(fs::exists(file + damaged_suffix));
}

TEST_F(HistoryStoreTest, TellsThatItsDirectoryIsMissingAndTriesAgain) {
    HistoryStore store(directory.path("missing/history.sqlite"));
    EXPECT_FALSE(store.write(make_batch(0, 1)));
    EXPECT_NE(store.problem().find("No such file or directory"), std::string::npos);
    fs::create_directory(directory.path("missing"));
    EXPECT_TRUE(store.write(make_batch(1, 1))) << store.problem();
}

TEST_F(HistoryStoreTest, FollowsNoLinkAndOpensNoDirectory) {
    directory.write("other", "");
    directory.link(directory.path("other"), "history.sqlite");
    HistoryStore store(file);
    EXPECT_FALSE(store.open());
    EXPECT_NE(store.problem().find("regular file"), std::string::npos) << store.problem();
    EXPECT_FALSE(HistoryStore(directory.path()).open());
}

TEST_F(HistoryStoreTest, ALockedFileLosesOneBatch) {
    HistoryLimits limits;
    limits.lock_patience = std::chrono::milliseconds(0);
    HistoryStore store(file, limits);
    ASSERT_TRUE(store.open());
    {
        Database other(file, Database::Access::write, 0);
        const Transaction lock(other);
        EXPECT_FALSE(store.write(make_batch(0, 1)));
        EXPECT_NE(store.problem().find("locked"), std::string::npos) << store.problem();
    }
    EXPECT_TRUE(store.write(make_batch(1, 1))) << store.problem();
}

TEST_F(HistoryStoreTest, AFileThatWasRemovedIsBegunAnew) {
    HistoryStore store(file);
    store.write(make_batch(0, 1));
    const auto generation = store.generation();
    for (const char* suffix : {"", "-wal", "-shm"})
        fs::remove(file + suffix);
    EXPECT_TRUE(store.write(make_batch(1, 1))) << store.problem();
    EXPECT_NE(store.generation(), generation);
    EXPECT_EQ(texts(), std::vector<std::string>{"minute 1"});
}

}  // namespace
}  // namespace vnuma::history
