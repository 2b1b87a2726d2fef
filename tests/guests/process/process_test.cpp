#include "guests/process/process.hpp"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>

namespace vnuma {
namespace {

// A child that lives until it is killed.
class Child {
  public:
    Child() : pid_(::fork()) {
        if (pid_ == 0) {
            ::pause();
            _exit(0);
        }
    }
    ~Child() { end(); }
    Child(const Child&) = delete;
    Child& operator=(const Child&) = delete;
    void end() {
        if (pid_ <= 0) return;
        ::kill(pid_, SIGKILL);
        ::waitpid(pid_, nullptr, 0);
        pid_ = -1;
    }
    pid_t pid() const { return pid_; }

  private:
    pid_t pid_;
};

TEST(Process, ReadsItsOwnFilesAndTasks) {
    const auto self = Process::open(::getpid());
    ASSERT_TRUE(self);
    EXPECT_TRUE(self->alive());
    EXPECT_GT(self->start_time(), 0U);
    const auto tasks = self->tasks();
    EXPECT_NE(std::find(tasks.begin(), tasks.end(), ::getpid()), tasks.end());
    EXPECT_TRUE(self->read("numa_maps"));
    EXPECT_FALSE(self->read("no-such-file"));
}

TEST(Process, KnowsWhichFileAPathLeadsTo) {
    const auto self = Process::open(::getpid());
    ASSERT_TRUE(self);
    EXPECT_TRUE(self->file_id("root/proc/self"));
    EXPECT_EQ(self->file_id("root/"), self->file_id("root/proc/.."));
    EXPECT_NE(self->file_id("root/"), self->file_id("root/proc"));
    EXPECT_FALSE(self->file_id("root/no-such-file"));
}

TEST(Process, CannotBeOpenedAfterItsEnd) {
    Child child;
    const pid_t pid = child.pid();
    child.end();
    EXPECT_FALSE(Process::open(pid));
    EXPECT_FALSE(Process::open(-1));
}

TEST(Process, ReadsNothingAfterItsEnd) {
    Child child;
    const auto process = Process::open(child.pid());
    ASSERT_TRUE(process);
    EXPECT_TRUE(process->alive());
    child.end();
    EXPECT_FALSE(process->alive());
    EXPECT_FALSE(process->read("maps").has_value() && !process->read("maps")->empty());
    EXPECT_TRUE(process->tasks().empty());
}

TEST(Process, ReadsItsLinksAndDirectories) {
    const auto self = Process::open(::getpid());
    EXPECT_EQ(self->read_link("exe"), Process::open(::getpid())->read_link("exe"));
    EXPECT_NE(self->read_link("exe").find("test-guests"), std::string::npos);
    EXPECT_EQ(self->read_link("no-such-link"), "");
    EXPECT_GE(self->list("fd", 100).size(), 3U);
    EXPECT_EQ(self->list("fd", 1).size(), 1U);
}

TEST(Process, IsMovedWithItsDescriptors) {
    auto first = Process::open(::getpid());
    ASSERT_TRUE(first);
    const Process second = std::move(*first);
    EXPECT_TRUE(second.alive());
    EXPECT_TRUE(second.read("status"));
}

TEST(Process, OpensFilesForReadingPieceByPiece) {
    const auto self = Process::open(::getpid());
    EXPECT_TRUE(self->open_for_reading("maps"));
    EXPECT_EQ(self->read_head("maps", 10)->size(), 10U);
    EXPECT_FALSE(self->open_for_reading("no-such-file"));
    EXPECT_EQ(errno, ENOENT);
    EXPECT_FALSE(self->write("no-such-file", "1"));
}

}  // namespace
}  // namespace vnuma
