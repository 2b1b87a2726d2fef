// Pins take time, above all by libvirt. What forbids to do anything meanwhile takes effect before
// the next call.
#include <filesystem>
#include <functional>

#include "tests/src/loop.hpp"

namespace vnuma {
namespace {

using namespace test;

// A guest of four vCPUs that is to be pinned to node 0.
class PinsInTime : public Loop {
  protected:
    PinsInTime() {
        host->guests["a"] = make_guest("alpha", vcpus, 200 * mib, 0);
        all = host->affinity_of("a", 0);
    }

    // Of libvirt. It is told the number of the call.
    void in_each_call(std::function<void(int call)> happens) {
        config.pin_by_libvirt = true;
        host->fail_pin = [this, happens] {
            happens(++calls);
            return PinReply();
        };
    }
    // Until the tick in which the first call was made.
    const ActionResult& run_to_the_first_call() {
        for (int i = 0; i < 5 && calls == 0; ++i)
            run(1);
        EXPECT_GT(calls, 0);
        return ticks.back().results.at(0);
    }
    int pinned() {
        int count = 0;
        for (int vcpu = 0; vcpu < vcpus; ++vcpu) {
            const std::vector<int> cpus = host->affinity_of("a", vcpu);
            count += cpus == host->host.cpus[0] ? 1 : 0;
            EXPECT_TRUE(cpus == host->host.cpus[0] || cpus == all) << vcpu;
        }
        return count;
    }
    void expect_that_an_undo_gives_all_back() {
        controller->undo_pins();
        EXPECT_EQ(pinned(), 0);
        EXPECT_TRUE(journal.entries().empty());
    }

    static constexpr int vcpus = 4;
    std::vector<int> all;
    int calls = 0;
};

TEST_F(PinsInTime, ACallOfLibvirtDuringWhichVnumadIsFrozenIsTheLastOne) {
    in_each_call([&](int call) {
        if (call == 2) directory.write("freeze", "");
    });
    const ActionResult& result = run_to_the_first_call();
    EXPECT_EQ(calls, 2);
    EXPECT_NE(result.skipped.find("vnumad is frozen"), std::string::npos) << result.skipped;
    EXPECT_EQ(result.error, "");
    run(2);
    EXPECT_EQ(calls, 2);
    EXPECT_EQ(pinned(), 2) << "pins stay";
    EXPECT_EQ(journal.entries().size(), 2U);
    std::filesystem::remove(directory.path("freeze"));
    EXPECT_TRUE(reaches(Reason::settled, "a"));
    EXPECT_EQ(calls, vcpus) << "none is made twice";
    EXPECT_EQ(pinned(), vcpus);
    expect_that_an_undo_gives_all_back();
}

// The kernel does it in microseconds.
TEST_F(PinsInTime, AffinitiesOfACellThatIsPinnedInPartWhenVnumadIsFrozenAreTakenBack) {
    host->fail_affinity = [&](const auto&) {
        if (++calls == 2) directory.write("freeze", "");
        return 0;
    };
    const ActionResult& result = run_to_the_first_call();
    EXPECT_NE(result.skipped.find("vnumad is frozen"), std::string::npos) << result.skipped;
    EXPECT_EQ(pinned(), 0);
    EXPECT_TRUE(journal.entries().empty());
    std::filesystem::remove(directory.path("freeze"));
    EXPECT_TRUE(reaches(Reason::settled, "a"));
    expect_that_an_undo_gives_all_back();
}

// libvirt would let the next call wait for its job.
TEST_F(PinsInTime, NoThreadIsPinnedOfAGuestThatHasBegunToMigrateMeanwhile) {
    in_each_call([&](int) {
        clock.pass(max_state_age);
        host->guests["a"].state = RunState::migrating;
    });
    const ActionResult& result = run_to_the_first_call();
    EXPECT_EQ(result.skipped, "it is not running");
    run(2);
    EXPECT_EQ(calls, 1);
    host->guests["a"].state = RunState::running;
    in_each_call([](int) {});
    EXPECT_TRUE(reaches(Reason::settled, "a"));
    expect_that_an_undo_gives_all_back();
}

// The list of all domains with their states does not tell that one of them migrates.
TEST_F(PinsInTime, AGuestWhoseJobIsNotKnownIsAskedForBeforeItsFirstThreadIsPinned) {
    host->jobs_known = false;
    host->on_read_state = [&] { host->guests["a"].state = RunState::migrating; };
    for (int i = 0; i < 5 && host->states_read == 0; ++i)
        run(1);
    ASSERT_EQ(host->states_read, 1U);
    EXPECT_EQ(ticks.back().results.at(0).skipped, "it is not running");
    EXPECT_EQ(host->affinity_calls, 0U);
    EXPECT_EQ(pinned(), 0);
}

TEST_F(PinsInTime, AGuestWhoseJobIsNotKnownIsPinnedOnceItIsSeenToRun) {
    host->jobs_known = false;
    EXPECT_TRUE(reaches(Reason::settled, "a"));
    EXPECT_GT(host->states_read, 0U);
    EXPECT_EQ(pinned(), vcpus);
}

TEST_F(PinsInTime, SlowCallsOfLibvirtTakeNoLongerThanTheirTickAndTheNextOneGoesOn) {
    in_each_call([&](int) { clock.pass(900ms); });
    const ActionResult& result = run_to_the_first_call();
    EXPECT_EQ(calls, 3);
    EXPECT_NE(result.skipped, "");
    EXPECT_EQ(pinned(), 3);
    EXPECT_TRUE(reaches(Reason::settled, "a"));
    EXPECT_EQ(calls, vcpus);
    expect_that_an_undo_gives_all_back();
}

}  // namespace
}  // namespace vnuma
