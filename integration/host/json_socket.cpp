#include "integration/host/json_socket.hpp"

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <stdexcept>

namespace vnuma::lab {

using nlohmann::json;
using std::chrono::milliseconds;
using std::chrono::seconds;

void JsonSocket::connect(const std::string& path) {
    close();
    path_ = path;
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path.copy(address.sun_path, sizeof address.sun_path - 1);
    socket_ = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (::connect(socket_, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
        throw std::runtime_error(path + ": cannot connect");
}

void JsonSocket::close() {
    if (socket_ >= 0) ::close(socket_);
    socket_ = -1;
    input_.clear();
}

void JsonSocket::send(const json& message) {
    const std::string line = message.dump() + "\n";
    if (::send(socket_, line.data(), line.size(), MSG_NOSIGNAL) !=
        static_cast<ssize_t>(line.size()))
        throw std::runtime_error(path_ + ": cannot send: " + std::strerror(errno));
}

json JsonSocket::receive(seconds limit) {
    const auto end = std::chrono::steady_clock::now() + limit;
    while (true) {
        if (const std::size_t newline = input_.find('\n'); newline != std::string::npos) {
            json message = json::parse(input_.substr(0, newline), nullptr, false);
            input_.erase(0, newline + 1);
            if (message.is_object()) return message;
            continue;
        }
        const auto left =
            std::chrono::duration_cast<milliseconds>(end - std::chrono::steady_clock::now());
        pollfd poll_socket{socket_, POLLIN, 0};
        if (::poll(&poll_socket, 1, static_cast<int>(std::max<long>(left.count(), 0))) <= 0)
            return nullptr;
        std::array<char, 16384> chunk{};
        const ssize_t size = ::read(socket_, chunk.data(), chunk.size());
        if (size <= 0) return nullptr;
        input_.append(chunk.data(), static_cast<std::size_t>(size));
    }
}

}  // namespace vnuma::lab
