#include "guests/process.hpp"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>

#include "guests/sampler.hpp"

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

TEST(Process, OneThatIsGoneCannotBeOpened) {
    Child child;
    const pid_t pid = child.pid();
    child.end();
    EXPECT_FALSE(Process::open(pid));
    EXPECT_FALSE(Process::open(-1));
}

TEST(Process, KnowsItsEndAndReadsNothingFromThenOn) {
    Child child;
    const auto process = Process::open(child.pid());
    ASSERT_TRUE(process);
    EXPECT_TRUE(process->alive());
    child.end();
    EXPECT_FALSE(process->alive());
    EXPECT_FALSE(process->read("maps").has_value() && !process->read("maps")->empty());
    EXPECT_TRUE(process->tasks().empty());
}

const char* const xml =
    "<domain><name>web</name><uuid>u-1</uuid><memory unit='MiB'>64</memory><vcpu>1</vcpu></domain>";

TEST(SampleGuest, ADomainThatVanishedIsDataAndSaysWhy) {
    const GuestSample without = sample_guest({"u-1", "web", "", xml}, std::nullopt);
    EXPECT_NE(without.unsteady.find("its process cannot be found"), std::string::npos);
    EXPECT_EQ(without.cells.size(), 1U);

    Child child;
    auto process = Process::open(child.pid());
    child.end();
    const GuestSample ended = sample_guest({"u-1", "web", "", xml}, std::move(process));
    EXPECT_NE(ended.unsteady, "");
}

TEST(SampleGuest, AProcessThatIsNoGuestSaysWhatIsMissing) {
    const GuestSample sample = sample_guest({"u-1", "web", "", xml}, Process::open(::getpid()));
    EXPECT_NE(sample.unsteady.find("cell 0 cannot be found"), std::string::npos) << sample.unsteady;
}

TEST(SampleGuest, UnusableXmlIsSaidBeforeAnythingElse) {
    const GuestSample sample = sample_guest({"u-1", "web", "", "<domain/>"}, std::nullopt);
    EXPECT_NE(sample.unsteady.find("XML"), std::string::npos);
}

}  // namespace
}  // namespace vnuma
