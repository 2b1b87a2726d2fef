#include "guests/discovery/qmp_source.hpp"

#include <gtest/gtest.h>
#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <thread>

#include "guests/discovery/guest_source.hpp"
#include "guests/memory/ram_map.hpp"
#include "guests/model/listed_guest.hpp"
#include "guests/process/process.hpp"
#include "tests/guests/discovery/fake_qemu.hpp"
#include "tests/temporary.hpp"

extern char** environ;

namespace vnuma {
namespace {

using namespace std::chrono_literals;

// A real QEMU whose guest is stopped, without KVM.
class Qemu {
  public:
    Qemu(const std::string& socket, const std::vector<std::string>& options) {
        std::vector<std::string> arguments{"qemu-system-x86_64",
                                           "-accel",
                                           "tcg",
                                           "-S",
                                           "-nodefaults",
                                           "-display",
                                           "none",
                                           "-qmp",
                                           "unix:" + socket + ",server=on,wait=off"};
        arguments.insert(arguments.end(), options.begin(), options.end());
        std::vector<char*> argv;
        for (std::string& argument : arguments)
            argv.push_back(argument.data());
        argv.push_back(nullptr);
        EXPECT_EQ(::posix_spawnp(&pid_, argv[0], nullptr, nullptr, argv.data(), environ), 0);
    }
    ~Qemu() { end(); }
    Qemu(const Qemu&) = delete;
    Qemu& operator=(const Qemu&) = delete;
    void end() {
        if (pid_ <= 0) return;
        ::kill(pid_, SIGKILL);
        ::waitpid(pid_, nullptr, 0);
        pid_ = -1;
    }
    void signal(int number) const { ::kill(pid_, number); }
    pid_t pid() const { return pid_; }

  private:
    pid_t pid_ = -1;
};

class QmpSourceTest : public ::testing::Test {
  protected:
    // Its clock stands still unless a test advances it.
    QmpSource listen() {
        return QmpSource({.directory = files.path(), .vm_file = vm_file}, [this] { return now; });
    }
    std::string socket(const std::string& name) const { return files.path(name + ".sock"); }

    // Lists until the condition holds: QEMU takes a moment to make its socket.
    template <typename Condition>
    std::vector<ListedGuest> list_until(QmpSource& source, Condition condition) {
        const auto end = std::chrono::steady_clock::now() + 20s;
        while (std::chrono::steady_clock::now() < end) {
            std::vector<ListedGuest> guests = source.list();
            if (condition(guests)) return guests;
            std::this_thread::yield();
        }
        ADD_FAILURE() << "the condition did not come true in 20 s";
        return std::vector<ListedGuest>(8);
    }
    static bool one_described(const std::vector<ListedGuest>& guests) {
        return guests.size() == 1 && guests[0].domain;
    }

