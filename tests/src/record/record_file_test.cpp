// The file that records are appended to.
#include "src/record/record_file.hpp"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <csignal>
#include <fstream>
#include <sstream>
#include <system_error>

#include "tests/temporary.hpp"

namespace vnuma {
namespace {

class RecordFileTest : public ::testing::Test {
  protected:
    static std::string read(const std::string& path) {
        std::ostringstream text;
        text << std::ifstream(path).rdbuf();
        return text.str();
    }
    static mode_t mode_of(const std::string& path) {
        struct stat found {};
        EXPECT_EQ(::stat(path.c_str(), &found), 0);
        return found.st_mode & 07777;
    }

    test::TemporaryDirectory directory;
    std::string file = directory.path("recording"), older = directory.path("recording.1");
};

TEST_F(RecordFileTest, AppendsToLinesThatAreThere) {
    EXPECT_EQ(RecordFile(file).append("one"), "");
    EXPECT_EQ(RecordFile(file).append("two"), "");
    EXPECT_EQ(read(file), "one\ntwo\n");
}

TEST_F(RecordFileTest, IsReadableByItsOwnerOnly) {
    const mode_t before = ::umask(0);
    RecordFile made(file, 4);
    ::umask(before);
    EXPECT_EQ(mode_of(file), 0600U);
    made.append("one");
    made.append("two");
    EXPECT_EQ(mode_of(file), 0600U);
    EXPECT_EQ(mode_of(older), 0600U);
    directory.write("open", "");
    ::chmod(directory.path("open").c_str(), 0644);
    RecordFile found(directory.path("open"));
    EXPECT_EQ(mode_of(directory.path("open")), 0600U)
        << "a file that was there before has its mode changed";
}

TEST_F(RecordFileTest, IsRotatedBeforeItGrowsBeyondItsLimit) {
    RecordFile recording(file, 10);
    for (const char* line : {"aaaa", "bbbb"})
        EXPECT_EQ(recording.append(line), "");
    EXPECT_EQ(read(file), "aaaa\nbbbb\n") << "the limit is reached, not exceeded";
    recording.append("cccc");
    EXPECT_EQ(read(older), "aaaa\nbbbb\n");
    EXPECT_EQ(read(file), "cccc\n");
    recording.append("dddd");
    recording.append("eeee");
    EXPECT_EQ(read(older), "cccc\ndddd\n") << "only one older file is kept";
    EXPECT_EQ(read(file), "eeee\n");
}

TEST_F(RecordFileTest, NeverGrowsBeyondItsLimitWhateverIsWritten) {
    constexpr std::int64_t limit = 1000;
    RecordFile recording(file, limit);
    for (std::size_t i = 0; i < 300; ++i) {
        ASSERT_EQ(recording.append(std::string(i * 7 % 999, 'x')), "");
        ASSERT_LE(read(file).size(), std::size_t{limit});
    }
    EXPECT_LE(read(older).size(), std::size_t{limit});
}

TEST_F(RecordFileTest, CutsOffAnIncompleteLastLine) {
    directory.write("recording", "one\n" + std::string(200'000, 'x'));
    RecordFile(file).append("two");
    EXPECT_EQ(read(file), "one\ntwo\n");
    directory.write("recording", "no line at all");
    RecordFile(file).append("two");
    EXPECT_EQ(read(file), "two\n");
}

TEST_F(RecordFileTest, RefusesDirectoriesLinksAndDevices) {
    EXPECT_THROW(RecordFile(directory.path()), std::system_error);
    EXPECT_THROW(RecordFile(directory.path("none/recording")), std::system_error);
    EXPECT_THROW(RecordFile("/dev/null"), std::system_error);
    directory.write("elsewhere", "");
    directory.link(directory.path("elsewhere"), "recording");
    EXPECT_THROW(RecordFile{file}, std::system_error);
}

TEST_F(RecordFileTest, RefusesALineThatIsLongerThanTheLimitAndTakesTheNext) {
    RecordFile recording(file, 4);
    EXPECT_NE(recording.append("four").find("5 bytes"), std::string::npos);
    EXPECT_EQ(recording.append("a"), "");
    EXPECT_EQ(read(file), "a\n");
}

// RLIMIT_FSIZE makes a write fail in the middle of a line, as a full disk does.
TEST_F(RecordFileTest, CutsOffALineThatFindsNoRoomAndGoesOnWhenThereIsRoom) {
    RecordFile recording(file);
    ASSERT_EQ(recording.append("one"), "");
    rlimit before{};
    ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &before), 0);
    const auto ignored = std::signal(SIGXFSZ, SIG_IGN);
    const rlimit small{10, before.rlim_max};
    ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &small), 0);
    const std::string problem = recording.append("0123456789");
    const std::string again = recording.append("0123456789");
    ::setrlimit(RLIMIT_FSIZE, &before);
    std::signal(SIGXFSZ, ignored);
    EXPECT_NE(problem.find(file), std::string::npos) << problem;
    EXPECT_EQ(again, problem) << "for as long as there is no room";
    EXPECT_EQ(read(file), "one\n");
    EXPECT_EQ(recording.append("two"), "");
    EXPECT_EQ(read(file), "one\ntwo\n");
}

}  // namespace
}  // namespace vnuma
