#include "guests/process/regular_file.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include "guests/process/file_descriptor.hpp"
#include "tests/temporary.hpp"

namespace vnuma {
namespace {

class ReadRegularFile : public ::testing::Test {
  protected:
    // A file as a process sees it whose root is "container".
    std::optional<std::string> read(const std::string& path, std::size_t limit = 100) const {
        const FileDescriptor root(::open(files.path("container").c_str(), O_PATH | O_DIRECTORY));
        return read_regular_file(root.get(), path, limit);
    }

    test::TemporaryDirectory files;
};

std::optional<std::string> read_of_host(const std::string& path) {
    const FileDescriptor root(::open("/", O_PATH | O_DIRECTORY));
    return read_regular_file(root.get(), path, 100);
}

TEST_F(ReadRegularFile, ReadsTheBeginningOfAFile) {
    files.write("container/a", "12345");
    files.link("a", "container/b");
    EXPECT_EQ(read("/a"), "12345");
    EXPECT_EQ(read("/b", 3), "123");
}

TEST_F(ReadRegularFile, OpensNothingElse) {
    files.write("container/a", "12345");
    ASSERT_EQ(::mkfifo(files.path("container/pipe").c_str(), 0600), 0);
    EXPECT_EQ(read("/pipe"), std::nullopt) << "and does not wait";
    EXPECT_EQ(read("/"), std::nullopt);
    EXPECT_EQ(read("/none"), std::nullopt);
    EXPECT_EQ(read_of_host("/dev/zero"), std::nullopt);
    EXPECT_EQ(read_regular_file(-1, files.path("container/a"), 100), std::nullopt) << "no root";
}

TEST_F(ReadRegularFile, AnAbsoluteLinkStaysWithinTheRoot) {
    files.write("outside", "the host's");
    files.write("container/opt/vm.conf", "its own");
    files.link("/opt/vm.conf", "container/etc/vm.conf");
    files.link(files.path("outside"), "container/etc/outside.conf");
    EXPECT_EQ(read("/etc/vm.conf"), "its own");
    EXPECT_EQ(read("/etc/outside.conf"), std::nullopt);
}

TEST_F(ReadRegularFile, NoWayUpLeadsOutOfTheRoot) {
    files.write("outside", "the host's");
    files.write("container/inside", "its own");
    files.link("../../outside", "container/etc/outside.conf");
    EXPECT_EQ(read("/../outside"), std::nullopt);
    EXPECT_EQ(read("/etc/outside.conf"), std::nullopt);
    EXPECT_EQ(read("/../inside"), "its own") << "as in a process with that root";
}

TEST_F(ReadRegularFile, DoesNotFollowLinksOfProc) {
    EXPECT_EQ(read_of_host("/proc/self/exe"), std::nullopt);
    EXPECT_EQ(read_of_host("/proc/self/root/proc/self/stat"), std::nullopt);
    EXPECT_NE(read_of_host("/proc/self/stat"), std::nullopt);
}

}  // namespace
}  // namespace vnuma
