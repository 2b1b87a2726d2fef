// Runs a part of a test in a child process, for what a process can do to itself only once.
#pragma once

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <exception>

namespace vnuma::test {

// Fails unless `part` returns true. A child has the calling thread only.
template <typename Part>
void expect_in_child(Part part) {
    const pid_t pid = ::fork();
    ASSERT_GE(pid, 0);
    if (pid == 0) {
        bool is_met = false;
        try {
            is_met = part();
        } catch (const std::exception& error) {
            ::dprintf(STDERR_FILENO, "%s\n", error.what());
        }
        ::_exit(is_met ? 0 : 1);
    }
    int status = 0;
    ASSERT_EQ(::waitpid(pid, &status, 0), pid);
    EXPECT_TRUE(WIFEXITED(status)) << "killed by signal " << WTERMSIG(status);
    EXPECT_EQ(WEXITSTATUS(status), 0);
}

}  // namespace vnuma::test
