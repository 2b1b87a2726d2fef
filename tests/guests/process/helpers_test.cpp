#include "guests/process/helpers.hpp"

#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>

#include "tests/guests/golden.hpp"

namespace vnuma {
namespace {

constexpr pid_t qemu = 100;

std::vector<pid_t> find(const test::TemporaryDirectory& files, const std::string& cgroup) {
    return find_helpers(qemu, cgroup, files.path("cgroup"));
}

TEST(Helpers, AreTheOtherProcessesInTheGuestsGroup) {
    const test::TemporaryDirectory files;
    files.write("cgroup/machine/qemu-1-a/libvirt/cgroup.procs", "90\n100\n110\n");
    EXPECT_EQ(find(files, "0::/machine/qemu-1-a/libvirt/emulator\n"),
              (std::vector<pid_t>{90, 110}));
    EXPECT_TRUE(find(files, "0::/machine/qemu-2-b/libvirt/emulator\n").empty());
}

TEST(Helpers, AreThoseOfTheCpusetGroupWithCgroupV1) {
    const test::TemporaryDirectory files;
    files.write("cgroup/cpuset/machine/qemu-1-a/emulator/cgroup.procs", "100\n110\n");
    EXPECT_EQ(find(files, "5:cpuset:/machine/qemu-1-a/emulator\n0::/\n"), std::vector<pid_t>{110});
}

// Other processes share such a group, and nothing says for whom they work.
TEST(Helpers, AreUnknownInAGroupThatIsNotTheGuestsOwn) {
    const test::TemporaryDirectory files;
    files.write("cgroup/system.slice/cgroup.procs", "100\n110\n");
    files.write("cgroup/cgroup.procs", "100\n110\n");
    EXPECT_TRUE(find(files, "0::/system.slice\n").empty());
    EXPECT_TRUE(find(files, "0::/\n").empty());
    EXPECT_TRUE(find(files, "").empty());
}

TEST(Helpers, AreReadUpToALimit) {
    const test::TemporaryDirectory files;
    std::string many;
    for (int pid = 1000; pid < 2000; ++pid)
        many += std::to_string(pid) + "\n";
    files.write("cgroup/a/cgroup.procs", many + "x");
    EXPECT_EQ(find(files, "0::/a/emulator\n").size(), max_helpers);
}

TEST(SocketsNamed, AreThoseBoundToPathsOnTheCommandLine) {
    const std::string table =
        "Num       RefCount Protocol Flags    Type St Inode Path\n"
        "0000000000000000: 00000002 00000000 00010000 0001 01 27214 /run/vm/tpm.sock\n"
        "0000000000000000: 00000003 00000000 00000000 0001 03   315 /run/vm/tpm.sock\n"
        "0000000000000000: 00000003 00000000 00000000 0001 03 27300\n"
        "0000000000000000: 00000002 00000000 00010000 0001 01 27216 /run/vm/fs.sock\n"
        "0000000000000000: 00000002 00000000 00010000 0001 01 27217 /run/vm/fs\n"
        "0000000000000000: 00000002 00000000 00010000 0001 01 27218 @abstract\n";
    const std::string qemu("qemu\0-chardev\0socket,id=tpm,path=/run/vm/tpm.sock,reconnect=5\0", 61);
    EXPECT_EQ(sockets_named(qemu, table),
              (std::set<std::string>{"socket:[27214]", "socket:[315]"}));
    const std::string json = R"({"driver":"x","path":"/run/vm/fs.sock"})";
    EXPECT_EQ(sockets_named(json, table), std::set<std::string>{"socket:[27216]"});
    const std::string words("vmm\0--socket\0/run/vm/fs\0", 24);
    EXPECT_EQ(sockets_named(words, table), std::set<std::string>{"socket:[27217]"});
    EXPECT_TRUE(sockets_named("", table).empty());
    EXPECT_TRUE(sockets_named(qemu, "").empty());
}

// Another process, which is killed at the end.
class Child {
  public:
    explicit Child(std::vector<std::string> words) {
        std::vector<char*> argv;
        for (std::string& word : words)
            argv.push_back(word.data());
        argv.push_back(nullptr);
        EXPECT_EQ(::posix_spawnp(&pid_, argv[0], nullptr, nullptr, argv.data(), environ), 0);
    }
    ~Child() {
        ::kill(pid_, SIGKILL);
        ::waitpid(pid_, nullptr, 0);
    }
    Child(const Child&) = delete;
    Child& operator=(const Child&) = delete;