    test::TemporaryDirectory files;
    // Any QEMU, and this process, has such a file open.
    std::string vm_file = "anon_inode:[eventfd]";
    std::chrono::steady_clock::time_point now{};
};

std::string not_answered_for(const std::string& seconds) {
    return "QEMU has not answered on its QMP socket for " + seconds + " s";
}

const std::vector<std::string> two_cells{"-machine", "q35",
                                         "-m",       "128",
                                         "-smp",     "2",
                                         "-object",  "memory-backend-ram,id=m0,size=64M",
                                         "-object",  "memory-backend-ram,id=m1,size=64M",
                                         "-numa",    "node,nodeid=0,memdev=m0,cpus=0",
                                         "-numa",    "node,nodeid=1,memdev=m1,cpus=1",
                                         "-object",  "iothread,id=io1",
                                         "-uuid",    "11111111-2222-3333-4444-555555555555",
                                         "-name",    "web"};

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
    const auto process = Process::open(qemu.pid());
    const RamMap map = map_by_view(*guest.domain, source.read_ram_view(guest.uuid),
                                   parse_maps(process->read("maps").value()));
    ASSERT_EQ(map.blocks.size(), 2U) << map.unknown;
    EXPECT_EQ(map.blocks[0].id, "m0");
    EXPECT_EQ(map.blocks[1].guest.at(0).start, 64U << 20);
    EXPECT_THROW(source.read_ram_view("another guest"), MonitorError);
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

TEST_F(QmpSourceTest, AMonitorThatHangsHoldsUpNobodyElse) {
    const Qemu good(socket("good"), {"-machine", "none"});
    const Qemu bad(socket("bad"), two_cells);
    QmpSource source = listen();
    list_until(source, [](const auto& guests) {
        return guests.size() == 2 && guests[0].domain && guests[1].domain;
    });
    bad.signal(SIGSTOP);
    const auto hung = source.list();
    EXPECT_EQ(hung[0].unsteady, not_answered_for("0"));
    EXPECT_EQ(hung[0].uuid, "11111111-2222-3333-4444-555555555555");
    EXPECT_TRUE(hung[0].domain);
    EXPECT_EQ(hung[1].unsteady, "it is starting");
    EXPECT_THROW(source.read_ram_view(hung[0].uuid), MonitorError);
    bad.signal(SIGCONT);
    list_until(source, [](const auto& guests) {
        return guests.size() == 2 && guests[0].unsteady == "it is starting";
    });
}

TEST_F(QmpSourceTest, AMonitorThatAnswersAtLastIsHeardThoughNoOtherGuestIsThere) {
    const Qemu qemu(socket("a"), two_cells);
    QmpSource source = listen();
    list_until(source, one_described);
    qemu.signal(SIGSTOP);
    EXPECT_EQ(source.list()[0].unsteady, not_answered_for("0"));
    now += 7s;
    EXPECT_EQ(source.list()[0].unsteady, not_answered_for("7"));
    qemu.signal(SIGCONT);
    list_until(source, [](const auto& guests) { return guests[0].unsteady == "it is starting"; });
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
    QmpSource source = listen();
    const ListedGuest before = list_until(source, one_described)[0];
    EXPECT_EQ(before.uuid, test::FakeQemu::uuid);
    EXPECT_EQ(before.unsteady, "");
    now += 7s;
    for (const std::string& reason : {std::string("; is another client connected to this socket?"),
                                      ": " + socket("a") + ": Connection refused"}) {
        if (reason.ends_with("refused"))
            qemu.refuse();
        else
            qemu.hang_up(false);
        for (int i = 0; i < 3; ++i) {
            const auto guests = list_until(source, [&](const auto& listed) {
                return listed.size() != 1 || listed[0].unsteady == not_answered_for("7") + reason;
            });
            ASSERT_EQ(guests.size(), 1U);
            EXPECT_EQ(guests[0].uuid, before.uuid);
            EXPECT_EQ(guests[0].name, before.name);
            EXPECT_EQ(guests[0].pid, before.pid);
            EXPECT_EQ(guests[0].domain, before.domain);
            EXPECT_THROW(source.read_ram_view(before.uuid), MonitorError);
        }
    }
}

TEST_F(QmpSourceTest, AGuestWhoseConnectionComesBackIsTheSameGuest) {
    test::FakeQemu qemu(socket("a"));
    QmpSource source = listen();
    const ListedGuest before = list_until(source, one_described)[0];
    qemu.hang_up(false);
    list_until_unsteady(source);
    qemu.hang_up(true);
    const ListedGuest after = list_until(source, [](const auto& guests) {
        return guests.size() == 1 && guests[0].unsteady.empty();
    })[0];
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
        qemu.send(huge_reply());
        const std::string reason = not_answered_for("0") + ": " + socket("a") +
                                   ": disconnected: its messages take more memory than is left of "
                                   "the 64 MiB for all QMP connections";
        list_until(source, [&](const auto& guests) { return guests[0].unsteady == reason; });
        for (int i = 0; i < 3; ++i) {
            const ListedGuest paused = source.list()[0];
            EXPECT_EQ(paused.unsteady, reason);
            EXPECT_EQ(paused.domain, before.domain);
        }
        now += pause - 1ms;
        EXPECT_NE(source.list()[0].unsteady, "");
        now += 1ms;
        EXPECT_EQ(source.list()[0].unsteady, "");
    }
    EXPECT_EQ(source.list()[0].unsteady, "") << "the second answer ends the quarantine";
    qemu.send(huge_reply());
    list_until(source, [](const auto& guests) { return !guests[0].unsteady.empty(); });
    now += qmp_limits::first_quarantine;
    EXPECT_EQ(source.list()[0].unsteady, "");
}

TEST_F(QmpSourceTest, EventsAreDroppedHoweverManyArrive) {
    test::FakeQemu qemu(socket("a"));
    QmpSource source = listen();
    list_until(source, one_described);
    const std::string event =
        R"({"event": "FLOOD", "data": ")" + std::string(1024 * 1024, 'x') + "\"}\n";
    for (int i = 0; i < 40; ++i)
        qemu.send(event);
    list_until(source, [](const auto& guests) { return guests[0].unsteady.empty(); });
}

