#include "src/act/journal.hpp"

#include <gtest/gtest.h>
#include <sched.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "src/act/restore.hpp"
#include "src/act/thread_pins.hpp"
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
    const std::string later = "{\"vnumad_journal\":2,\"boot\":\"b\"}\n{\"unheard\":1}\n";
    directory.write("journal", later);
    try {
        Journal journal(file);
        FAIL() << "it was read";
    } catch (const JournalError& error) {
        EXPECT_NE(std::string(error.what()).find("its version is 2"), std::string::npos)
            << error.what();
    }
    EXPECT_EQ(text(), later);
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
    for (int i = 0; i < 6000; ++i) {
        journal.begin({entry(1)});
        journal.end({entry(1).thread});
    }
    EXPECT_LT(text().size(), 2U << 20);
    EXPECT_TRUE(Journal(file).entries().empty());
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

// A process with one thread that pins itself to its first CPU, then to its second, then lets go.
// It is killed at its step number `at`: before a step that changes the journal's file, or before
// and after each call that sets the affinity. Returns the steps that it has made.
class KilledAtEveryStep : public JournalTest {
  protected:
    // Tells of each call like the journal does of its steps.
    class SteppedKernel final : public Kernel {
      public:
        explicit SteppedKernel(Journal::Step step) : step_(std::move(step)) {}
        bool acts() const override { return true; }
        bool is_alive(const Process& process) override { return kernel_->is_alive(process); }
        std::optional<ThreadCpus> read_cpus(const ThreadIdentity& thread) override {
            return kernel_->read_cpus(thread);
        }
        std::vector<ThreadIdentity> read_threads(const ThreadIdentity& process) override {
            return kernel_->read_threads(process);
        }
        int read_page_nodes(const Process&, std::span<const std::uint64_t>,
                            std::span<int>) override {
            return ENOSYS;
        }
        Bytes read_available(int) override { return 0; }
        CallResult set_affinity(const ThreadIdentity& thread,
                                const std::vector<int>& cpus) override {
            step_("call");
            const CallResult result = kernel_->set_affinity(thread, cpus);
            step_("called");
            return result;
        }
        // Pins need none of these.
        CallResult move_pages(const Process&, std::span<const std::uint64_t>, int) override {
            return {ENOSYS, {}};
        }
        Bytes read_high_watermark(int) override { return 0; }
        Bytes read_unreserved_huge(int, Bytes) override { return 0; }
        HostPressure read_host_pressure() override { return {}; }
        std::optional<SchedStat> read_times(const Process&, pid_t) override { return {}; }

      private:
        Journal::Step step_;
        std::unique_ptr<Kernel> kernel_ = open_kernel();
    };

    static std::vector<int> cpus_of(pid_t pid) {
        const auto process = Process::open(pid);
        return open_kernel()->read_cpus({pid, process->start_time()})->affinity;
    }

    // Pins the guest, a process of its own that does nothing. Never returns.
    [[noreturn]] void pin_and_die(pid_t guest_pid, int at) const {
        const auto step = [&](const char*) {
            if (--at < 0) ::kill(::getpid(), SIGKILL);
        };
        GuestSample guest;
        guest.name = "alpha";
        guest.process = std::make_shared<const Process>(std::move(*Process::open(guest_pid)));
        CellSample cell;
        VcpuSample& vcpu = cell.vcpus.emplace_back();
        vcpu.thread = guest_pid;
        vcpu.start_time = guest.process->start_time();
        SteppedKernel kernel(step);
        Journal journal(file, step);
        ThreadPins pins(kernel, journal);
        const std::vector<int> all = cpus_of(guest_pid);
        for (const int cpu : {all[0], all[1]}) {
            vcpu.affinity = cpus_of(guest_pid);
            pins.pin(guest, vcpus_of(guest, cell), {cpu}, all);
        }
        pins.release(vcpus_of(guest, cell));
        ::_exit(0);
    }
};

TEST_F(KilledAtEveryStep, ARestoreEndsInTheStateBefore) {
    const pid_t guest = ::fork();
    if (guest == 0) {
        ::pause();
        ::_exit(0);
    }
    const std::vector<int> before = cpus_of(guest);
    if (before.size() < 2) GTEST_SKIP() << "one CPU only";
    bool was_killed = true, was_pinned = false;
    int at = 0;
    for (; was_killed && at < 100; ++at) {
        std::filesystem::remove(file);
        const pid_t vnumad = ::fork();
        if (vnumad == 0) pin_and_die(guest, at);
        int status = 0;
        ASSERT_EQ(::waitpid(vnumad, &status, 0), vnumad);
        was_killed = WIFSIGNALED(status);
        was_pinned |= cpus_of(guest) != before;
        Journal journal(file);
        const auto kernel = open_kernel();
        restore(*kernel, journal);
        EXPECT_EQ(cpus_of(guest), before) << "killed at step " << at;
        EXPECT_TRUE(Journal(file).entries().empty());
    }
    EXPECT_TRUE(was_pinned);
    EXPECT_GT(at, 15) << "steps";
    ::kill(guest, SIGKILL);
    ::waitpid(guest, nullptr, 0);
}

}  // namespace
}  // namespace vnuma
