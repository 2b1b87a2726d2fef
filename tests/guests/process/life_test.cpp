#include "guests/process/life.hpp"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>

#include "guests/process/process.hpp"
#include "tests/no_free_descriptors.hpp"

namespace vnuma {
namespace {

TEST(FindLife, IsZeroForWhoHasTheNumberAndTheStartTime) {
    const std::uint64_t start_time = Process::open(::getpid())->start_time();
    EXPECT_EQ(find_life(::getpid(), start_time), 0);
    EXPECT_EQ(find_life(::getpid(), start_time + 1), ESRCH) << "the number is another's by now";
}

TEST(FindLife, WithoutAFreeDescriptorItIsNotKnownUnlessNobodyHasTheNumber) {
    const std::uint64_t start_time = Process::open(::getpid())->start_time();
    const pid_t child = ::fork();
    if (child == 0) ::_exit(0);
    ::waitpid(child, nullptr, 0);
    const test::NoFreeDescriptors none;
    EXPECT_EQ(find_life(::getpid(), start_time), EMFILE);
    EXPECT_EQ(find_life(child, start_time), ESRCH);
}

}  // namespace
}  // namespace vnuma
