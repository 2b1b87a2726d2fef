#include "guests/discovery/qmp_source.hpp"

#include <sys/socket.h>
#include <sys/un.h>

#include <filesystem>
#include <memory>

#include "guests/discovery/guest_source.hpp"
#include "guests/memory/ram_map.hpp"
#include "guests/process/process.hpp"
#include "tests/guests/discovery/fake_qemu.hpp"
#include "tests/guests/discovery/qmp_guests.hpp"

namespace vnuma {
namespace {

TEST_F(QmpSourceTest, DescribesAGuestThatQemuRunsWithoutLibvirt) {
    const Qemu qemu(socket("a"), two_cells);
    QmpSource source = listen();
    const ListedGuest guest = list_until(source, one_described)[0];
    EXPECT_EQ(guest.uuid, "11111111-2222-3333-4444-555555555555");
    EXPECT_EQ(guest.name, "web");
    EXPECT_EQ(guest.pid, qemu.pid());
    EXPECT_EQ(guest.state, RunState::starting) << "QEMU was started with -S";
    EXPECT_EQ(guest.vcpu_threads.size(), 2U);
    EXPECT_EQ(guest.iothreads.count("IO io1"), 1U);
    ASSERT_EQ(guest.domain->cells.size(), 2U);
    EXPECT_EQ(guest.domain->cells[1].vcpus, std::vector<int>{1});
    EXPECT_EQ(guest.domain->cells[1].bytes, 64 << 20);
    now += 7s;
    const ListedGuest again = source.list()[0];
    EXPECT_EQ(again.domain, guest.domain) << "the same object while nothing changes";
    EXPECT_EQ(again.read_at, now);
}

TEST_F(QmpSourceTest, FindsTheMemoryOfEachOfTwoEqualCells) {
    const Qemu qemu(socket("a"), two_cells);
    QmpSource source = listen();
    const ListedGuest guest = list_until(source, one_described)[0];
    EXPECT_THROW(source.read_ram_view(guest.uuid), MonitorRefusal)
        << "vnumad may not act on the guest";
    source.permit_monitors({guest.uuid});
    const auto process = Process::open(qemu.pid());
    const RamMap map = map_by_view(*guest.domain, source.read_ram_view(guest.uuid),
                                   parse_maps(process->read("maps").value()));
    ASSERT_EQ(map.blocks.size(), 2U) << map.unknown;
    EXPECT_EQ(map.blocks[0].id, "m0");
    EXPECT_EQ(map.blocks[1].guest.at(0).start, 64U << 20);
    EXPECT_THROW(source.read_ram_view("another guest"), MonitorError);
}

TEST_F(QmpSourceTest, TheStateOfAGuestIsReadByItself) {
    const Qemu qemu(socket("a"), two_cells);
    QmpSource source = listen();
    const ListedGuest guest = list_until(source, one_described)[0];
    EXPECT_EQ(source.read_state(guest.uuid), guest.state);
    EXPECT_THROW(source.read_state("another guest"), MonitorError);
}

TEST_F(QmpSourceTest, AGuestWithoutCellsUuidAndNameIsNamedAfterItsSocket) {
    const Qemu qemu(socket("plain"), {"-machine", "pc", "-m", "96"});
    QmpSource source = listen();
    const ListedGuest guest = list_until(source, one_described)[0];
    EXPECT_EQ(guest.uuid, "plain.sock");
    EXPECT_EQ(guest.name, "plain.sock");
    ASSERT_EQ(guest.domain->cells.size(), 1U);
    EXPECT_EQ(guest.domain->cells[0].bytes, 96 << 20);
    EXPECT_EQ(guest.domain->cells[0].vcpus, std::vector<int>{0});
}

TEST_F(QmpSourceTest, AGuestThatEndsIsGoneAndOneOnTheSameSocketIsNew) {
    auto qemu = std::make_unique<Qemu>(socket("a"), two_cells);
    QmpSource source = listen();
    const pid_t first = list_until(source, one_described)[0].pid.value();
    qemu->end();
    list_until(source, [](const auto& guests) { return guests.empty(); });
    const Qemu again(socket("a"), two_cells);
    EXPECT_NE(list_until(source, one_described)[0].pid, first);
}

TEST_F(QmpSourceTest, MeasuresAGuestWithoutADirtyRingBySamples) {
    const Qemu qemu(socket("a"), two_cells);
    QmpSource source = listen();
    const std::string uuid = list_until(source, one_described)[0].uuid;
    EXPECT_THROW(source.start_write_measurement(uuid, 60s), MonitorError)
        << "vnumad may not act on the guest";
    source.permit_monitors({uuid});
    EXPECT_EQ(source.read_write_measurement(uuid).state, WriteMeasurement::State::none);
    EXPECT_TRUE(source.start_write_measurement(uuid, 60s));
    WriteMeasurement running;
    do  // the measurement begins in a thread of QEMU's
        running = source.read_write_measurement(uuid);
    while (running.state != WriteMeasurement::State::running);
    EXPECT_EQ(running.mode, "page-sampling");
    EXPECT_FALSE(source.start_write_measurement(uuid, 60s)) << "one measurement at a time";
    EXPECT_THROW(source.start_write_measurement("another guest", 1s), MonitorError);
}

// Lists until the guest is unsteady: its connection has ended and has not come back.
std::vector<ListedGuest> list_until_unsteady(QmpSource& source) {
    std::vector<ListedGuest> guests;
    do
        guests = source.list();
    while (guests.size() == 1 && guests[0].unsteady.empty());
    return guests;
}

TEST_F(QmpSourceTest, AGuestWhoseConnectionDoesNotComeBackKeepsItsUuidAndNameWhileItsProcessLives) {
    test::FakeQemu qemu(socket("a"));
    // That long the list waits for a connection that does not come back.
    deadlines.list = deadlines.greeting = 1s;
    QmpSource source = listen();
    const ListedGuest before = list_until_steady(source, 1)[0];
    EXPECT_EQ(before.uuid, test::FakeQemu::uuid);
    EXPECT_EQ(before.unsteady, "");
    source.permit_monitors({before.uuid});
    for (const std::string& reason : {not_greeted, ": " + socket("a") + ": Connection refused"}) {
        now += qmp_limits::resync;
        const bool refused = reason.ends_with("refused");
        if (refused)
            qemu.refuse();
        else
            qemu.hang_up(false);
        for (int i = 0; i < 3; ++i) {
            const auto guests = list_until(source, [&](const auto& listed) {
                return listed.size() != 1 ||
                       listed[0].unsteady == not_answered_for(refused ? "120" : "60") + reason;
            });
            ASSERT_EQ(guests.size(), 1U);
            EXPECT_EQ(guests[0].uuid, before.uuid);
            EXPECT_EQ(guests[0].name, before.name);
            EXPECT_EQ(guests[0].pid, before.pid);
            EXPECT_EQ(guests[0].domain, before.domain);
            EXPECT_EQ(source.why_incomplete(), "");
            EXPECT_THROW(source.read_ram_view(before.uuid), MonitorError);
        }
    }
}

TEST_F(QmpSourceTest, AGuestWhoseConnectionComesBackIsTheSameGuest) {
    test::FakeQemu qemu(socket("a"));
    // That long the list waits for a connection that does not come back.
    deadlines.list = deadlines.greeting = 1s;
    QmpSource source = listen();
    const ListedGuest before = list_until(source, one_described)[0];
    qemu.hang_up(false);
    now += qmp_limits::resync;
    list_until_unsteady(source);
    qemu.hang_up(true);
    const ListedGuest after = list_until(
        source, [](const auto& guests) { return guests.size() == 1 && guests[0].unsteady.empty(); },
        1s)[0];
    EXPECT_EQ(after.uuid, before.uuid);
    EXPECT_EQ(after.domain, before.domain);
}

// A reply to a request that was never made, whose values take more memory than the budget has.
std::string huge_reply() {
    std::string list = "1";
    for (int i = 0; i < 500'000; ++i)
        list += ",1";
    return "{\"return\": [" + list + "], \"id\": 0}\n";
}

TEST_F(QmpSourceTest, AGuestWhoseMessagesTakeTooMuchMemoryIsDisconnectedAndAskedAgainLater) {
    test::FakeQemu qemu(socket("a"));
    QmpSource source = listen();
    const ListedGuest before = list_until(source, one_described)[0];
    for (const auto pause : {qmp_limits::first_quarantine, 2 * qmp_limits::first_quarantine}) {
        qemu.greet_with(huge_reply());
        const bool first = pause == qmp_limits::first_quarantine;
        if (first) now += qmp_limits::resync;  // it is in quarantine the second time
        const std::string reason = not_answered_for(first ? "60" : "0") + ": " + socket("a") +
                                   ": disconnected: its messages take more memory than is left of "
                                   "the 64 MiB for all QMP connections";
        list_until(source, [&](const auto& guests) { return guests[0].unsteady == reason; });
        for (int i = 0; i < 3; ++i) {
            const ListedGuest paused = source.list()[0];
            EXPECT_EQ(paused.unsteady, reason);
            EXPECT_EQ(paused.domain, before.domain);
        }
        qemu.greet_with("");
        now += pause - 1ms;
        EXPECT_NE(source.list()[0].unsteady, "");
        now += 1ms;
        EXPECT_EQ(source.list()[0].unsteady, "");
    }
    EXPECT_EQ(source.list()[0].unsteady, "") << "the second answer ends the quarantine";
    qemu.greet_with(huge_reply());
    now += qmp_limits::resync;
    EXPECT_NE(source.list()[0].unsteady, "");
    qemu.greet_with("");
    now += qmp_limits::first_quarantine;
    EXPECT_EQ(source.list()[0].unsteady, "");
}

TEST_F(QmpSourceTest, EventsAreDroppedHoweverManyArrive) {
    test::FakeQemu qemu(socket("a"));
    QmpSource source = listen();
    const std::string event =
        R"({"event": "FLOOD", "data": ")" + std::string(1024 * 1024, 'x') + "\"}\n";
    std::string events;
    for (int i = 0; i < 40; ++i)
        events += event;
    qemu.greet_with(events);
    list_until_steady(source, 1);
}

TEST_F(QmpSourceTest, AGuestWhoseSocketIsRemovedIsGone) {
    test::FakeQemu qemu(socket("a"));
    QmpSource source = listen();
    list_until(source, one_described);
    qemu.refuse();
    now += qmp_limits::resync;
    EXPECT_EQ(list_until_unsteady(source).size(), 1U);
    std::filesystem::remove(socket("a"));
    EXPECT_TRUE(source.list().empty());
}

TEST_F(QmpSourceTest, ASocketThatSendsNoGreetingIsAGuestThatDoesNotAnswer) {
    const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    socket("mute").copy(address.sun_path, sizeof address.sun_path - 1);
    ASSERT_EQ(::bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
    deadlines.list = deadlines.greeting = 1s;  // that long the list waits for the greeting
    {
        QmpSource source = listen();
        EXPECT_TRUE(source.list().empty()) << "nobody listens on the socket";
        EXPECT_EQ(source.why_incomplete(), "");
        ASSERT_EQ(::listen(fd, 1), 0);
        const auto guests = source.list();
        ASSERT_EQ(guests.size(), 1U);
        EXPECT_EQ(guests[0].unsteady, not_answered_for("0") + not_greeted);
        EXPECT_EQ(source.why_incomplete(),
                  "the guest at mute.sock has not told its UUID and name yet");
    }
    ::close(fd);
}

TEST_F(QmpSourceTest, AFileThatIsNoSocketIsLeftOut) {
    files.write("README.sock", "text");
    QmpSource source = listen();
    EXPECT_TRUE(source.list().empty());
}

TEST_F(QmpSourceTest, WithoutTheDirectoryNothingCanBeListed) {
    QmpSource source({.directory = files.path("nowhere")});
    EXPECT_THROW(source.list(), SourceError);
}

}  // namespace
}  // namespace vnuma