    pid_t pid() const { return pid_; }

  private:
    pid_t pid_ = -1;
};

// A VMM on whose command line a socket stands that this process listens at. It is a shell that
// stops itself.
class Servers : public ::testing::Test {
  protected:
    Servers() {
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        socket_path().copy(address.sun_path, sizeof address.sun_path - 1);
        EXPECT_EQ(::bind(listener_.get(), reinterpret_cast<sockaddr*>(&address), sizeof address),
                  0);
        EXPECT_EQ(::listen(listener_.get(), 1), 0);
        set_members("container", {vmm_.pid(), ::getpid(), ::getppid()});
    }

    std::string socket_path() const { return files_.path("served.sock"); }
    void set_members(const std::string& group, const std::vector<pid_t>& members) const {
        std::string text;
        for (const pid_t member : members)
            text += std::to_string(member) + "\n";
        files_.write("cgroup/" + group + "/cgroup.procs", text);
    }
    std::vector<pid_t> find(const std::string& group) const {
        return find_servers(*Process::open(vmm_.pid()), "0::/" + group + "\n",
                            files_.path("cgroup"));
    }

    const test::TemporaryDirectory files_;
    const FileDescriptor listener_{::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    const Child vmm_{{"sh", "-c", "kill -STOP $$", "vmm", socket_path()}};
};

TEST_F(Servers, AreMembersOfTheVmmsGroupThatListenAtASocketOnItsCommandLine) {
    EXPECT_EQ(find("container"), std::vector<pid_t>{::getpid()});
}

TEST_F(Servers, AreUnknownInAnotherGroupOrTheRoot) {
    set_members("other", {vmm_.pid()});
    set_members("", {vmm_.pid(), ::getpid()});
    EXPECT_TRUE(find("other").empty());
    EXPECT_TRUE(find("none").empty());
    EXPECT_TRUE(find("").empty());
}

// As Proxmox VE starts it: from its daemon, whose control group it stays in.
TEST_F(Servers, AreFoundInAnyGroupIfTheirProgramServesOneGuestOnly) {
    set_members("other", {vmm_.pid()});
    const std::string program = files_.path("virtiofsd");
    std::filesystem::copy("/bin/sleep", program);
    const Child stranger({program, "1000"});
    const int inherited = ::dup(listener_.get());  // without close-on-exec
    const Child helper({program, "1000"});
    ::close(inherited);
    EXPECT_EQ(find("other"), std::vector<pid_t>{helper.pid()});
    EXPECT_EQ(find(""), std::vector<pid_t>{helper.pid()});
    EXPECT_EQ(find("container"), (std::vector<pid_t>{::getpid(), helper.pid()}));
    std::filesystem::remove(program);
    EXPECT_EQ(find("other"), std::vector<pid_t>{helper.pid()}) << "its package was upgraded";
}

TEST_F(Servers, AreUnknownAmongTooManyMembers) {
    std::vector<pid_t> many{::getpid()};
    for (pid_t pid = 1; pid < 100; ++pid)
        many.push_back(pid);
    set_members("service", many);
    EXPECT_TRUE(find("service").empty());
}

TEST(CpuTimes, AreThoseOfTheWholeProcess) {
    GuestSample sample;
    const auto self = Process::open(::getpid());
    add_cpu_time(*self, sample);
    ASSERT_EQ(sample.processes.size(), 1U);
    EXPECT_EQ(sample.processes[0].start_time, self->start_time());
    EXPECT_GT(sample.processes[0].run_ns, 0U);
}

}  // namespace
}  // namespace vnuma
