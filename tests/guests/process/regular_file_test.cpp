#include "guests/process/regular_file.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include "tests/temporary.hpp"

namespace vnuma {
namespace {

TEST(ReadRegularFile, ReadsTheBeginningOfAFile) {
    const test::TemporaryDirectory files;
    files.write("a", "12345");
    files.link("a", "b");
    EXPECT_EQ(read_regular_file(files.path("a"), 100), "12345");
    EXPECT_EQ(read_regular_file(files.path("b"), 3), "123");
}

TEST(ReadRegularFile, OpensNothingElse) {
    const test::TemporaryDirectory files;
    ASSERT_EQ(::mkfifo(files.path("pipe").c_str(), 0600), 0);
    EXPECT_EQ(read_regular_file(files.path("pipe"), 100), std::nullopt) << "and does not wait";
    EXPECT_EQ(read_regular_file(files.path(), 100), std::nullopt);
    EXPECT_EQ(read_regular_file("/dev/zero", 100), std::nullopt);
    EXPECT_EQ(read_regular_file(files.path("none"), 100), std::nullopt);
}

}  // namespace
}  // namespace vnuma
