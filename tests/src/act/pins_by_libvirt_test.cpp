#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <optional>

#include "guests/process/process.hpp"
#include "src/act/restore.hpp"
#include "src/act/thread_pins.hpp"
#include "src/observe/hands_off.hpp"
#include "tests/src/act/kernel_with_libvirt.hpp"
#include "tests/temporary.hpp"

namespace vnuma {
namespace {

// A guest of one vCPU: a process that does nothing.
class GuestProcess {
  public:
    GuestProcess() : pid_(::fork()) {
        if (pid_ != 0) return;
        ::pause();
        ::_exit(0);
    }
    ~GuestProcess() { end(); }
    GuestProcess(const GuestProcess&) = delete;
    GuestProcess& operator=(const GuestProcess&) = delete;

    void end() {
        if (pid_ < 0) return;
        ::kill(pid_, SIGKILL);
        ::waitpid(std::exchange(pid_, -1), nullptr, 0);
    }
    std::shared_ptr<const Process> open() const {
        return std::make_shared<const Process>(std::move(*Process::open(pid_)));
    }
    ThreadIdentity thread() const { return {pid_, open()->start_time()}; }

  private:
    pid_t pid_;
};

// Needs two CPUs.
class PinsByLibvirt : public ::testing::Test {
  protected:
    void SetUp() override {
        all = affinity();
        if (all.size() < 2) GTEST_SKIP() << "one CPU only";
        first = {all[0]};
        second = {all[1]};
    }

    std::vector<int> affinity() const { return affinity(process); }
    static std::vector<int> affinity(const GuestProcess& of) {
        return open_dry_run()->read_cpus(of.thread())->affinity;
    }

    // What a look at the guest finds, with what libvirt's XML says.
    GuestSample look(const std::vector<int>& vcpupin = {}) const { return look(process, vcpupin); }
    GuestSample look(const GuestProcess& at, const std::vector<int>& vcpupin) const {
        GuestSample guest;
        guest.uuid = "u-1";
        guest.name = "alpha";
        guest.state = RunState::running;
        guest.process = at.open();
        Domain domain;
        if (!vcpupin.empty()) domain.tuning.vcpupin[0] = vcpupin;
        guest.domain = std::make_shared<const Domain>(domain);
        VcpuSample& vcpu = guest.cells.emplace_back().vcpus.emplace_back();
        vcpu.thread = at.thread().id;
        vcpu.start_time = at.thread().start_time;
        vcpu.affinity = vcpu.cpuset = affinity(at);  // libvirt limits both
        return guest;
    }
    std::string pin(const GuestSample& guest, const std::vector<int>& cpus) {
        return pins.pin(guest, vcpus_of(guest, guest.cells[0]), cpus, all, why_not);
    }
    std::string release(const GuestSample& guest) {
        return pins.release(vcpus_of(guest, guest.cells[0]), why_not);
    }
    std::string foreign_change(const GuestSample& guest) {
        return find_foreign_change(guest, pins.known(), host).what;
    }
    void follow(std::vector<GuestSample> guests) {
        Sample sample;
        sample.guests = std::move(guests);
        pins.follow(sample, all, [&](const GuestSample&) { return why_not(); });
    }
    static PinReply no_answer() { return {"libvirt has not answered", false}; }
    static PinReply no_libvirt() { return {"libvirt is not there"}; }

