// Guests whose monitors are sockets in a directory of a test, and the source that lists them.
#pragma once

#include <gtest/gtest.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <string>
#include <thread>
#include <vector>

#include "guests/discovery/qmp_source.hpp"
#include "guests/model/listed_guest.hpp"
#include "tests/temporary.hpp"

extern char** environ;

namespace vnuma {

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
    // Returns when a SIGSTOP has stopped it.
    void signal(int number) const {
        ::kill(pid_, number);
        if (number == SIGSTOP) ::waitpid(pid_, nullptr, WUNTRACED);
    }
    pid_t pid() const { return pid_; }

  private:
    pid_t pid_ = -1;
};

class QmpSourceTest : public ::testing::Test {
  protected:
    // Its clock stands still unless a test advances it.
    QmpSource listen() {
        return QmpSource({.directory = files.path(),
                          .patterns = patterns,
                          .vm_file = vm_file,
                          .deadlines = deadlines},
                         [this] { return now; });
    }
    std::string socket(const std::string& name) const { return files.path(name + ".sock"); }

    // Lists until the condition holds: QEMU takes a moment to make its socket. The clock advances
    // by `step` between two lists.
    template <typename Condition>
    std::vector<ListedGuest> list_until(QmpSource& source, Condition condition,
                                        std::chrono::seconds step = 0s) {
        const auto end = std::chrono::steady_clock::now() + 20s;
        while (std::chrono::steady_clock::now() < end) {
            std::vector<ListedGuest> guests = source.list();
            if (condition(guests)) return guests;
            now += step;
            std::this_thread::yield();
        }
        ADD_FAILURE() << "the condition did not come true in 20 s";
        return std::vector<ListedGuest>(8);
    }
    // Lists until no guest is unsteady, and none is in quarantine.
    std::vector<ListedGuest> list_until_steady(QmpSource& source, std::size_t count) {
        const auto steady = [count](const auto& guests) {
            return guests.size() == count &&
                   std::all_of(guests.begin(), guests.end(),
                               [](const ListedGuest& guest) { return guest.unsteady.empty(); });
        };
        list_until(source, steady, 30s);
        return list_until(source, steady, 30s);
    }
    static bool one_described(const std::vector<ListedGuest>& guests) {
        return guests.size() == 1 && guests[0].domain;
    }

    test::TemporaryDirectory files;
    // Any QEMU, and this process, has such a file open.
    std::string vm_file = "anon_inode:[eventfd]";
    std::vector<std::string> patterns = default_qmp_patterns();
    // No monitor is late in a test that is not about deadlines, however slow the machine is.
    QmpDeadlines deadlines{
        .list = 20s, .recovery = 20s, .greeting = 20s, .calls = 20s, .call = 20s, .state = 20s};
    std::chrono::steady_clock::time_point now{};
};

inline std::string not_answered_for(const std::string& seconds) {
    return "QEMU has not answered on its QMP socket for " + seconds + " s";
}
inline const std::string not_greeted = "; is another client connected to this socket?";

inline const std::vector<std::string> two_cells{"-machine", "q35",
                                                "-m",       "128",
                                                "-smp",     "2",
                                                "-object",  "memory-backend-ram,id=m0,size=64M",
                                                "-object",  "memory-backend-ram,id=m1,size=64M",
                                                "-numa",    "node,nodeid=0,memdev=m0,cpus=0",
                                                "-numa",    "node,nodeid=1,memdev=m1,cpus=1",
                                                "-object",  "iothread,id=io1",
                                                "-uuid",    "11111111-2222-3333-4444-555555555555",
                                                "-name",    "web"};

}  // namespace vnuma
