#include "src/ctl/host/host_facts.hpp"

#include <sys/socket.h>
#include <sys/un.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <memory>
#include <sstream>

#include "guests/process/file_descriptor.hpp"
#include "guests/process/files.hpp"
#include "src/observe/host.hpp"
#include "src/observe/rival_reader.hpp"

namespace vnuma::ctl {
namespace {

constexpr std::size_t most_version_bytes = 256;

bool exists(const std::string& path) {
    return ::access(path.c_str(), F_OK) == 0;
}

std::string text_of(const std::string& path) {
    return read_small_file(path).value_or("");
}

bool has_word(const std::string& text, const std::string& word) {
    std::istringstream words(text);
    std::string one;
    while (words >> one)
        if (one == word) return true;
    return false;
}

enum class Answer { none, yes, forbidden };

// Whether somebody accepts connections. The connection is closed at once.
Answer ask(const std::string& path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path.size() >= sizeof(address.sun_path)) return Answer::none;
    std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
    const FileDescriptor socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (!socket) return Answer::none;
    if (::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0)
        return Answer::yes;
    // Somebody listens whose backlog is full.
    if (errno == EAGAIN) return Answer::yes;
    return errno == EACCES ? Answer::forbidden : Answer::none;
}

void read_nodes(HostFacts& facts, const HostRoots& roots) {
    facts.numa_off = has_word(text_of(roots.proc + "/cmdline"), "numa=off");
    try {
        const Host host = read_host(roots.sys + "/devices/system");
        facts.nodes = host.topology.nodes.size();
        facts.cpus = host.online().size();
    } catch (const HostError&) {
        facts.nodes.reset();
    }
}

void read_kernel(HostFacts& facts, const HostRoots& roots) {
    utsname name{};
    if (::uname(&name) == 0) facts.kernel = name.release;
    facts.is_root = ::geteuid() == 0;
    facts.abilities = probe_abilities();
    const std::string damon = roots.sys + "/kernel/mm/damon/admin/kdamonds/nr_kdamonds";
    facts.damon = exists(damon);
    facts.kdamonds = std::atoi(text_of(damon).c_str());
    facts.idle_pages = exists(roots.sys + "/kernel/mm/page_idle/bitmap");
    facts.btf = exists(roots.sys + "/kernel/btf/vmlinux");
    // With "integrity" they still may.
    facts.locked_down =
        has_word(text_of(roots.sys + "/kernel/security/lockdown"), "[confidentiality]");
    if (exists(roots.sys + "/fs/cgroup/cgroup.controllers"))
        facts.cgroup_version = 2;
    else if (exists(roots.sys + "/fs/cgroup/cpuset"))
        facts.cgroup_version = 1;
    facts.pressure = exists(roots.proc + "/pressure/memory");
    facts.kvm_device = exists(roots.dev + "/kvm");
    const std::string cpuinfo = text_of(roots.proc + "/cpuinfo");
    for (const char* flag : {"vmx", "svm"})
        if (has_word(cpuinfo, flag)) facts.virtualization = flag;
}

void read_libvirt(HostFacts& facts, const HostRoots& roots) {
    for (const char* name : {"/libvirt/virtqemud-sock-ro", "/libvirt/libvirt-sock-ro"}) {
        const std::string path = roots.run + name;
        if (!exists(path)) continue;
        const bool answers = ask(path) == Answer::yes;
        if (!facts.libvirt_socket.empty() && !answers) continue;
        facts.libvirt_socket = path;
        facts.libvirt_answers = answers;
    }
}

std::string find_qemu(const HostRoots& roots) {
    utsname name{};
    ::uname(&name);
    std::vector<std::string> directories = roots.programs;
    if (const char* path = std::getenv("PATH")) {
        std::istringstream all(path);
        for (std::string one; std::getline(all, one, ':');)
            directories.push_back(one);
    }
    for (const std::filesystem::path directory : directories)
        for (const std::string& program :
             {std::string("qemu-system-") + name.machine, std::string("qemu-kvm")})
            if (const std::filesystem::path path = directory / program;
                path.is_absolute() && ::access(path.c_str(), X_OK) == 0)
                return path.string();
    return "";
}

// The number in "QEMU emulator version 7.2.22 (Debian ...)".
std::string read_qemu_version(const std::string& program) {
    if (program.empty() || program.find('\'') != std::string::npos) return "";
    const std::string command = "'" + program + "' --version 2>/dev/null";
    const std::unique_ptr<std::FILE, int (*)(std::FILE*)> output(::popen(command.c_str(), "r"),
                                                                 ::pclose);
    if (!output) return "";
    std::array<char, most_version_bytes> line{};
    if (!std::fgets(line.data(), line.size(), output.get())) return "";
    std::istringstream words(line.data());
    for (std::string word; words >> word;)
        if (word == "version" && words >> word) return word;
    return "";
}

}  // namespace

HostFacts read_host_facts(const HostRoots& roots) {
    HostFacts facts;
    read_nodes(facts, roots);
    read_kernel(facts, roots);
    read_libvirt(facts, roots);
    facts.rivals = RivalReader({roots.proc, roots.sys, roots.run, roots.var})
                       .read({}, std::chrono::steady_clock::now());
    facts.qemu = find_qemu(roots);
    facts.qemu_version = read_qemu_version(facts.qemu);
    for (const std::string& socket : roots.control_sockets) {
        const Answer answer = ask(socket);
        facts.vnumad_answers |= answer == Answer::yes;
        facts.vnumad_forbidden |= answer == Answer::forbidden;
    }
    return facts;
}

}  // namespace vnuma::ctl