    test::TemporaryDirectory directory;
    GuestProcess process;
    test::KernelWithLibvirt kernel{directory.path("pin"), process.thread()};
    Journal journal{directory.path("journal")};
    ThreadPins pins{kernel, journal, true};
    ThreadPins::WhyNot why_not = [] { return std::string(); };
    Host host;
    std::vector<int> all, first, second;
};

TEST_F(PinsByLibvirt, WhatLibvirtAllowedBeforeIsGivenBack) {
    EXPECT_EQ(pin(look(), second), "");
    EXPECT_EQ(kernel.pin(), second);
    EXPECT_EQ(affinity(), second);
    EXPECT_EQ(foreign_change(look(second)), "");
    EXPECT_EQ(pins.known().owners_choice(look(second).cells[0].vcpus[0]), all)
        << "although its cpuset is narrow, too";
    EXPECT_EQ(pin(look(second), first), "") << "another home";
    EXPECT_EQ(kernel.pin(), first);
    const auto restored = pins.undo();
    EXPECT_EQ(kernel.pin(), test::KernelWithLibvirt::without_pin());
    EXPECT_EQ(affinity(), all);
    EXPECT_TRUE(journal.entries().empty());
    EXPECT_NE(describe(restored->at(0)).find("libvirt allows it CPUs 0-63 again"),
              std::string::npos)
        << describe(restored->at(0));
}

TEST_F(PinsByLibvirt, AGuestThatLibvirtDoesNotKnowIsPinnedByItsAffinity) {
    GuestSample guest = look();
    guest.source = "proc";
    EXPECT_EQ(pin(guest, second), "");
    EXPECT_EQ(kernel.pin(), test::KernelWithLibvirt::without_pin());
    EXPECT_EQ(affinity(), second);
}

TEST_F(PinsByLibvirt, APinOfTheOwnerIsGivenBack) {
    std::vector<int> owners = all;
    owners.push_back(60);
    kernel.set_pin(owners);
    EXPECT_EQ(pin(look(owners), second), "");
    EXPECT_EQ(release(look(second)), "");
    EXPECT_EQ(kernel.pin(), owners);
    EXPECT_FALSE(pins.known().holds(look(owners)));
}

TEST_F(PinsByLibvirt, WhatTheOwnerHasSetSinceStays) {
    pin(look(), second);
    kernel.set_pin(first);
    EXPECT_NE(foreign_change(look(first)), "");
    EXPECT_NE(pin(look(first), second), "") << "although nobody has noticed yet";
    pins.undo();
    EXPECT_EQ(kernel.pin(), first);
}

TEST_F(PinsByLibvirt, WhatLibvirtRefusesChangesNothing) {
    kernel.fail_setting = [] { return PinReply{"libvirt: no"}; };
    EXPECT_EQ(pin(look(), second), "vCPU 0: libvirt: no");
    EXPECT_EQ(affinity(), all);
    EXPECT_FALSE(pins.known().holds(look()));
    EXPECT_TRUE(journal.entries().empty());
}

TEST_F(PinsByLibvirt, WithoutAnAnswerAboutThePinBeforeNothingBegins) {
    kernel.fail_reading = no_libvirt;
    EXPECT_EQ(pin(look(), second), "vCPU 0: libvirt is not there");
    EXPECT_TRUE(journal.entries().empty());
    EXPECT_EQ(kernel.pin(), test::KernelWithLibvirt::without_pin());
}

TEST_F(PinsByLibvirt, ACallThatDoesNotReturnIsMadeThreeTimesMoreAndThenTheGuestIsLeftAlone) {
    kernel.fail_setting = no_answer;
    for (int i = 0; i <= max_reapplied; ++i) {
        EXPECT_EQ(foreign_change(look()), "");
        EXPECT_NE(pin(look(), second), "");
    }
    EXPECT_EQ(foreign_change(look()), "libvirt has not pinned vCPU 0 in 4 attempts");
    kernel.set_pin(second);  // the first call has its effect at last
    kernel.fail_setting = [] { return PinReply(); };
    pins.undo();
    EXPECT_EQ(kernel.pin(), test::KernelWithLibvirt::without_pin());
}

TEST_F(PinsByLibvirt, ACallThatDoesItsWorkLateIsConfirmedByTheNextOne) {
    kernel.fail_setting = no_answer;
    EXPECT_NE(pin(look(), second), "");
    kernel.set_pin(second);
    kernel.fail_setting = [] { return PinReply(); };
    EXPECT_EQ(foreign_change(look(second)), "");
    EXPECT_EQ(pin(look(second), second), "");
    EXPECT_FALSE(pins.known().find(look(second).cells[0].vcpus[0])->is_unconfirmed());
    kernel.set_pin(all);
    EXPECT_NE(foreign_change(look(all)), "") << "from now on it is the owner's";
}

// A restore finds the pin from before, since the call to change it still waits in libvirtd.
TEST_F(PinsByLibvirt, ACallThatHasItsEffectAfterTheRestoreIsUndoneAllTheSame) {
    kernel.hold_calls();
    EXPECT_NE(pin(look(), second), "");
    for (int i = 0; i < 2; ++i) {  // at stop, and by the unit's ExecStopPost
        Journal again(directory.path("journal"));
        const auto restored = restore(kernel, again);
        ASSERT_EQ(restored.size(), 1U);
        EXPECT_EQ(restored[0].outcome, PutBack::failed);
        EXPECT_EQ(again.entries().size(), 1U) << "nobody knows whether it will be put back";
    }
    kernel.let_calls_go();
    EXPECT_EQ(kernel.pin(), test::KernelWithLibvirt::without_pin());
    Journal again(directory.path("journal"));
    EXPECT_EQ(restore(kernel, again).at(0).outcome, PutBack::done);
    EXPECT_EQ(kernel.pin(), test::KernelWithLibvirt::without_pin());
    EXPECT_TRUE(again.entries().empty());
}

TEST_F(PinsByLibvirt, AReleaseThatDoesNotReturnIsNobodysChange) {
    pin(look(), second);
    kernel.fail_setting = no_answer;
    EXPECT_NE(release(look(second)), "");
    EXPECT_EQ(foreign_change(look(second)), "");
    kernel.set_pin(test::KernelWithLibvirt::without_pin());
    EXPECT_EQ(foreign_change(look(test::KernelWithLibvirt::without_pin())), "");
    kernel.fail_setting = [] { return PinReply(); };
    EXPECT_EQ(release(look(all)), "");
    EXPECT_TRUE(journal.entries().empty());
}

TEST_F(PinsByLibvirt, WithoutLibvirtTheAffinityIsGivenBackAndThePinAsSoonAsLibvirtIsThere) {
    pin(look(), second);
    kernel.fail_reading = no_libvirt;
    const auto restored = pins.undo();
    ASSERT_EQ(restored->size(), 1U);
    EXPECT_EQ(restored->at(0).outcome, PutBack::failed);
    EXPECT_NE(describe(restored->at(0)).find("libvirt is not there; once libvirt answers"),
              std::string::npos)
        << describe(restored->at(0));
    EXPECT_EQ(affinity(), all);
    EXPECT_EQ(kernel.pin(), second);
    kernel.fail_reading = [] { return PinReply(); };
    Journal again(directory.path("journal"));
    EXPECT_EQ(restore(kernel, again).at(0).outcome, PutBack::done);
    EXPECT_EQ(kernel.pin(), test::KernelWithLibvirt::without_pin());
}

class UnpluggedVcpu : public PinsByLibvirt {
  protected:
    void SetUp() override {
        PinsByLibvirt::SetUp();
        if (IsSkipped()) return;
        pin(look(), second);
        JournalEntry entry = journal.entries().begin()->second;
        journal.end({entry.thread});
        entry.thread.start_time -= 1;  // that thread has ended, and QEMU goes on
        journal.begin({entry});
    }
};

TEST_F(UnpluggedVcpu, ThePinOfTheOneThatIsPluggedInIsNotThatOfTheFormer) {
    follow({look(second)});
    EXPECT_EQ(kernel.pin(), test::KernelWithLibvirt::without_pin());
    EXPECT_TRUE(journal.entries().empty());
}

// Frozen, migrating, or left alone since somebody else has pinned it.
TEST_F(UnpluggedVcpu, ItsPinStaysAsLongAsNothingMayBeDoneToTheGuest) {
    why_not = [] { return std::string("frozen"); };
    follow({look(second)});
    EXPECT_EQ(kernel.pin(), second);
    EXPECT_EQ(journal.entries().size(), 1U);
    why_not = [] { return std::string(); };
    follow({});
    EXPECT_EQ(kernel.pin(), second) << "of a guest that cannot be seen nothing is known";
    EXPECT_EQ(journal.entries().size(), 1U);
    follow({look(second)});
    EXPECT_EQ(kernel.pin(), test::KernelWithLibvirt::without_pin());
    EXPECT_TRUE(journal.entries().empty());
}

// Another process has the guest's UUID, and in libvirt's XML there is what vnumad had set.
class GuestThatComesBack : public PinsByLibvirt {
  protected:
    void leave_as(RunState state) {
        pin(look(), second);
        GuestSample leaving = look(second);
        leaving.state = state;
        leaving.unsteady = "it is leaving";
        follow({leaving});
        process.end();
        follow({});
    }
    GuestSample come_back(const std::vector<int>& vcpupin) {
        kernel_of_returned.set_pin(vcpupin);
        GuestSample guest = look(returned, vcpupin);
        follow({guest});
        return guest;
    }

