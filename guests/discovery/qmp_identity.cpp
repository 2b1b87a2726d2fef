#include "guests/discovery/qmp_identity.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <set>
#include <system_error>
#include <vector>

#include "guests/process/parse_proc.hpp"

namespace vnuma {
namespace {

constexpr uid_t no_user = static_cast<uid_t>(-1);

[[noreturn]] void throw_errno(const std::string& path) {
    throw std::system_error(errno, std::generic_category(), path);
}

struct stat read_stat(int fd, const std::string& path) {
    struct stat status {};
    if (::fstat(fd, &status) != 0) throw_errno(path);
    return status;
}

std::string user(uid_t id) {
    return "user " + std::to_string(id);
}

// Whether one of these sockets of the process is bound to the file. The process may see the file
// under another path than vnumad does.
bool is_bound(const Process& process, const std::set<std::uint64_t>& sockets,
              const QmpSocketFile& file) {
    for (const UnixSocket& socket :
         parse_unix_sockets(process.read("net/unix").value_or(""), file.name(), sockets)) {
        const bool absolute = socket.path.starts_with('/');
        if (process.file_id((absolute ? "root" : "cwd/") + socket.path) == file.id()) return true;
    }
    return false;
}

}  // namespace

QmpSocketFile::QmpSocketFile(const std::string& directory, const std::string& name) : name_(name) {
    const std::string path = directory + "/" + name;
    const FileDescriptor parent(::open(directory.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
    if (!parent) throw_errno(directory);
    file_.reset(::openat(parent.get(), name.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC));
    if (!file_) throw_errno(path);
    const struct stat above = read_stat(parent.get(), directory),
                      own = read_stat(file_.get(), path);
    id_ = {own.st_dev, own.st_ino};
    is_symbolic_link_ = S_ISLNK(own.st_mode);
    is_directory_writable_ = (above.st_mode & (S_IWGRP | S_IWOTH)) != 0;
    owner_ = own.st_uid;
    directory_owner_ = above.st_uid;
}

std::string why_not_trusted(const QmpPeerFacts& facts) {
    const auto by_root_or_us = [&](uid_t owner) { return owner == 0 || owner == facts.own_user; };
    if (!by_root_or_us(facts.directory_owner))
        return "the directory of its QMP socket belongs to " + user(facts.directory_owner) +
               ", and not to root or to vnumad's user";
    if (facts.directory_writable)
        return "others than its owner may write to the directory of its QMP socket";
    if (!facts.found) return "the process that made its QMP socket has ended, or cannot be opened";
    if (facts.started > facts.connected)
        return "the process that made its QMP socket has ended, and another one has its number";
    // root makes the socket of a QEMU that changes its user afterwards.
    if (facts.socket_owner != 0 && facts.socket_owner != facts.user)
        return "its QMP socket belongs to " + user(facts.socket_owner) +
               ", and its process runs as " + user(facts.user);
    if (!facts.files_known)
        return "the open files of its process cannot be read (CAP_SYS_PTRACE is needed)";
    if (!facts.holds_vm) return "its process holds no KVM virtual machine";
    if (!facts.holds_socket) return "its process does not have its QMP socket open";
    return "";
}

std::uint64_t read_clock_ticks() {
    timespec now{};
    ::clock_gettime(CLOCK_BOOTTIME, &now);
    const auto ticks_per_s = static_cast<std::uint64_t>(::sysconf(_SC_CLK_TCK));
    constexpr std::uint64_t ns_per_s = 1'000'000'000;
    return static_cast<std::uint64_t>(now.tv_sec) * ticks_per_s +
           static_cast<std::uint64_t>(now.tv_nsec) * ticks_per_s / ns_per_s;
}

QmpPeerFacts read_socket_facts(const QmpSocketFile& socket) {
    QmpPeerFacts facts;
    facts.own_user = ::geteuid();
    facts.directory_owner = socket.directory_owner();
    facts.directory_writable = socket.is_directory_writable();
    facts.socket_owner = socket.owner();
    facts.connected = read_clock_ticks();
    return facts;
}

void read_process_facts(const Process& process, const QmpSocketFile& socket,
                        const std::string& vm_file, QmpPeerFacts& facts) {
    facts.found = true;
    facts.started = process.start_time();
    const auto status = process.read("status");
    facts.user = status ? parse_effective_user(*status).value_or(no_user) : no_user;
    constexpr std::string_view socket_link = "socket:[";
    std::set<std::uint64_t> sockets;
    for (const std::string& fd : process.open_files()) {
        const std::string link = process.read_link("fd/" + fd);
        facts.files_known |= !link.empty();
        facts.holds_vm |= link == vm_file;
        if (link.starts_with(socket_link))
            sockets.insert(std::strtoull(link.c_str() + socket_link.size(), nullptr, 10));
    }
    facts.holds_socket = is_bound(process, sockets, socket);
}

bool holds_vm(const Process& process, const std::string& vm_file) {
    const auto files = process.open_files();
    return std::any_of(files.begin(), files.end(), [&](const std::string& fd) {
        return process.read_link("fd/" + fd) == vm_file;
    });
}

}  // namespace vnuma
