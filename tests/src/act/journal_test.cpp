#include "src/act/journal.hpp"

#include <gtest/gtest.h>
#include <sched.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <fstream>
#include <functional>
#include <memory>
#include <sstream>

#include "src/act/restore.hpp"
#include "src/act/thread_pins.hpp"
#include "tests/src/act/kernel_with_libvirt.hpp"
#include "tests/temporary.hpp"

namespace vnuma {
namespace {

JournalEntry entry(pid_t thread, std::vector<int> ours = {2, 3}) {
    JournalEntry entry{"u-1", "alpha", 7, 70, {thread, 1000}, {}, {}};
    entry.pin.before = {0, 1, 2, 3};
    entry.pin.ours = std::move(ours);
    entry.pin.since = 5000;
    return entry;
}

class JournalTest : public ::testing::Test {
  protected:
    std::string text() const {
        std::ostringstream all;
        all << std::ifstream(file).rdbuf();
        return all.str();
    }

    test::TemporaryDirectory directory;
    const std::string file = directory.path("journal");
};

TEST_F(JournalTest, WhatHasBegunAndNotEndedIsThereAfterARestart) {
    {
        Journal journal(file);
        EXPECT_FALSE(std::filesystem::exists(file)) << "nothing is written before it is needed";
        journal.begin({entry(1), entry(2)});
        journal.end({entry(1).thread});
    }
    const Journal again(file);
    ASSERT_EQ(again.entries().size(), 1U);
    EXPECT_EQ(again.entries().begin()->second, entry(2));
}

TEST_F(JournalTest, UntilTheCallIsMadeThePinBeforeMayBeInForce) {
    Journal journal(file);
    journal.begin({entry(1, {0, 1})});
    journal.begin({entry(1, {2, 3})});
    EXPECT_EQ(Journal(file).entries().begin()->second.former, (std::vector<int>{0, 1}));
}

TEST_F(JournalTest, ARecordThatACrashHasCutShortWasNotBegun) {
    Journal(file).begin({entry(1), entry(2)});
    const std::string whole = text();
    const std::size_t second = whole.rfind('\n', whole.size() - 2) + 1;
    for (std::size_t size = 0; size <= whole.size(); ++size) {
        const std::string cut = whole.substr(0, size);
        const std::size_t entries = parse_journal(cut, read_boot_id()).entries.size();
        EXPECT_EQ(entries, size == whole.size() ? 2U : size >= second ? 1U : 0U) << size;
    }
}

TEST_F(JournalTest, AnotherVersionIsRefusedAndLeftAsItIs) {
    const std::string later = "{\"vnumad_journal\":3,\"boot\":\"b\"}\n{\"unheard\":1}\n";
    directory.write("journal", later);
    try {
        Journal journal(file);
        FAIL() << "it was read";
    } catch (const JournalError& error) {
        EXPECT_NE(std::string(error.what()).find("its version is 3"), std::string::npos)
            << error.what();
    }
    EXPECT_EQ(text(), later);
}

TEST_F(JournalTest, WhatLibvirtHadBeforeIsThereAfterARestart) {
    JournalEntry pinned = entry(1), left = entry(2);
    pinned.pin.libvirt = {{DomainThread::Role::iothread, 7}, {0, 1, 2, 3, 4}, {}};
    left.pin.libvirt = {{DomainThread::Role::emulator, 0}, {0, 1}, {}};
    pinned.pin.configured = left.pin.configured = {2, 3};
    left.left = true;
    Journal(file).begin({pinned, left});
    const Journal again(file);
    EXPECT_EQ(again.entries().at(pinned.thread), pinned);
    EXPECT_EQ(again.entries().at(left.thread), left);
}

TEST_F(JournalTest, TheVersionWithoutPinsByLibvirtIsReadToo) {
    Journal(file).begin({entry(1)});
    std::string first = text();
    first.replace(first.find("\"vnumad_journal\":2"), 18, "\"vnumad_journal\":1");
    directory.write("journal", first);
    EXPECT_EQ(Journal(file).entries().begin()->second, entry(1));
}

TEST_F(JournalTest, DamageBeforeTheLastRecordIsToldWithItsLine) {
    Journal(file).begin({entry(1)});
    directory.write("journal", text() + "{\"begin\":{\n" + text());
    try {
        Journal journal(file);
        FAIL() << "it was read";
    } catch (const JournalError& error) {
        EXPECT_NE(std::string(error.what()).find("line 3"), std::string::npos) << error.what();
    }
}

TEST_F(JournalTest, WhatAnotherBootHasLeftIsOver) {
    Journal(file).begin({entry(1)});
    EXPECT_EQ(parse_journal(text(), read_boot_id()).entries.size(), 1U);
    EXPECT_TRUE(parse_journal(text(), "another").entries.empty());
}

TEST_F(JournalTest, AFileThatIsRemovedIsWrittenAnewWithAllThatIsInForce) {
    Journal journal(file);
    journal.begin({entry(1)});
    std::filesystem::remove(file);
    journal.begin({entry(2)});
    EXPECT_EQ(Journal(file).entries().size(), 2U);
}

TEST_F(JournalTest, WithoutItsDirectoryNothingBegins) {
    Journal journal(file);
    journal.begin({entry(1)});
    std::filesystem::remove_all(directory.path());
    EXPECT_THROW(journal.begin({entry(2)}), std::system_error);
    EXPECT_EQ(journal.entries().size(), 1U);
}

TEST_F(JournalTest, TheFileStaysSmallHoweverManyPinsComeAndGo) {
    Journal journal(file);
    // Each call syncs the file once, which takes milliseconds on a disk.
    std::vector<JournalEntry> pins;
    std::vector<ThreadIdentity> threads;
    for (int thread = 1; thread <= 100; ++thread) {
        pins.push_back(entry(thread));
        threads.push_back(pins.back().thread);
    }
    for (int i = 0; i < 60; ++i) {
        journal.begin(pins);
        journal.end(threads);
    }
    EXPECT_LT(text().size(), 2U << 20);
    EXPECT_TRUE(Journal(file).entries().empty());
}

TEST_F(JournalTest, TheFileStaysSmallHoweverOftenOnePinIsSetAgain) {
    Journal journal(file);
    const std::vector<JournalEntry> pins(500, entry(1));
    for (int i = 0; i < 40; ++i)
        journal.begin(pins);
    EXPECT_LT(text().size(), 2U << 20);
    EXPECT_EQ(Journal(file).entries().size(), 1U);
}

TEST_F(JournalTest, WhatIsKeptIsKnownAsSuchUntilTheNextPin) {
    Journal journal(file);
    journal.begin({entry(1)});
    EXPECT_FALSE(Journal(file).is_kept());
    journal.keep();
    EXPECT_TRUE(Journal(file).is_kept());
    EXPECT_EQ(Journal(file).entries().size(), 1U);
    journal.begin({entry(2)});
    EXPECT_FALSE(Journal(file).is_kept());
}

TEST_F(JournalTest, ALinkAndADeviceAreRefused) {
    directory.link("/dev/zero", "link");
    EXPECT_THROW(Journal(directory.path("link")), std::system_error);
    EXPECT_THROW(Journal("/dev/zero"), JournalError);
}

// Pins a process with one thread to its first CPU, then to its second, then lets it go. Whoever
// does so, or restores, is killed at its step number `at`: before a step that changes the journal's
// file, or before and after each call that sets the affinity, by the kernel or by libvirt.
class KilledAtEveryStep : public JournalTest, public ::testing::WithParamInterface<bool> {
  protected:
    // Tells of each call like the journal does of its steps.
    class SteppedKernel final : public test::KernelWithLibvirt {
      public:
        SteppedKernel(const std::string& pin, ThreadIdentity thread, Journal::Step step)
            : KernelWithLibvirt(pin, thread), step_(std::move(step)) {}
        CallResult set_affinity(const ThreadIdentity& thread,
                                const std::vector<int>& cpus) override {
            step_("call");
            const CallResult result = KernelWithLibvirt::set_affinity(thread, cpus);
            step_("called");
            return result;
        }
        PinReply set_libvirt_pin(const std::string& uuid, DomainThread thread,
                                 const std::vector<int>& cpus) override {
            step_("call");
            PinReply reply = KernelWithLibvirt::set_libvirt_pin(uuid, thread, cpus);
            step_("called");
            return reply;
        }