    GuestProcess returned;
    test::KernelWithLibvirt kernel_of_returned{directory.path("pin"), returned.thread()};
};

TEST_F(GuestThatComesBack, AfterASaveItGetsBackWhatItHadBeforeThePin) {
    leave_as(RunState::saving);
    EXPECT_TRUE(Journal(directory.path("journal")).entries().begin()->second.left);
    EXPECT_TRUE(restore(kernel, journal).empty()) << "a stop forgets nothing of it";
    const GuestSample guest = come_back(second);
    EXPECT_EQ(pins.known().owners_choice(guest.cells[0].vcpus[0]), all);
    EXPECT_EQ(foreign_change(guest), "");
    restore(kernel_of_returned, journal);
    EXPECT_EQ(kernel.pin(), test::KernelWithLibvirt::without_pin());
    EXPECT_TRUE(journal.entries().empty());
}

TEST_F(GuestThatComesBack, OtherCpusAreTheOwners) {
    leave_as(RunState::migrating);
    const GuestSample guest = come_back(first);
    EXPECT_FALSE(pins.known().holds(guest));
    EXPECT_TRUE(journal.entries().empty());
}

TEST_F(GuestThatComesBack, AGuestThatIsStartedAnewHasWhatItsOwnerConfigures) {
    leave_as(RunState::running);
    EXPECT_TRUE(journal.entries().empty());
    EXPECT_FALSE(pins.known().holds(come_back(second)));
}

}  // namespace
}  // namespace vnuma
