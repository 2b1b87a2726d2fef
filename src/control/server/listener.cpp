#include "src/control/server/listener.hpp"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <systemd/sd-daemon.h>

#include <cerrno>
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <memory>
#include <system_error>
#include <utility>

#include "src/control/server/limits.hpp"

namespace vnuma::control {
namespace {

constexpr mode_t directory_mode = 0755;

[[noreturn]] void fail(const std::string& path, const std::string& reason) {
    throw ListenError("control socket " + path + ": " + reason);
}

[[noreturn]] void fail_call(const std::string& path, const char* call, int error = errno) {
    fail(path, std::string(call) + ": " + std::generic_category().message(error));
}

sockaddr_un address_of(const std::string& path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path.size() >= sizeof address.sun_path)
        fail(path, "the path is longer than " + std::to_string(sizeof address.sun_path - 1) +
                       " bytes; choose another directory");
    std::memcpy(address.sun_path, path.data(), path.size());
    return address;
}

FileDescriptor open_socket(const std::string& path) {
    FileDescriptor socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (!socket) fail_call(path, "socket");
    return socket;
}

// Whether there is a socket without a server. Throws unless that or nothing is there.
bool is_stale(const std::string& path) {
    struct stat found {};
    if (::lstat(path.c_str(), &found) != 0) {
        if (errno == ENOENT) return false;
        fail_call(path, "lstat");
    }
    if (!S_ISSOCK(found.st_mode)) fail(path, "a file that is no socket is there; move it away");
    const FileDescriptor socket = open_socket(path);
    const sockaddr_un address = address_of(path);
    if (::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0 ||
        errno == EAGAIN)  // its queue is full
        fail(path, "another process answers there; stop it, or choose another directory");
    if (errno != ECONNREFUSED && errno != ENOENT) fail_call(path, "connect");
    return errno == ECONNREFUSED;
}

// Binds to a path that nobody else uses, and gives the file its owner and mode before anybody can
// connect.
void bind_and_listen(int socket, const std::string& path, mode_t mode, std::optional<gid_t> group) {
    const sockaddr_un address = address_of(path);
    ::unlink(path.c_str());  // of a process with the same number that was killed here
    // bind(2) makes the file with the mode of the socket.
    if (::fchmod(socket, 0) != 0) fail_call(path, "fchmod");
    if (::bind(socket, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
        fail_call(path, "bind");
    if (group && ::lchown(path.c_str(), static_cast<uid_t>(-1), *group) != 0)
        fail_call(path, "chown");
    if (::chmod(path.c_str(), mode) != 0) fail_call(path, "chmod");
    if (::listen(socket, listen_backlog) != 0) fail_call(path, "listen");
}

// The path of a socket that is bound; empty if it has none in the file system.
std::string path_of(int socket) {
    sockaddr_un address{};
    socklen_t size = sizeof address;
    if (::getsockname(socket, reinterpret_cast<sockaddr*>(&address), &size) != 0 ||
        size <= offsetof(sockaddr_un, sun_path))
        return "";
    return {address.sun_path, ::strnlen(address.sun_path, size - offsetof(sockaddr_un, sun_path))};
}

struct FreeNames {
    void operator()(char** names) const {
        for (char** name = names; *name; ++name)
            std::free(*name);
        std::free(names);
    }
};

}  // namespace

Listener Listener::make(const std::string& path, mode_t mode, std::optional<gid_t> group,
                        bool may_act) {
    address_of(path);
    const bool stale = is_stale(path);
    Listener made(open_socket(path), path, may_act);
    const std::filesystem::path target(path);
    const std::string hidden = (target.parent_path() / ("." + target.filename().string() + "." +
                                                        std::to_string(::getpid())))
                                   .string();
    try {
        bind_and_listen(made.socket_.get(), hidden, mode, group);
        struct stat file {};
        if (::lstat(hidden.c_str(), &file) != 0) fail_call(hidden, "lstat");
        // Where nothing was, nothing is replaced that has come since.
        const unsigned flags = stale ? 0 : RENAME_NOREPLACE;
        if (::renameat2(AT_FDCWD, hidden.c_str(), AT_FDCWD, path.c_str(), flags) != 0)
            fail_call(path, "rename");
        made.file_.emplace(file.st_dev, file.st_ino);
    } catch (const ListenError&) {
        ::unlink(hidden.c_str());
        throw;
    }
    return made;
}

Listener::Listener(FileDescriptor socket, std::string path, bool may_act)
    : socket_(std::move(socket)), path_(std::move(path)), may_act_(may_act) {}

Listener::Listener(Listener&& other) noexcept
    : socket_(std::move(other.socket_)),
      path_(std::move(other.path_)),
      may_act_(other.may_act_),
      file_(std::exchange(other.file_, std::nullopt)) {}

Listener::~Listener() {
    struct stat found {};
    if (file_ && ::lstat(path_.c_str(), &found) == 0 &&
        *file_ == std::pair(found.st_dev, found.st_ino))
        ::unlink(path_.c_str());
}

std::vector<Listener> make_listeners(const std::string& directory, const Actors& actors,
                                     mode_t read_mode) {
    if (::mkdir(directory.c_str(), directory_mode) != 0 && errno != EEXIST)
        fail_call(directory, "mkdir");
    std::vector<Listener> listeners;
    listeners.push_back(
        Listener::make(directory + "/" + act_socket_name, act_socket_mode, actors.group, true));
    listeners.push_back(
        Listener::make(directory + "/" + read_socket_name, read_mode, actors.group, false));
    return listeners;
}

std::optional<bool> recognise(std::string_view path, std::string_view name) {
    if (name == "control") return true;
    if (name == "control-ro") return false;
    const std::string_view file = path.substr(path.rfind('/') + 1);
    if (file == act_socket_name) return true;
    if (file == read_socket_name) return false;
    return std::nullopt;
}

std::vector<Listener> take_listeners_of_systemd() {
    char** all_names = nullptr;
    const int count = ::sd_listen_fds_with_names(1, &all_names);
    if (count < 0) fail_call("of systemd", "sd_listen_fds", -count);
    const std::unique_ptr<char*, FreeNames> names(all_names);
    std::vector<FileDescriptor> sockets;
    sockets.reserve(static_cast<std::size_t>(count));
    for (int i = 0; i < count; ++i)
        sockets.emplace_back(SD_LISTEN_FDS_START + i);
    std::vector<Listener> listeners;
    listeners.reserve(sockets.size());
    for (int i = 0; i < count; ++i) {
        FileDescriptor& socket = sockets[static_cast<std::size_t>(i)];
        const std::string path = path_of(socket.get());
        const std::string name = all_names[i];
        if (::sd_is_socket(socket.get(), AF_UNIX, SOCK_STREAM, 1) <= 0)
            fail("'" + name + "' of systemd",
                 "it is no listening socket of AF_UNIX; "
                 "the socket unit needs ListenStream= with a path");
        const std::optional<bool> may_act = recognise(path, name);
        if (!may_act)
            fail(path + " of systemd",
                 "neither its path ends with " + std::string(act_socket_name) + " or " +
                     read_socket_name + " nor is its FileDescriptorName= control or control-ro");
        listeners.emplace_back(std::move(socket), path, *may_act);
    }
    return listeners;
}

}  // namespace vnuma::control
