#include "src/ctl/atomic_file.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "guests/process/file_descriptor.hpp"
#include "guests/process/files.hpp"
#include "src/ctl/context.hpp"
#include "tests/temporary.hpp"

namespace vnuma::ctl {
namespace {

std::string text_of(const std::string& file) {
    std::ostringstream text;
    text << std::ifstream(file).rdbuf();
    return text.str();
}

class AtomicFileTest : public ::testing::Test {
  protected:
    std::size_t files() const {
        std::size_t count = 0;
        for ([[maybe_unused]] const auto& entry :
             std::filesystem::directory_iterator(directory_.path()))
            ++count;
        return count;
    }

    const test::TemporaryDirectory directory_;
    const std::string file_ = directory_.path("metrics.prom");
};

TEST_F(AtomicFileTest, IsMadeWithItsModeAndLeavesNothingElse) {
    replace_file(file_, "a 1\n", 0600);
    EXPECT_EQ(text_of(file_), "a 1\n");
    struct stat status {};
    ASSERT_EQ(::stat(file_.c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 0777, 0600u);
    replace_file(file_, "b 2\n");
    EXPECT_EQ(text_of(file_), "b 2\n");
    EXPECT_EQ(files(), 1u);
}

TEST_F(AtomicFileTest, ThoseWhoReadHaveTheWholeOldText) {
    replace_file(file_, "old");
    const FileDescriptor reader(::open(file_.c_str(), O_RDONLY | O_CLOEXEC));
    replace_file(file_, "new");
    EXPECT_EQ(read_all(reader.get(), 100), "old");
}

TEST_F(AtomicFileTest, ADeviceIsWrittenToAndStays) {
    replace_file("/dev/null", "text");
    struct stat status {};
    ASSERT_EQ(::stat("/dev/null", &status), 0);
    EXPECT_TRUE(S_ISCHR(status.st_mode));
    EXPECT_THROW(replace_file("/dev/full", "text"), Failed);
}

TEST_F(AtomicFileTest, APipeIsWrittenTo) {
    const std::string pipe = directory_.path("pipe");
    ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
    const FileDescriptor both(::open(pipe.c_str(), O_RDWR | O_CLOEXEC));
    replace_file(pipe, "text");
    EXPECT_EQ(read_once(both.get(), 100), "text");
}

TEST_F(AtomicFileTest, ALinkToAFileIsNeitherFollowedNorReplaced) {
    directory_.write("precious", "text");
    directory_.link(directory_.path("precious"), "link");
    directory_.link("/none/such", "dangling");
    EXPECT_THROW(replace_file(directory_.path("link"), "other"), Failed);
    EXPECT_THROW(replace_file(directory_.path("dangling"), "other"), Failed);
    EXPECT_EQ(text_of(directory_.path("precious")), "text");
    EXPECT_TRUE(std::filesystem::is_symlink(directory_.path("link")));
}

TEST_F(AtomicFileTest, WhatCannotBeWrittenIsNamed) {
    const std::string file = directory_.path("no/such/metrics.prom");
    try {
        replace_file(file, "text");
        FAIL() << "nothing was thrown";
    } catch (const Failed& error) {
        EXPECT_EQ(std::string(error.what()).find(file + " cannot be written: "), 0u);
    }
    EXPECT_THROW(replace_file(directory_.path(), "text"), Failed) << "a directory";
    EXPECT_EQ(files(), 0u);
}

}  // namespace
}  // namespace vnuma::ctl
