#include "guests/discovery/known_threads.hpp"

#include <gtest/gtest.h>
#include <pthread.h>
#include <unistd.h>

#include <future>
#include <string>
#include <thread>

namespace vnuma {
namespace {

// A thread of this process, from the time when it has its name.
class NamedThread {
  public:
    explicit NamedThread(const std::string& name) {
        std::promise<void> named;
        thread_ = std::thread([this, &named, name] {
            ::pthread_setname_np(::pthread_self(), name.c_str());
            named.set_value();
            end_.get_future().wait();
        });
        named.get_future().wait();
    }
    ~NamedThread() {
        end_.set_value();
        thread_.join();
    }
    NamedThread(const NamedThread&) = delete;
    NamedThread& operator=(const NamedThread&) = delete;

  private:
    std::promise<void> end_;
    std::thread thread_;
};

class KnownThreadsTest : public ::testing::Test {
  protected:
    KnownThreadsTest() { threads.set(process.tasks()); }

    const Process process = Process::open(::getpid()).value();
    KnownThreads threads;
};

TEST_F(KnownThreadsTest, AThreadIsNewUntilItIsKnown) {
    EXPECT_FALSE(threads.has_new(process));
    const NamedThread migration("live_migration");
    EXPECT_TRUE(threads.has_new(process));
    EXPECT_TRUE(threads.has_new(process));
    threads.set(process.tasks());
    EXPECT_FALSE(threads.has_new(process));
}

TEST_F(KnownThreadsTest, ThreadsThatServeIoAreNotNew) {
    const NamedThread pool("worker"), ring("iou-wrk-1234");
    EXPECT_FALSE(threads.has_new(process));
    const NamedThread vcpu("CPU 1/KVM");
    EXPECT_TRUE(threads.has_new(process));
}

}  // namespace
}  // namespace vnuma