      private:
        Journal::Step step_;
    };

    void SetUp() override {
        guest = ::fork();
        if (guest == 0) {
            ::pause();
            ::_exit(0);
        }
        before = cpus();
        if (before.size() < 2) GTEST_SKIP() << "one CPU only";
    }
    void TearDown() override {
        ::kill(guest, SIGKILL);
        ::waitpid(guest, nullptr, 0);
    }

    ThreadIdentity thread() const { return {guest, Process::open(guest)->start_time()}; }
    std::vector<int> cpus() const { return open_kernel()->read_cpus(thread())->affinity; }

    // Kills the process at this step, of all or of those with the name.
    static Journal::Step kill_at(int at, const std::string& name = "") {
        return [left = std::make_shared<int>(at), name](const char* step) {
            if ((name.empty() || name == step) && --*left < 0) ::kill(::getpid(), SIGKILL);
        };
    }
    // Runs it in a process of its own, and returns whether that was killed.
    static bool is_killed(const std::function<void()>& work) {
        const pid_t vnumad = ::fork();
        if (vnumad == 0) {
            work();
            ::_exit(0);
        }
        int status = 0;
        ::waitpid(vnumad, &status, 0);
        return WIFSIGNALED(status);
    }

    void pin(const Journal::Step& step) const {
        GuestSample sample;
        sample.name = "alpha";
        sample.process = std::make_shared<const Process>(std::move(*Process::open(guest)));
        CellSample cell;
        VcpuSample& vcpu = cell.vcpus.emplace_back();
        vcpu.thread = guest;
        vcpu.start_time = sample.process->start_time();
        SteppedKernel kernel(libvirt, identity_of(vcpu), step);
        Journal journal(file, step);
        ThreadPins pins(kernel, journal, GetParam());
        const ThreadPins::WhyNot why_not = [] { return std::string(); };
        for (const int cpu : {before[0], before[1]}) {
            vcpu.affinity = cpus();
            pins.pin(sample, vcpus_of(sample, cell), {cpu}, before, why_not);
        }
        pins.release(vcpus_of(sample, cell), why_not);
    }
    void restore_stepwise(const Journal::Step& step) const {
        SteppedKernel kernel(libvirt, thread(), step);
        Journal journal(file, step);
        restore(kernel, journal);
    }
    void expect_that_a_restore_ends_in_the_state_before() const {
        Journal journal(file);
        test::KernelWithLibvirt kernel(libvirt, thread());
        restore(kernel, journal);
        EXPECT_EQ(cpus(), before);
        EXPECT_EQ(kernel.pin(), test::KernelWithLibvirt::without_pin());
        EXPECT_TRUE(Journal(file).entries().empty());
    }

