#include "src/observe/hands_off.hpp"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <fstream>

#include "guests/process/process.hpp"
#include "tests/no_free_descriptors.hpp"
#include "tests/temporary.hpp"

namespace vnuma {
namespace {

class HandsOffTest : public ::testing::Test {
  protected:
    HandsOffTest() {
        GuestSample& guest = sample.guests.emplace_back();
        guest.uuid = "u-1";
        guest.name = "alpha";
        guest.state = RunState::running;
        guest.process = std::make_shared<const Process>(std::move(*Process::open(::getpid())));
        guest.domain = std::make_shared<const Domain>();
        VcpuSample& vcpu = guest.cells.emplace_back().vcpus.emplace_back();
        vcpu.thread = 12;
        vcpu.affinity = {2, 3};
        host.cpus = {{0, 1}, {2, 3}};
        pins.set(identity_of(vcpu), {{0, 1, 2, 3}, {2, 3}, true, {}, 0, 0});
    }
    GuestSample& guest() { return sample.guests[0]; }
    void configure(std::vector<int> vcpupin) {
        Domain domain;
        domain.tuning.vcpupin[0] = std::move(vcpupin);
        guest().domain = std::make_shared<const Domain>(domain);
    }

    test::TemporaryDirectory directory;
    const std::string files = directory.path("hands-off");
    Sample sample;
    Host host;
    KnownPins pins;
};

TEST_F(HandsOffTest, OurOwnPinIsNobodysChange) {
    EXPECT_EQ(find_foreign_change(guest(), pins, host).what, "");
}

TEST_F(HandsOffTest, AffinityThatSomebodyElseHasSetIsAChangeWhateverItsValue) {
    guest().cells[0].vcpus[0].affinity = {0, 1, 2, 3};
    const ForeignChange change = find_foreign_change(guest(), pins, host);
    EXPECT_EQ(change.what, "someone else changed the CPUs of vCPU 0 to 0-3");
    EXPECT_EQ(change.threads.size(), 1U);
    host.forgets_affinities = true;
    EXPECT_EQ(find_foreign_change(guest(), pins, host).what, "") << "an old kernel does the same";
}

// virsh vcpupin with the very CPUs that vnumad has chosen.
TEST_F(HandsOffTest, CpusThatTheOwnerConfiguresAreAChangeEvenIfTheyAreOurs) {
    configure({2, 3});
    EXPECT_EQ(find_foreign_change(guest(), pins, host).what,
              "its owner has configured the CPUs of vCPU 0: 2-3");
}

// What libvirt has pinned for vnumad is in its configuration of the guest.
class PinnedByLibvirt : public HandsOffTest {
  protected:
    PinnedByLibvirt() {
        pin.before = {0, 1, 2, 3};
        pin.ours = pin.configured = {2, 3};
        pin.libvirt = {{DomainThread::Role::vcpu, 0}, {0, 1, 2, 3}, {}};
        configure({2, 3});
    }
    std::string change() {
        pins.set(identity_of(guest().cells[0].vcpus[0]), pin);
        return find_foreign_change(guest(), pins, host).what;
    }

