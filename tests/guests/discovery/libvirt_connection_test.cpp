#include "guests/discovery/libvirt_connection.hpp"

#include <gtest/gtest.h>

#include <future>
#include <vector>

namespace vnuma {
namespace {

using Pauses = std::vector<std::chrono::milliseconds>;

// An event loop that fails for a number of runs and then works.
class FailingLoop {
  public:
    explicit FailingLoop(int failures) : failures_(failures) {}

    LibvirtEvents::RunOnce run_once() {
        return [this] {
            if (runs_++ < failures_) return -1;
            if (runs_ == failures_ + 1) working_.set_value();
            return virEventRunDefaultImpl();
        };
    }
    // Returns from every pause at once, but from the last one only after end_last_pause().
    LibvirtEvents::Pause pause() {
        return [this](std::chrono::milliseconds length) {
            pauses_.push_back(length);
            if (runs_ < failures_) return;
            last_pause_.set_value();
            pause_over_.get_future().wait();
        };
    }
    const Pauses& wait_for_last_pause() {
        last_pause_.get_future().wait();
        return pauses_;
    }
    void end_last_pause() { pause_over_.set_value(); }
    void wait_until_it_works() { working_.get_future().wait(); }

  private:
    int failures_, runs_ = 0;
    Pauses pauses_;
    std::promise<void> last_pause_, pause_over_, working_;
};

TEST(LibvirtEvents, ALoopThatFailsIsRunAgainAfterPausesThatGrow) {
    FailingLoop loop(9);
    LibvirtEvents events(loop.run_once(), loop.pause());
    const Pauses pauses = loop.wait_for_last_pause();
    EXPECT_EQ(events.failure(), "") << "nine failures may be a passing trouble";
    loop.end_last_pause();
    const Pauses expected{std::chrono::milliseconds(10),  std::chrono::milliseconds(20),
                          std::chrono::milliseconds(40),  std::chrono::milliseconds(80),
                          std::chrono::milliseconds(160), std::chrono::milliseconds(320),
                          std::chrono::milliseconds(640), std::chrono::milliseconds(1000),
                          std::chrono::milliseconds(1000)};
    EXPECT_EQ(pauses, expected);
}

TEST(LibvirtEvents, ALoopThatKeepsFailingIsReportedUntilItWorksAgain) {
    FailingLoop loop(LibvirtEvents::failures_until_broken);
    LibvirtEvents events(loop.run_once(), loop.pause());
    loop.wait_for_last_pause();
    EXPECT_NE(events.failure(), "");
    loop.end_last_pause();
    loop.wait_until_it_works();
    EXPECT_EQ(events.failure(), "");
}

TEST(LibvirtEvents, APauseEndsWhenTheObjectIsDestroyed) {
    std::promise<void> failed;
    int runs = 0;
    LibvirtEvents events([&] {
        if (++runs == 1) failed.set_value();
        return -1;
    });
    failed.get_future().wait();
}

}  // namespace
}  // namespace vnuma
