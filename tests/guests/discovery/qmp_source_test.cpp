#include "guests/discovery/qmp_source.hpp"

#include <gtest/gtest.h>
#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <thread>

#include "guests/discovery/guest_source.hpp"
#include "guests/memory/ram_map.hpp"
#include "guests/model/listed_guest.hpp"
#include "guests/process/process.hpp"
#include "tests/temporary.hpp"

extern char** environ;

namespace vnuma {
namespace {

using namespace std::chrono_literals;

// A real QEMU 7.2 whose guest does not run; it needs no KVM.
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
        ADD_FAILURE() << "it did not come";
        return std::vector<ListedGuest>(8);
    }
    static bool one_known(const std::vector<ListedGuest>& guests) {
        return guests.size() == 1 && guests[0].domain;
    }

    test::TemporaryDirectory files;
};

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

TEST_F(QmpSourceTest, TellsAllOfAGuestThatLibvirtDoesNotKnow) {
    const Qemu qemu(socket("a"), two_cells);
    QmpSource source(files.path());
    const ListedGuest guest = list_until(source, one_known)[0];
    EXPECT_EQ(guest.uuid, "11111111-2222-3333-4444-555555555555");
    EXPECT_EQ(guest.name, "web");
    EXPECT_EQ(guest.pid, qemu.pid());
    EXPECT_EQ(guest.state, RunState::starting) << "QEMU was started with -S";
    EXPECT_EQ(guest.vcpu_threads.size(), 2U);
    EXPECT_EQ(guest.iothreads.count("IO io1"), 1U);
    ASSERT_EQ(guest.domain->cells.size(), 2U);
    EXPECT_EQ(guest.domain->cells[1].vcpus, std::vector<int>{1});
    EXPECT_EQ(guest.domain->cells[1].bytes, 64 << 20);
    EXPECT_EQ(source.list()[0].domain, guest.domain) << "it has not changed";
}

TEST_F(QmpSourceTest, TellsWhereEachOfTwoEqualCellsIs) {
    const Qemu qemu(socket("a"), two_cells);
    QmpSource source(files.path());
    const ListedGuest guest = list_until(source, one_known)[0];
    const auto process = Process::open(qemu.pid());
    const RamMap map = map_by_view(*guest.domain, source.read_ram_view(guest.uuid),
                                   parse_maps(process->read("maps").value()));
    ASSERT_EQ(map.blocks.size(), 2U) << map.unknown;
    EXPECT_EQ(map.blocks[0].id, "m0");
    EXPECT_EQ(map.blocks[1].guest.at(0).start, 64U << 20);
    EXPECT_THROW(source.read_ram_view("somebody else"), MonitorError);
}

TEST_F(QmpSourceTest, AGuestWithoutCellsUuidOrNameIsCalledByItsSocket) {
    const Qemu qemu(socket("plain"), {"-machine", "pc", "-m", "96"});
    QmpSource source(files.path());
    const ListedGuest guest = list_until(source, one_known)[0];
    EXPECT_EQ(guest.uuid, "plain.sock");
    EXPECT_EQ(guest.name, "plain.sock");
    ASSERT_EQ(guest.domain->cells.size(), 1U);
    EXPECT_EQ(guest.domain->cells[0].bytes, 96 << 20);
    EXPECT_EQ(guest.domain->cells[0].vcpus, std::vector<int>{0});
}

TEST_F(QmpSourceTest, AGuestThatEndsIsGoneAndOneOnTheSameSocketIsNew) {
    auto qemu = std::make_unique<Qemu>(socket("a"), two_cells);
    QmpSource source(files.path());
    const pid_t first = list_until(source, one_known)[0].pid.value();
    qemu->end();
    list_until(source, [](const auto& guests) { return guests.empty(); });
    const Qemu again(socket("a"), two_cells);
    EXPECT_NE(list_until(source, one_known)[0].pid, first);
}

TEST_F(QmpSourceTest, HasAGuestWithoutADirtyRingMeasuredBySamples) {
    const Qemu qemu(socket("a"), two_cells);
    QmpSource source(files.path());
    const std::string uuid = list_until(source, one_known)[0].uuid;
    EXPECT_EQ(source.read_write_measurement(uuid).state, WriteMeasurement::State::none);
    EXPECT_TRUE(source.start_write_measurement(uuid, 60s));
    WriteMeasurement running;
    do  // it begins in a thread of QEMU's
        running = source.read_write_measurement(uuid);
    while (running.state != WriteMeasurement::State::running);
    EXPECT_EQ(running.mode, "page-sampling");
    EXPECT_FALSE(source.start_write_measurement(uuid, 60s)) << "one at a time";
    EXPECT_THROW(source.start_write_measurement("nobody", 1s), MonitorError);
}

TEST_F(QmpSourceTest, AMonitorThatHangsHoldsUpNobodyElse) {
    const Qemu good(socket("good"), {"-machine", "none"});
    const Qemu bad(socket("bad"), two_cells);
    QmpSource source(files.path());
    list_until(source, [](const auto& guests) {
        return guests.size() == 2 && guests[0].domain && guests[1].domain;
    });
    bad.signal(SIGSTOP);
    const auto hung = source.list();
    EXPECT_EQ(hung[0].unsteady, "its monitor does not answer");
    EXPECT_EQ(hung[0].uuid, "11111111-2222-3333-4444-555555555555") << "it is still known";
    EXPECT_EQ(hung[1].unsteady, "it is starting");
    EXPECT_THROW(source.read_ram_view(hung[0].uuid), MonitorError);
    bad.signal(SIGCONT);
    list_until(source, [](const auto& guests) {
        return guests.size() == 2 && guests[0].unsteady == "it is starting";
    });
}

TEST_F(QmpSourceTest, AMonitorThatAnswersAtLastIsHeardThoughNobodyElseTalks) {
    const Qemu qemu(socket("a"), two_cells);
    QmpSource source(files.path());
    list_until(source, one_known);
    qemu.signal(SIGSTOP);
    EXPECT_EQ(source.list()[0].unsteady, "its monitor does not answer");
    qemu.signal(SIGCONT);
    list_until(source, [](const auto& guests) { return guests[0].unsteady == "it is starting"; });
}

TEST_F(QmpSourceTest, ASocketNobodyGreetsOnIsAGuestThatDoesNotAnswer) {
    const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    socket("mute").copy(address.sun_path, sizeof address.sun_path - 1);
    ASSERT_EQ(::bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
    {
        QmpSource source(files.path());
        EXPECT_TRUE(source.list().empty()) << "refused: nobody is there";
        ASSERT_EQ(::listen(fd, 1), 0);
        const auto guests = source.list();
        ASSERT_EQ(guests.size(), 1U);
        EXPECT_EQ(guests[0].unsteady,
                  "its monitor does not answer; is another client on its socket?");
    }
    ::close(fd);
}

TEST_F(QmpSourceTest, WhatIsNoSocketIsPassedOver) {
    files.write("README", "no socket");
    QmpSource source(files.path());
    EXPECT_TRUE(source.list().empty());
}

TEST_F(QmpSourceTest, WithoutTheDirectoryItIsBlind) {
    QmpSource source(files.path("nowhere"));
    EXPECT_THROW(source.list(), SourceError);
}

}  // namespace
}  // namespace vnuma
