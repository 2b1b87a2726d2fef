// Sockets that others use too, and those that are not QMP's.
#include <sys/socket.h>
#include <sys/time.h>

#include <array>
#include <boost/asio/io_context.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/read.hpp>
#include <filesystem>
#include <memory>
#include <string_view>
#include <thread>

#include "guests/discovery/qmp_source.hpp"
#include "tests/guests/discovery/fake_qemu.hpp"
#include "tests/guests/discovery/qmp_guests.hpp"

namespace vnuma {
namespace {

class QmpSharingTest : public QmpSourceTest {};

// Connects, and waits until QEMU greets, as it does if no other client is connected.
bool is_free(const std::string& path) {
    boost::asio::io_context context;
    boost::asio::local::stream_protocol::socket socket(context);
    socket.connect(boost::asio::local::stream_protocol::endpoint(path));
    const timeval limit{20, 0};
    ::setsockopt(socket.native_handle(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    std::array<char, 7> greeting{};
    return ::recv(socket.native_handle(), greeting.data(), greeting.size(), MSG_WAITALL) == 7 &&
           std::string_view(greeting.data(), greeting.size()) == R"({"QMP":)";
}

TEST_F(QmpSharingTest, ASocketIsFreeForOthersWhileNothingIsAsked) {
    const Qemu qemu(socket("a"), two_cells);
    QmpSource source = listen();
    const std::string uuid = list_until(source, one_described)[0].uuid;
    EXPECT_TRUE(is_free(socket("a")));
    source.permit_monitors({uuid});
    source.read_state(uuid);
    EXPECT_TRUE(is_free(socket("a")));
    source.read_ram_view(uuid);
    EXPECT_TRUE(is_free(socket("a")));
    EXPECT_EQ(list_until(source, one_described)[0].uuid, uuid);
}

// A client that QEMU serves.
class OtherClient {
  public:
    explicit OtherClient(const std::string& path) {
        socket_.connect(boost::asio::local::stream_protocol::endpoint(path));
        char first = 0;  // of the greeting
        boost::asio::read(socket_, boost::asio::buffer(&first, 1));
    }

  private:
    boost::asio::io_context context_;
    boost::asio::local::stream_protocol::socket socket_{context_};
};

TEST_F(QmpSharingTest, ASocketThatAnotherClientUsesIsGivenBackInTheSameLookAndAskedAgainLater) {
    const Qemu qemu(socket("a"), two_cells);
    QmpSource source = listen();
    const ListedGuest before = list_until(source, one_described)[0];
    auto other = std::make_unique<OtherClient>(socket("a"));
    deadlines.list = deadlines.greeting = 500ms;
    QmpSource impatient = listen();
    EXPECT_EQ(impatient.list()[0].unsteady, not_answered_for("0") + not_greeted);
    other.reset();
    EXPECT_TRUE(is_free(socket("a")));
    const auto guests = list_until(impatient, one_described, 1s);
    EXPECT_EQ(guests[0].uuid, before.uuid) << "the hour is for sockets that accept and are silent";
}

TEST_F(QmpSharingTest, ASocketThatAnotherClientUsesIsGivenBackInQuarantineToo) {
    const Qemu qemu(socket("a"), two_cells);
    QmpSource source = listen();
    list_until(source, one_described);
    auto other = std::make_unique<OtherClient>(socket("a"));
    deadlines.list = deadlines.recovery = 100ms;
    QmpSource impatient = listen();
    EXPECT_EQ(impatient.list()[0].unsteady, not_answered_for("0") + not_greeted);
    now += qmp_limits::first_quarantine;
    EXPECT_EQ(impatient.list()[0].unsteady, not_answered_for("2") + not_greeted);
    other.reset();
    EXPECT_TRUE(is_free(socket("a")));
}

TEST_F(QmpSharingTest, OnlySocketsWhoseNamesMatchAPatternAreConnectedTo) {
    test::FakeQemu agent(files.path("100.qga")), monitor(files.path("100.qmp"));
    QmpSource source = listen();
    list_until(source, one_described);
    EXPECT_EQ(agent.connections(), 0);
    EXPECT_EQ(monitor.connections(), 1);
    patterns = {"*.q[gh]a"};
    QmpSource other = listen();
    list_until(other, one_described);
    EXPECT_EQ(agent.connections(), 1);
    EXPECT_EQ(monitor.connections(), 1);
}

// A peer that is silent, one that says something else, and one that ends each connection.
TEST_F(QmpSharingTest, ASocketThatDoesNotGreetAsQmpIsLetGoForAnHour) {
    deadlines.list = deadlines.greeting = 500ms;
    test::FakeQemu console(socket("console"));
    console.hang_up(false);
    test::FakeQemu vnc(socket("vnc"));
    vnc.greet_as("RFB 003.008\n");
    test::FakeQemu brief(socket("brief"));
    brief.end_each();
    QmpSource source = listen();
    list_until(source, [](const auto& guests) { return guests.empty(); });
    for (int look = 0; look < 5; ++look, now += 2s)
        EXPECT_TRUE(source.list().empty());
    EXPECT_EQ(console.connections(), 1);
    EXPECT_EQ(vnc.connections(), 1);
    EXPECT_EQ(brief.connections(), 1);
    const auto end = std::chrono::steady_clock::now() + 20s;
    while (console.is_connected() && std::chrono::steady_clock::now() < end)
        std::this_thread::yield();
    EXPECT_FALSE(console.is_connected()) << "it is free for those whose it is";
    now += qmp_limits::let_go;
    source.list();
    EXPECT_EQ(vnc.connections(), 2);
    EXPECT_EQ(brief.connections(), 2);
    // A new socket of that name is another matter.
    const test::FakeQemu qemu(socket("new"));
    std::filesystem::rename(socket("new"), socket("console"));
    list_until(source, one_described);
}

TEST_F(QmpSharingTest, APeerThatIsSilentIsLetGoThoughEachLookWaitsForItForAShortTime) {
    deadlines.list = deadlines.recovery = 50ms;
    deadlines.greeting = 120ms;
    test::FakeQemu console(socket("console"));
    console.hang_up(false);
    QmpSource source = listen();
    list_until(
        source, [](const auto& guests) { return guests.empty(); }, 30s);
    const int connections = console.connections();
    now += 10min;
    EXPECT_TRUE(source.list().empty());
    EXPECT_EQ(console.connections(), connections);
}

TEST_F(QmpSharingTest, AGuestThatEndsConnectionsWithoutAGreetingIsInQuarantine) {
    test::FakeQemu qemu(socket("a"));
    QmpSource source = listen();
    const ListedGuest before = list_until_steady(source, 1)[0];
    qemu.end_each();
    now += qmp_limits::resync;
    const std::string reason = source.list()[0].unsteady;
    EXPECT_TRUE(reason.starts_with(not_answered_for("60") + ": " + socket("a"))) << reason;
    const int connections = qemu.connections();
    for (int look = 0; look < 3; ++look) {
        const ListedGuest paused = source.list()[0];
        EXPECT_EQ(paused.unsteady, reason);
        EXPECT_EQ(paused.domain, before.domain);
    }
    EXPECT_EQ(qemu.connections(), connections);
    now += qmp_limits::first_quarantine;
    source.list();
    EXPECT_EQ(qemu.connections(), connections + 1);
}

}  // namespace
}  // namespace vnuma
