#include "src/observe/hands_off.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>

#include "guests/process/process.hpp"
#include "tests/temporary.hpp"

namespace vnuma {
namespace {

class HandsOffTest : public ::testing::Test {
  protected:
    HandsOffTest() {
        GuestSample& guest = sample.guests.emplace_back();
        guest.uuid = "u-1";
        guest.name = "alpha";
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

TEST_F(HandsOffTest, AFileThatCannotBeReadIsTold) {
    directory.write("hands-off/u-2", "no JSON");
    HandsOffGuests guests(files);
    guests.refresh(sample);
    EXPECT_NE(guests.problem().find("hands-off/u-2"), std::string::npos) << guests.problem();
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