    pid_t guest = -1;
    std::vector<int> before;
    const std::string libvirt = directory.path("libvirt");  // its pin survives whoever has set it
    static constexpr int max_steps = 100;
};

INSTANTIATE_TEST_SUITE_P(ByAffinityAndByLibvirt, KilledAtEveryStep, ::testing::Bool());

TEST_P(KilledAtEveryStep, ARestoreEndsInTheStateBefore) {
    bool was_killed = true, was_pinned = false;
    int at = 0;
    for (; was_killed && at < max_steps; ++at) {
        SCOPED_TRACE("killed at step " + std::to_string(at));
        std::filesystem::remove(file);
        was_killed = is_killed([&] { pin(kill_at(at)); });
        was_pinned |= cpus() != before;
        expect_that_a_restore_ends_in_the_state_before();
    }
    EXPECT_FALSE(was_killed);
    EXPECT_TRUE(was_pinned);
    EXPECT_GT(at, 15) << "steps";
}

TEST_P(KilledAtEveryStep, ARestoreAfterOneThatWasKilledEndsInTheStateBefore) {
    bool was_killed = true, was_done = false;
    int at = 0;
    for (; was_killed && at < max_steps; ++at) {
        SCOPED_TRACE("killed at step " + std::to_string(at));
        std::filesystem::remove(file);
        ASSERT_TRUE(is_killed([&] { pin(kill_at(1, "called")); })) << "pinned twice";
        ASSERT_EQ(cpus(), std::vector<int>{before[1]});
        was_killed = is_killed([&] { restore_stepwise(kill_at(at)); });
        was_done |= was_killed && cpus() == before;
        expect_that_a_restore_ends_in_the_state_before();
    }
    EXPECT_FALSE(was_killed);
    EXPECT_TRUE(was_done) << "killed between the call and the end of its record";
    EXPECT_GT(at, 9) << "steps";
}

}  // namespace
}  // namespace vnuma
