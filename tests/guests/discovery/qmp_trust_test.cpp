// Guests that are reported and not acted on, because it is not sure whose process is theirs.
#include <filesystem>
#include <memory>

#include "guests/discovery/guest_source.hpp"
#include "tests/guests/discovery/fake_qemu.hpp"
#include "tests/guests/discovery/qmp_guests.hpp"

namespace vnuma {
namespace {

class QmpTrustTest : public QmpSourceTest {};

TEST_F(QmpTrustTest, AGuestWhoseProcessHoldsNoVirtualMachineIsOnlyReported) {
    vm_file = kvm_vm_file;
    test::FakeQemu qemu(socket("a"));
    QmpSource source = listen();
    const ListedGuest guest = list_until(source, one_described)[0];
    EXPECT_EQ(guest.unsteady, "its process holds no KVM virtual machine");
    EXPECT_EQ(guest.uuid, test::FakeQemu::uuid);
    EXPECT_EQ(guest.pid, ::getpid());
}

TEST_F(QmpTrustTest, AGuestWhoseDirectoryOthersMayWriteToIsOnlyReported) {
    std::filesystem::permissions(files.path(), std::filesystem::perms::group_write,
                                 std::filesystem::perm_options::add);
    test::FakeQemu qemu(socket("a"));
    QmpSource source = listen();
    EXPECT_EQ(list_until(source, one_described)[0].unsteady,
              "others than its owner may write to the directory of its QMP socket");
}

TEST_F(QmpTrustTest, AGuestWhoseSocketIsNotHeldByTheProcessThatMadeItIsOnlyReported) {
    test::FakeQemu qemu(socket("made-here"));
    std::filesystem::rename(socket("made-here"), socket("a"));
    QmpSource source = listen();
    EXPECT_EQ(list_until(source, one_described)[0].unsteady,
              "its process does not have its QMP socket open");
}

TEST_F(QmpTrustTest, ASymbolicLinkIsReportedAndNotFollowed) {
    test::FakeQemu qemu(socket("a"));
    files.link(socket("a"), "b.sock");
    QmpSource source = listen();
    const auto guests = list_until(
        source, [](const auto& listed) { return listed.size() == 2 && listed[0].domain; });
    EXPECT_EQ(guests[0].unsteady, "");
    EXPECT_EQ(guests[1].name, "b.sock");
    EXPECT_EQ(guests[1].unsteady,
              socket("b") + " is a symbolic link, which vnumad does not follow");
}

bool two_described(const std::vector<ListedGuest>& guests) {
    return guests.size() == 2 && guests[0].domain && guests[1].domain;
}

TEST_F(QmpTrustTest, TwoGuestsWithOneUuidAreBothServedAndToldApartByTheirSockets) {
    auto first = std::make_unique<Qemu>(socket("a"), two_cells);
    QmpSource source = listen();
    list_until(source, one_described);
    const Qemu copy(socket("b"), two_cells);
    const auto guests = list_until(source, two_described);
    const std::string uuid = "11111111-2222-3333-4444-555555555555";
    EXPECT_EQ(guests[0].uuid, uuid);
    EXPECT_EQ(guests[1].uuid, uuid + "/b.sock");
    EXPECT_EQ(guests[0].pid, first->pid());
    EXPECT_EQ(guests[1].pid, copy.pid());
    for (const ListedGuest& guest : guests)
        EXPECT_EQ(guest.unsteady, "it is starting");
    source.permit_monitors({guests[0].uuid, guests[1].uuid});
    EXPECT_NE(source.read_ram_view(guests[0].uuid).backends.at("m0").address,
              source.read_ram_view(guests[1].uuid).backends.at("m0").address);
    first->end();
    const ListedGuest left = list_until(source, one_described)[0];
    EXPECT_EQ(left.uuid, uuid + "/b.sock") << "it has a home, and not that of the other";
    EXPECT_EQ(left.pid, copy.pid());
    EXPECT_EQ(left.unsteady, "it is starting");
    // The younger one keeps what it is called, and the UUID itself is free for another one.
    first = std::make_unique<Qemu>(socket("a"), two_cells);
    const auto again = list_until(source, two_described);
    EXPECT_EQ(again[0].uuid, uuid);
    EXPECT_EQ(again[0].pid, first->pid());
    EXPECT_EQ(again[1].uuid, uuid + "/b.sock");
}

TEST_F(QmpTrustTest, AProcessThatIsNotTrustedKeepsNobodyFromBeingActedOn) {
    test::FakeQemu liar(socket("made-here"));
    std::filesystem::rename(socket("made-here"), socket("a"));
    const Qemu qemu(socket("b"), two_cells);
    QmpSource source = listen();
    const auto guests = list_until(source, two_described);
    EXPECT_EQ(guests[0].uuid, test::FakeQemu::uuid + std::string("/a.sock"));
    EXPECT_EQ(guests[0].unsteady, "its process does not have its QMP socket open");
    EXPECT_EQ(guests[1].uuid, test::FakeQemu::uuid);
    EXPECT_EQ(guests[1].unsteady, "it is starting");
}

TEST_F(QmpTrustTest, TwoSocketsOfOneQemuAreOneGuest) {
    std::vector<std::string> options = two_cells;
    options.insert(options.end(), {"-qmp", "unix:" + socket("b") + ",server=on,wait=off"});
    const Qemu qemu(socket("a"), options);
    while (!std::filesystem::exists(socket("b")))
        std::this_thread::yield();
    QmpSource source = listen();
    EXPECT_EQ(list_until(source, one_described)[0].unsteady, "it is starting");
}

}  // namespace
}  // namespace vnuma
