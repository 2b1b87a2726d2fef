#include "guests/process/file_descriptor.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>

#include <type_traits>

namespace vnuma {
namespace {

FileDescriptor open_something() {
    return FileDescriptor(::open("/dev/null", O_RDONLY | O_CLOEXEC));
}

bool is_open(int fd) {
    return ::fcntl(fd, F_GETFD) >= 0;
}

TEST(FileDescriptor, ClosesItsDescriptorAtTheEndOfItsLife) {
    int number = -1;
    {
        const FileDescriptor fd = open_something();
        ASSERT_TRUE(fd);
        number = fd.get();
        EXPECT_TRUE(is_open(number));
    }
    EXPECT_FALSE(is_open(number));
}

TEST(FileDescriptor, AFailedOpenIsNoDescriptor) {
    const FileDescriptor fd(::open("/no/such/file", O_RDONLY | O_CLOEXEC));
    EXPECT_FALSE(fd);
    EXPECT_LT(fd.get(), 0);
}

TEST(FileDescriptor, HasOneOwner) {
    static_assert(!std::is_copy_constructible_v<FileDescriptor>);
    FileDescriptor first = open_something();
    const int number = first.get();
    FileDescriptor second = std::move(first);
    EXPECT_FALSE(first);
    EXPECT_EQ(second.get(), number);
    FileDescriptor third = open_something();
    const int old = third.get();
    third = std::move(second);
    EXPECT_FALSE(is_open(old));
    EXPECT_EQ(third.get(), number);
    EXPECT_TRUE(is_open(number));
}

TEST(FileDescriptor, IsClosedByReset) {
    FileDescriptor fd = open_something();
    const int number = fd.get();
    fd.reset();
    EXPECT_FALSE(fd);
    EXPECT_FALSE(is_open(number));
}

TEST(FileDescriptor, AReleasedDescriptorStaysOpen) {
    FileDescriptor fd = open_something();
    const int number = fd.release();
    EXPECT_FALSE(fd);
    EXPECT_TRUE(is_open(number));
    fd.reset(number);
}

TEST(FileDescriptor, ClosingLeavesErrnoAsItWas) {
    FileDescriptor wrong(1 << 20);  // no such descriptor: close(2) fails with EBADF
    errno = ENOSPC;
    wrong.reset();
    EXPECT_EQ(errno, ENOSPC);
}

}  // namespace
}  // namespace vnuma
