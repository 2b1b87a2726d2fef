#include "guests/discovery/qmp_identity.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <system_error>

#include "tests/temporary.hpp"

namespace vnuma {
namespace {

constexpr uid_t vnumad = 500, qemu = 107;

// A guest whose QEMU runs as a user of its own.
QmpPeerFacts trusted_facts() {
    QmpPeerFacts facts;
    facts.own_user = vnumad;
    facts.socket_owner = facts.user = qemu;
    facts.connected = 2000;
    facts.started = 1000;
    facts.found = facts.files_known = facts.holds_vm = facts.holds_socket = true;
    return facts;
}

template <typename Change>
std::string reason_after(Change change) {
    QmpPeerFacts facts = trusted_facts();
    change(facts);
    return why_not_trusted(facts);
}

TEST(QmpPeer, IsTrustedIfRootMadeTheDirectoryAndItsProcessHoldsSocketAndVm) {
    EXPECT_EQ(why_not_trusted(trusted_facts()), "");
}

TEST(QmpPeer, IsTrustedInADirectoryOfTheUserThatVnumadRunsAs) {
    EXPECT_EQ(reason_after([](auto& facts) { facts.directory_owner = vnumad; }), "");
}

TEST(QmpPeer, IsNotTrustedInADirectoryThatSomebodyElseControls) {
    EXPECT_EQ(reason_after([](auto& facts) { facts.directory_owner = qemu; }),
              "the directory of its QMP socket belongs to user 107, and not to root or to vnumad's "
              "user");
    EXPECT_EQ(reason_after([](auto& facts) { facts.directory_writable = true; }),
              "others than its owner may write to the directory of its QMP socket");
}

TEST(QmpPeer, IsNotTrustedIfTheProcessThatMadeTheSocketIsGone) {
    EXPECT_EQ(reason_after([](auto& facts) { facts.found = false; }),
              "the process that made its QMP socket has ended, or cannot be opened");
}

TEST(QmpPeer, IsNotTrustedIfItsProcessBeganAfterTheConnection) {
    EXPECT_EQ(reason_after([](auto& facts) { facts.started = facts.connected; }), "");
    EXPECT_EQ(reason_after([](auto& facts) { facts.started = facts.connected + 1; }),
              "the process that made its QMP socket has ended, and another one has its number");
}

TEST(QmpPeer, IsNotTrustedIfItsSocketIsAnotherUsers) {
    EXPECT_EQ(reason_after([](auto& facts) { facts.user = 0; }),
              "its QMP socket belongs to user 107, and its process runs as user 0");
    EXPECT_EQ(reason_after([](auto& facts) { facts.socket_owner = 0; }), "")
        << "QEMU made its socket as root and changed its user afterwards";
}

TEST(QmpPeer, IsNotTrustedIfItsProcessDoesNotHoldBothSocketAndVm) {
    EXPECT_EQ(reason_after([](auto& facts) { facts.holds_vm = false; }),
              "its process holds no KVM virtual machine");
    EXPECT_EQ(reason_after([](auto& facts) { facts.holds_socket = false; }),
              "its process does not have its QMP socket open");
    EXPECT_EQ(reason_after([](auto& facts) {
                  facts.files_known = facts.holds_vm = facts.holds_socket = false;
              }),
              "the open files of its process cannot be read (CAP_SYS_PTRACE is needed)");
}

TEST(QmpSocketFile, IsTheFileThatWasOpenedWhateverReplacesIt) {
    const test::TemporaryDirectory files;
    files.write("a.sock", "first");
    const QmpSocketFile file(files.path(), "a.sock");
    files.write("b.sock", "second");
    std::filesystem::rename(files.path("b.sock"), files.path("a.sock"));
    struct stat now {
    }, opened{};
    ASSERT_EQ(::stat(files.path("a.sock").c_str(), &now), 0);
    ASSERT_EQ(::stat(file.address().c_str(), &opened), 0);
    EXPECT_EQ(opened.st_ino, file.id().inode);
    EXPECT_NE(now.st_ino, file.id().inode);
}

TEST(QmpSocketFile, TellsOwnersAndWhoMayWriteToTheDirectory) {
    const test::TemporaryDirectory files;
    files.write("a.sock", "");
    files.link("a.sock", "b.sock");
    for (const auto writable : {std::filesystem::perms::none, std::filesystem::perms::group_write,
                                std::filesystem::perms::others_write}) {
        std::filesystem::permissions(files.path(), std::filesystem::perms::owner_all | writable);
        const QmpSocketFile file(files.path(), "a.sock");
        EXPECT_EQ(file.is_directory_writable(), writable != std::filesystem::perms::none);
        EXPECT_EQ(file.owner(), ::geteuid());
        EXPECT_EQ(file.directory_owner(), ::geteuid());
        EXPECT_FALSE(file.is_symbolic_link());
    }
    EXPECT_TRUE(QmpSocketFile(files.path(), "b.sock").is_symbolic_link());
    EXPECT_THROW(QmpSocketFile(files.path(), "c.sock"), std::system_error);
}

TEST(ReadClockTicks, IsNotBeforeTheStartOfThisProcess) {
    const auto self = Process::open(::getpid());
    ASSERT_TRUE(self);
    EXPECT_GE(read_clock_ticks(), self->start_time());
}

}  // namespace
}  // namespace vnuma