TEST_F(QmpSourceTest, AGuestWhoseSocketIsRemovedIsGone) {
    test::FakeQemu qemu(socket("a"));
    QmpSource source = listen();
    list_until(source, one_described);
    qemu.refuse();
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
    {
        QmpSource source = listen();
        EXPECT_TRUE(source.list().empty()) << "nobody listens on the socket";
        ASSERT_EQ(::listen(fd, 1), 0);
        const auto guests = source.list();
        ASSERT_EQ(guests.size(), 1U);
        EXPECT_EQ(guests[0].unsteady,
                  not_answered_for("0") + "; is another client connected to this socket?");
    }
    ::close(fd);
}

TEST_F(QmpSourceTest, AGuestWhoseProcessHoldsNoVirtualMachineIsOnlyReported) {
    vm_file = kvm_vm_file;
    test::FakeQemu qemu(socket("a"));
    QmpSource source = listen();
    const ListedGuest guest = list_until(source, one_described)[0];
    EXPECT_EQ(guest.unsteady, "its process holds no KVM virtual machine");
    EXPECT_EQ(guest.uuid, test::FakeQemu::uuid);
    EXPECT_EQ(guest.pid, ::getpid());
}

TEST_F(QmpSourceTest, AGuestWhoseDirectoryOthersMayWriteToIsOnlyReported) {
    std::filesystem::permissions(files.path(), std::filesystem::perms::group_write,
                                 std::filesystem::perm_options::add);
    test::FakeQemu qemu(socket("a"));
    QmpSource source = listen();
    EXPECT_EQ(list_until(source, one_described)[0].unsteady,
              "others than its owner may write to the directory of its QMP socket");
}

TEST_F(QmpSourceTest, AGuestWhoseSocketIsNotHeldByTheProcessThatMadeItIsOnlyReported) {
    test::FakeQemu qemu(socket("made-here"));
    std::filesystem::rename(socket("made-here"), socket("a"));
    QmpSource source = listen();
    EXPECT_EQ(list_until(source, one_described)[0].unsteady,
              "its process does not have its QMP socket open");
}

TEST_F(QmpSourceTest, ASymbolicLinkIsReportedAndNotFollowed) {
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

TEST_F(QmpSourceTest, TwoGuestsWithOneUuidAreBothReportedAndNeitherIsActedOn) {
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
    EXPECT_EQ(guests[0].unsteady,
              "process " + std::to_string(copy.pid()) +
                  ", whose QMP socket is b.sock, has a guest with the same UUID");
    EXPECT_EQ(guests[1].unsteady,
              "process " + std::to_string(first->pid()) +
                  ", whose QMP socket is a.sock, has a guest with the same UUID");
    EXPECT_NE(source.read_ram_view(guests[0].uuid).backends.at("m0").address,
              source.read_ram_view(guests[1].uuid).backends.at("m0").address);
    first->end();
    const ListedGuest left = list_until(source, one_described)[0];
    EXPECT_EQ(left.uuid, uuid);
    EXPECT_EQ(left.pid, copy.pid());
    EXPECT_EQ(left.unsteady, "it is starting");
}

TEST_F(QmpSourceTest, AProcessThatIsNotTrustedKeepsNobodyFromBeingActedOn) {
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

TEST_F(QmpSourceTest, TwoSocketsOfOneQemuAreOneGuest) {
    std::vector<std::string> options = two_cells;
    options.insert(options.end(), {"-qmp", "unix:" + socket("b") + ",server=on,wait=off"});
    const Qemu qemu(socket("a"), options);
    while (!std::filesystem::exists(socket("b")))
        std::this_thread::yield();
    QmpSource source = listen();
    EXPECT_EQ(list_until(source, one_described)[0].unsteady, "it is starting");
}

TEST_F(QmpSourceTest, AFileThatIsNoSocketIsLeftOut) {
    files.write("README", "text");
    QmpSource source = listen();
    EXPECT_TRUE(source.list().empty());
}

TEST_F(QmpSourceTest, WithoutTheDirectoryNothingCanBeListed) {
    QmpSource source({.directory = files.path("nowhere")});
    EXPECT_THROW(source.list(), SourceError);
}

}  // namespace
}  // namespace vnuma
