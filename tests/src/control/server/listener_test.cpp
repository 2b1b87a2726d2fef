#include "src/control/server/listener.hpp"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <chrono>
#include <filesystem>

#include "src/control/server/request_rate.hpp"
#include "tests/src/control/server/control_client.hpp"

namespace vnuma::control {
namespace {

class ListenerTest : public ::testing::Test {
  protected:
    std::vector<Listener> make() { return make_listeners(directory.path(), actors); }
    mode_t mode(const char* name) const {
        struct stat found {};
        EXPECT_EQ(::stat(directory.path(name).c_str(), &found), 0);
        return found.st_mode & 07777;
    }
    std::string problem() {
        try {
            make();
        } catch (const ListenError& error) {
            return error.what();
        }
        return "";
    }

    test::TemporaryDirectory directory;
    Actors actors{::geteuid(), std::nullopt};
};

TEST_F(ListenerTest, MakesBothSocketsWithTheirModesAndRemovesThem) {
    {
        const auto listeners = make();
        ASSERT_EQ(listeners.size(), 2U);
        EXPECT_TRUE(listeners[0].may_act());
        EXPECT_FALSE(listeners[1].may_act());
        EXPECT_EQ(mode(act_socket_name), 0660U);
        EXPECT_EQ(mode(read_socket_name), 0666U);
        ControlClient(directory.path(act_socket_name));
    }
    EXPECT_TRUE(std::filesystem::is_empty(directory.path()));
}

TEST_F(ListenerTest, GivesBothSocketsToTheGroup) {
    // Root may give them to any group, and others to their own ones.
    const gid_t group = ::geteuid() == 0 ? 12345 : ::getegid();
    actors.group = group;
    const auto listeners = make();
    for (const char* name : {act_socket_name, read_socket_name}) {
        struct stat found {};
        ASSERT_EQ(::stat(directory.path(name).c_str(), &found), 0);
        EXPECT_EQ(found.st_gid, group) << name;
    }
}

TEST_F(ListenerTest, TakesThePathOfASocketWhoseServerIsGone) {
    {
        auto listeners = make();
        const auto path = directory.path(act_socket_name);
        std::filesystem::rename(path, path + ".kept");
        listeners.clear();
        std::filesystem::rename(path + ".kept", path);
    }
    ASSERT_THROW(ControlClient(directory.path(act_socket_name)), std::runtime_error);
    const auto listeners = make();
    ControlClient(directory.path(act_socket_name));
}

TEST_F(ListenerTest, LeavesASocketThatAnswers) {
    const auto listeners = make();
    EXPECT_NE(problem().find("another process answers"), std::string::npos);
    ControlClient(directory.path(act_socket_name));
}

TEST_F(ListenerTest, LeavesAFileThatIsNoSocket) {
    directory.write(act_socket_name, "precious");
    EXPECT_NE(problem().find("no socket"), std::string::npos);
    EXPECT_TRUE(std::filesystem::is_regular_file(directory.path(act_socket_name)));
}

TEST_F(ListenerTest, DoesNotRemoveTheSocketOfASuccessor) {
    auto first = make();
    std::filesystem::remove(directory.path(act_socket_name));
    std::filesystem::remove(directory.path(read_socket_name));
    const auto second = make();
    first.clear();
    ControlClient(directory.path(act_socket_name));
}

TEST_F(ListenerTest, AFailureLeavesNothingBehind) {
    actors.group = ::getegid();
    directory.write(std::string(read_socket_name) + "/file", "");
    EXPECT_NE(problem(), "");
    EXPECT_FALSE(std::filesystem::exists(directory.path(act_socket_name)));
}

TEST_F(ListenerTest, APathThatIsTooLongIsToldSo) {
    try {
        Listener::make(directory.path(std::string(200, 'x')), 0666, std::nullopt, false);
        FAIL();
    } catch (const ListenError& error) {
        EXPECT_NE(std::string(error.what()).find("107 bytes"), std::string::npos);
    }
}

TEST(Recognise, ByTheNameOfTheDescriptorOrElseByThePath) {
    EXPECT_EQ(recognise("/run/x", "control"), true);
    EXPECT_EQ(recognise("/run/vnumad/control.sock", "control-ro"), false);
    EXPECT_EQ(recognise("/run/vnumad/control.sock", "vnumad.socket"), true);
    EXPECT_EQ(recognise("control-ro.sock", "unknown"), false);
    EXPECT_EQ(recognise("/run/vnumad/other.sock", "vnumad.socket"), std::nullopt);
    EXPECT_EQ(recognise("", ""), std::nullopt);
}

TEST(Peer, IsKnownWithItsGroups) {
    int ends[2];
    ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
    const FileDescriptor one(ends[0]), other(ends[1]);
    const auto peer = read_peer(one.get());
    ASSERT_TRUE(peer);
    EXPECT_EQ(peer->pid, ::getpid());
    EXPECT_EQ(peer->uid, ::geteuid());
    EXPECT_EQ(static_cast<int>(peer->groups.size()), ::getgroups(0, nullptr));
    EXPECT_FALSE(read_peer(-1));
}

TEST(Peer, RootItsOwnUserAndTheGroupMayAct) {
    const Actors actors{100, 50};
    EXPECT_TRUE(may_act({1, 0, 0, {}}, actors));
    EXPECT_TRUE(may_act({1, 100, 1, {}}, actors));
    EXPECT_TRUE(may_act({1, 1000, 50, {}}, actors));
    EXPECT_TRUE(may_act({1, 1000, 1000, {4, 50}}, actors));
    EXPECT_FALSE(may_act({1, 1000, 1000, {4, 100}}, actors));
    EXPECT_FALSE(may_act({1, 1000, 1000, {50}}, {100, std::nullopt}));
}

TEST(Peer, AGroupThatDoesNotExistIsNone) {
    EXPECT_FALSE(find_actors("no-such-group-as-this").group);
    EXPECT_EQ(find_actors("root").group, 0U);
}

TEST(RequestRate, ASecondsWorthMayComeAtOnceAndThenOneAStep) {
    using std::chrono::milliseconds;
    RequestRate rate(10);
    const RequestRate::Time begin{std::chrono::hours(1)};
    for (int i = 0; i < 9; ++i)
        EXPECT_LE(rate.count(begin), begin) << i;
    EXPECT_EQ(rate.count(begin), begin + milliseconds(100));
    EXPECT_EQ(rate.count(begin + milliseconds(100)), begin + milliseconds(200));
    EXPECT_LE(rate.count(begin + std::chrono::hours(1)), begin + std::chrono::hours(1));
}

TEST(TimeShare, ASecondsWorthMayBeTakenAtOnceAndThenAPart) {
    using std::chrono::milliseconds;
    TimeShare share(4);
    const TimeShare::Time begin{std::chrono::hours(1)};
    EXPECT_LE(share.count(begin, milliseconds(250)), begin);
    EXPECT_EQ(share.count(begin, milliseconds(10)), begin + milliseconds(40));
    EXPECT_EQ(share.count(begin + milliseconds(40), milliseconds(10)), begin + milliseconds(80));
    EXPECT_LE(share.count(begin + std::chrono::hours(1), milliseconds(1)),
              begin + std::chrono::hours(1));
}

}  // namespace
}  // namespace vnuma::control
