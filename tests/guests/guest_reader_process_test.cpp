// What a guest's process tells of it.
#include "tests/guests/guest_reader_fixture.hpp"

namespace vnuma {
namespace {

TEST_F(GuestReaderTest, AProcessThatIsNotTheGuestsIsNotUsed) {
    record("helpers");
    listed.uuid = "00000000-1111-2222-3333-444444444444";
    const GuestSample sample = read();
    EXPECT_NE(sample.unsteady.find("uuid is not on the command line"), std::string::npos);
    EXPECT_FALSE(sample.process);
    listed.pid = std::nullopt;
    EXPECT_NE(read().unsteady.find("cannot be found"), std::string::npos);
    listed.pid = 1;
    EXPECT_NE(read().unsteady.find("ended"), std::string::npos);
}

TEST_F(GuestReaderTest, AFileThatQemuOpensIsReadAtTheNextTick) {
    record("helpers");
    const std::string fd = "proc/" + std::to_string(host->pid) + "/fd/";
    EXPECT_EQ(read().immovable, "");
    host->files.link("/dev/vfio/12", fd + "50");
    EXPECT_NE(read().immovable.find("VFIO"), std::string::npos);
    std::filesystem::remove(host->files.path(fd + "50"));
    EXPECT_EQ(read().immovable, "");
    host->files.link("anon_inode:[userfaultfd]", fd + "51");
    EXPECT_EQ(read().unsteady, "a userfaultfd is open: its memory is being brought or watched");
}

TEST_F(GuestReaderTest, AGuestWhoseBalloonOrMemoryDeviceMovesIsUnsteadyMeanwhile) {
    record("helpers");
    const auto with_balloon = [&](std::int64_t mib) {
        Domain domain = *listed.domain;
        domain.balloon_bytes = mib << 20;
        listed.domain = std::make_shared<const Domain>(domain);
        return read().unsteady;
    };
    EXPECT_EQ(with_balloon(384), "");
    EXPECT_EQ(with_balloon(300), "its memory changes by a balloon or a memory device");
    EXPECT_EQ(with_balloon(300), "");
    EXPECT_EQ(with_balloon(301), "") << "that is little";
}

// VmRSS of this guest is 366,196 kB. VmLck is something else: what mlock() and VFIO hold.
TEST_F(GuestReaderTest, AGuestWithHalfOfItsMemoryPinnedIsImmovable) {
    record("helpers");
    const std::string status = "proc/" + std::to_string(host->pid) + "/status";
    std::string text = test::read_golden("lab/helpers/process/status");
    const std::string line = "VmPin:\t       0 kB";
    const auto read_pinned = [&](const std::string& pinned) {
        std::string changed = text;
        changed.replace(changed.find(line), line.size(), "VmPin:\t" + pinned + " kB");
        std::filesystem::remove(host->files.path(status));
        host->files.write(status, changed);
        return read();
    };
    GuestSample sample = read_pinned("  183097");
    EXPECT_EQ(sample.pinned_bytes, 183097 * 1024);
    EXPECT_EQ(sample.immovable, "") << "what fails is left alone, and the rest moves";
    sample = read_pinned("  183098");
    EXPECT_EQ(sample.immovable, "178 MiB of its memory are pinned (VmPin)");
    for (const char* wrong : {"-5", "word", "99999999999999999999", "9223372036854775807"})
        EXPECT_EQ(read_pinned(wrong).pinned_bytes, 0) << wrong;
}

// As NixOS runs it: bin/qemu-system-x86_64 is a script.
TEST_F(GuestReaderTest, TheNameOfTheBinaryDoesNotMatter) {
    record("helpers");
    const std::string exe = "proc/" + std::to_string(host->pid) + "/exe";
    std::filesystem::remove(host->files.path(exe));
    host->files.link("/nix/store/x/bin/.qemu-system-x86_64-wrapped", exe);
    EXPECT_EQ(read().unsteady, "");
    EXPECT_EQ(read().executable, "/nix/store/x/bin/.qemu-system-x86_64-wrapped");
}

TEST_F(GuestReaderTest, AProcessThatTheSourceHasIdentifiedNeedsNoUuid) {
    record("helpers");
    listed.uuid = "b.sock";
    listed.process = std::make_shared<const Process>(host->process());
    EXPECT_EQ(read().unsteady, "");
}

TEST(IdentityMismatch, OnlyTheUuidOnTheCommandLineCounts) {
    EXPECT_EQ(identity_mismatch("-uuid u-1", "u-1"), "");
    EXPECT_EQ(identity_mismatch("-uuid u-2", "u-1"),
              "its uuid is not on the command line of the process with its pid");
    EXPECT_NE(identity_mismatch("", "u-1"), "");
}

}  // namespace
}  // namespace vnuma
