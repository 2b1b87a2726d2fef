#include "integration/host/streaming_monitor.hpp"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

namespace vnuma::lab {
namespace {

const std::string greeting =
    R"({"QMP": {"version": {"qemu": {"micro": 0, "minor": 2, "major": 7}, "package": ""}, )"
    R"("capabilities": []}})"
    "\n";
const std::string event = R"({"event": "STOP", "data": {"text": ")" + std::string(4000, 'x') +
                          R"("}, "timestamp": {"seconds": 1, "microseconds": 0}})" + "\n";

}  // namespace

StreamingMonitor::StreamingMonitor(const std::string& path)
    : socket_(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path.copy(address.sun_path, sizeof address.sun_path - 1);
    if (::bind(socket_, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
        ::listen(socket_, 4) != 0)
        throw std::system_error(errno, std::generic_category(), path);
    server_ = std::thread([this] { serve(); });
}

StreamingMonitor::~StreamingMonitor() {
    ending_ = true;
    ::shutdown(socket_, SHUT_RDWR);
    server_.join();
    ::close(socket_);
}

void StreamingMonitor::serve() {
    while (!ending_) {
        const int peer = ::accept4(socket_, nullptr, nullptr, SOCK_CLOEXEC);
        if (peer < 0) return;
        stream_to(peer);
        ::close(peer);
    }
}

// Until the peer hangs up.
void StreamingMonitor::stream_to(int peer) {
    const timeval limit{1, 0};  // so that ending_ is looked at
    ::setsockopt(peer, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
    std::string next = greeting;
    while (!ending_) {
        const ssize_t sent = ::send(peer, next.data(), next.size(), MSG_NOSIGNAL);
        if (sent < 0 && errno != EAGAIN) return;
        if (sent <= 0) continue;
        sent_ += static_cast<std::uint64_t>(sent);
        next.erase(0, static_cast<std::size_t>(sent));
        if (next.empty()) next = event;
    }
}

}  // namespace vnuma::lab
