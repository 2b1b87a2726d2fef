#include "guests/process/files.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "guests/process/file_descriptor.hpp"
#include "tests/temporary.hpp"

namespace vnuma {
namespace {

struct Pipe {
    Pipe() {
        int ends[2]{-1, -1};
        if (::pipe2(ends, O_CLOEXEC) != 0) return;
        out.reset(ends[0]);
        in.reset(ends[1]);
    }
    FileDescriptor out, in;
};

TEST(Files, AFileLongerThanOneReadIsReadWhole) {
    const test::TemporaryDirectory files;
    const std::string text = std::string(50'000, 'a') + "end";
    files.write("long", text);
    EXPECT_EQ(read_small_file(files.path("long")), text);
    const FileDescriptor directory(::open(files.path().c_str(), O_RDONLY | O_DIRECTORY));
    EXPECT_EQ(read_small_file(directory.get(), "long"), text);
}

TEST(Files, AFileThatCannotBeReadIsNothingWithAnError) {
    const test::TemporaryDirectory files;
    EXPECT_FALSE(read_small_file(files.path("missing")));
    EXPECT_EQ(errno, ENOENT);
    EXPECT_FALSE(read_small_file(files.path()));  // a directory
    EXPECT_EQ(errno, EISDIR);
}

TEST(Files, ReadingStopsAtTheLimit) {
    const test::TemporaryDirectory files;
    files.write("file", "0123456789");
    const FileDescriptor fd(::open(files.path("file").c_str(), O_RDONLY | O_CLOEXEC));
    EXPECT_EQ(read_all(fd.get(), 4), "0123");
    EXPECT_EQ(read_all(fd.get(), 100), "456789");
    EXPECT_EQ(read_all(fd.get(), 100), "");
}

TEST(Files, ReadAllGoesOnAfterAShortReadAndReadOnceDoesNot) {
    Pipe pipe;
    ASSERT_TRUE(write_all(pipe.in.get(), "one"));
    EXPECT_EQ(read_once(pipe.out.get(), 100), "one");
    ASSERT_TRUE(write_all(pipe.in.get(), "one"));
    ASSERT_TRUE(write_all(pipe.in.get(), "two"));
    pipe.in.reset();
    EXPECT_EQ(read_all(pipe.out.get(), 100), "onetwo");
}

TEST(Files, AWriteOfWhichTheKernelTakesAPartIsAnError) {
    Pipe pipe;
    ASSERT_EQ(::fcntl(pipe.in.get(), F_SETFL, O_NONBLOCK), 0);
    const std::string more_than_a_pipe_holds(1 << 20, 'x');
    EXPECT_FALSE(write_once(pipe.in.get(), more_than_a_pipe_holds));
    EXPECT_EQ(errno, EIO);
    EXPECT_FALSE(write_all(pipe.in.get(), "x"));
    EXPECT_EQ(errno, EAGAIN);
}

TEST(Files, ADirectoryIsListedUpToALimitWithoutItsHiddenEntries) {
    const test::TemporaryDirectory files;
    for (const char* name : {"a", "b", ".hidden", "c"})
        files.write(name, "");
    auto names = list_directory(AT_FDCWD, files.path(), 100);
    std::sort(names.begin(), names.end());
    EXPECT_EQ(names, (std::vector<std::string>{"a", "b", "c"}));
    EXPECT_EQ(list_directory(AT_FDCWD, files.path(), 2).size(), 2U);
    EXPECT_TRUE(list_directory(AT_FDCWD, files.path("missing"), 100).empty());
    EXPECT_TRUE(list_directory(AT_FDCWD, files.path("a"), 100).empty());
}

}  // namespace
}  // namespace vnuma