    Pin pin;
};

TEST_F(PinnedByLibvirt, OurOwnPinIsNobodysChange) {
    EXPECT_EQ(change(), "");
}

TEST_F(PinnedByLibvirt, AnyOtherConfigurationIsTheOwnersEvenTheOneFromBefore) {
    configure({0, 1, 2, 3});
    EXPECT_EQ(change(), "its owner has configured the CPUs of vCPU 0: 0-3");
    guest().domain = std::make_shared<const Domain>();
    EXPECT_EQ(change(), "its owner has configured the CPUs of vCPU 0: all");
}

TEST_F(PinnedByLibvirt, ADescriptionFromBeforeThePinSaysNothing) {
    configure({0, 1, 2, 3});
    guest().state = RunState::unknown;  // libvirt does not answer
    EXPECT_EQ(change(), "");
}

TEST_F(PinnedByLibvirt, UntilACallReturnsTheConfigurationFromBeforeIsNobodysChange) {
    pin.libvirt->unconfirmed = std::vector<int>{0, 1};
    guest().cells[0].vcpus[0].affinity = {0, 1};
    for (const std::vector<int>& cpus : {std::vector<int>{0, 1}, {2, 3}}) {
        configure(cpus);
        EXPECT_EQ(change(), "");
    }
    configure({1});
    EXPECT_EQ(change(), "its owner has configured the CPUs of vCPU 0: 1");
}

// Their cpuset is the emulator's, which libvirt pins for vnumad.
TEST_F(PinnedByLibvirt, WhatIsConfiguredForThreadsThatFollowTheEmulatorIsNotTheirOwners) {
    ThreadSample& vhost = guest().vhost.emplace_back();
    vhost.thread = 13;
    vhost.affinity = {2, 3};
    pins.set(identity_of(vhost), {{0, 1, 2, 3}, {2, 3}, true, {}, 0, 0});
    Domain domain = *guest().domain;
    domain.tuning.emulatorpin = std::vector<int>{2, 3};
    guest().domain = std::make_shared<const Domain>(domain);
    EXPECT_EQ(change(), "");
    pins.erase(identity_of(guest().cells[0].vcpus[0]));
    EXPECT_NE(find_foreign_change(guest(), pins, host).what, "") << "vnumad pins by affinities";
}

// A late call may still do its work, so the pin stays in the journal.
TEST_F(PinnedByLibvirt, AfterThreeMoreAttemptsTheGuestIsLeftAlone) {
    pin.libvirt->unconfirmed = std::vector<int>{2, 3};
    pin.reapplied = max_reapplied;
    EXPECT_EQ(change(), "libvirt has not pinned vCPU 0 in 4 attempts");
    EXPECT_TRUE(find_foreign_change(guest(), pins, host).threads.empty());
}

TEST_F(HandsOffTest, AGuestIsLeftAloneUntilItsFileIsRemoved) {
    HandsOffGuests guests(files);
    guests.add(guest(), {"first", ""});
    guests.add(guest(), {"second", "third"});
    guests.refresh(sample);
    ASSERT_NE(guests.find("u-1"), nullptr);
    EXPECT_EQ(*guests.find("u-1"), (HandsOff{"first", "third"}));
    EXPECT_EQ(guests.find("u-2"), nullptr);
    std::filesystem::remove(files + "/u-1");
    guests.refresh(sample);
    EXPECT_EQ(guests.find("u-1"), nullptr);
}

TEST_F(HandsOffTest, ARestartedVnumadKnowsTheGuest) {
    HandsOffGuests(files).add(guest(), {"because", ""});
    HandsOffGuests again(files);
    again.refresh(sample);
    ASSERT_NE(again.find("u-1"), nullptr);
    EXPECT_EQ(again.find("u-1")->cpus, "because");
}

TEST_F(HandsOffTest, AGuestThatIsStartedAnewIsBalancedAgain) {
    HandsOffGuests guests(files);
    guests.add(guest(), {"because", ""});
    guest().process = std::make_shared<const Process>(std::move(*Process::open(::getppid())));
    guests.refresh(sample);
    EXPECT_EQ(guests.find("u-1"), nullptr);
    EXPECT_FALSE(std::filesystem::exists(files + "/u-1"));
}

TEST_F(HandsOffTest, NothingIsKeptOfAGuestThatHasEndedForGood) {
    const pid_t child = ::fork();
    if (child == 0) {
        ::pause();
        ::_exit(0);
    }
    guest().process = std::make_shared<const Process>(std::move(*Process::open(child)));
    HandsOffGuests guests(files);
    guests.add(guest(), {"because", ""});
    guests.refresh(Sample{});
    EXPECT_NE(guests.find("u-1"), nullptr) << "it is missing from one sample only";
    ::kill(child, SIGKILL);
    ::waitpid(child, nullptr, 0);
    guests.refresh(Sample{});
    EXPECT_EQ(guests.find("u-1"), nullptr);
    EXPECT_FALSE(std::filesystem::exists(files + "/u-1"));
}

TEST_F(HandsOffTest, AProcessWithoutFreeDescriptorsForgetsNoGuest) {
    HandsOffGuests guests(files);
    guests.add(guest(), {"because", ""});
    {
        const test::NoFreeDescriptors none;
        guests.refresh(sample);
        guests.refresh(Sample{});
    }
    guests.refresh(sample);
    EXPECT_NE(guests.find("u-1"), nullptr);
    EXPECT_TRUE(std::filesystem::exists(files + "/u-1"));
}

TEST_F(HandsOffTest, AFileThatCannotBeReadIsToldAndHolds) {
    directory.write("hands-off/u-1", "no JSON");
    HandsOffGuests guests(files);
    guests.refresh(sample);
    EXPECT_NE(guests.problem().find("hands-off/u-1"), std::string::npos) << guests.problem();
    ASSERT_NE(guests.find("u-1"), nullptr);
    guests.refresh(sample);
    EXPECT_EQ(guests.find("u-1")->cpus, files + "/u-1 exists");
}

TEST_F(HandsOffTest, AnAdministratorMayMakeTheFile) {
    directory.write("hands-off/u-1", "");
    HandsOffGuests guests(files);
    guests.refresh(sample);
    EXPECT_EQ(guests.problem(), "");
    ASSERT_NE(guests.find("u-1"), nullptr);
    EXPECT_EQ(guests.find("u-1")->memory, files + "/u-1 exists");
    std::filesystem::remove(files + "/u-1");
    guests.refresh(sample);
    EXPECT_EQ(guests.find("u-1"), nullptr);
}

TEST_F(HandsOffTest, AnAdministratorMayWriteTheUuidInAnySpelling) {
    const std::string file = "hands-off/ABCDEF012345467889ABCDEFABCDEF01";
    guest().uuid = "abcdef01-2345-4678-89ab-cdefabcdef01";
    directory.write(file, "");
    HandsOffGuests guests(files);
    for (int look = 0; look < 2; ++look) {
        guests.refresh(sample);
        EXPECT_NE(guests.find(guest().uuid), nullptr);
    }
    std::filesystem::remove(directory.path(file));
    guests.refresh(sample);
    EXPECT_EQ(guests.find(guest().uuid), nullptr);
}

TEST_F(HandsOffTest, ForgettingAGuestRemovesItsFilesAndNoOthers) {
    const std::string uuid = "abcdef01-2345-4678-89ab-cdefabcdef01";
    EXPECT_EQ(forget_hands_off(files, uuid), "") << "there is no directory yet";
    directory.write("hands-off/u-1", "");
    directory.write("hands-off/" + uuid, "");
    directory.write("hands-off/ABCDEF012345467889ABCDEFABCDEF01", "");
    HandsOffGuests guests(files);
    guests.refresh(sample);
    EXPECT_NE(guests.find(uuid), nullptr);
    EXPECT_EQ(forget_hands_off(files, uuid), "");
    guests.refresh(sample);
    EXPECT_EQ(guests.find(uuid), nullptr);
    EXPECT_NE(guests.find("u-1"), nullptr);
    // A directory of that name cannot be unlinked.
    std::filesystem::create_directory(files + "/u-2");
    EXPECT_TRUE(forget_hands_off(files, "u-2").starts_with(files + "/u-2: "));
}

TEST_F(HandsOffTest, WhoMayNotWriteReadsTheFilesAndLeavesThemAsTheyAre) {
    directory.write("hands-off/u-1", "");
    directory.write("hands-off/u-2", R"({"process": 1, "process_start": 999999999, "cpus": "x"})");
    HandsOffGuests guests(files, false);
    guests.add(guest(), {"because", ""});
    guests.refresh(sample);
    EXPECT_NE(guests.find("u-1"), nullptr);
    EXPECT_EQ(guests.find("u-2"), nullptr) << "its process has ended";
    EXPECT_EQ(guests.problem(), "");
    std::ifstream first(files + "/u-1");
    EXPECT_EQ(first.peek(), std::ifstream::traits_type::eof()) << "it is as empty as it was";
    EXPECT_TRUE(std::filesystem::exists(files + "/u-2"));
}

TEST_F(HandsOffTest, WhatCouldNotBeWrittenIsWrittenLater) {
    directory.write("hands-off", "in the way");
    HandsOffGuests guests(files);
    guests.add(guest(), {"because", ""});
    EXPECT_NE(guests.problem(), "");
    guests.refresh(sample);
    EXPECT_NE(guests.problem(), "") << "it is told as long as it lasts";
    std::filesystem::remove(files);
    guests.refresh(sample);
    EXPECT_EQ(guests.problem(), "");
    EXPECT_TRUE(std::filesystem::exists(files + "/u-1"));
}

TEST_F(HandsOffTest, TheFileOfAGuestThatHasEndedGoes) {
    directory.write("hands-off/u-2", R"({"process": 1, "process_start": 999999999, "cpus": "x"})");
    HandsOffGuests guests(files);
    guests.refresh(sample);
    EXPECT_EQ(guests.find("u-2"), nullptr);
    EXPECT_FALSE(std::filesystem::exists(files + "/u-2"));
}

// Two QEMUs may give the same UUID.
TEST_F(HandsOffTest, AUuidWithASlashHasAFileToo) {
    guest().uuid = "u-1/b.sock";
    HandsOffGuests(files).add(guest(), {"because", ""});
    HandsOffGuests again(files);
    again.refresh(sample);
    EXPECT_NE(again.find("u-1/b.sock"), nullptr);
}

TEST_F(HandsOffTest, WithoutADiskAGuestIsLeftAloneForAsLongAsVnumadLives) {
    HandsOffGuests guests("/dev/null/nowhere");
    guests.add(guest(), {"because", ""});
    EXPECT_NE(guests.problem(), "");
    guests.refresh(sample);
    EXPECT_NE(guests.find("u-1"), nullptr);
}

}  // namespace
}  // namespace vnuma
