// Where metrics are served.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace vnuma {

// Where to listen: "127.0.0.1:9177", "[::1]:9177" or the path of a UNIX socket.
struct MetricsAddress {
    std::string text;

    bool is_path() const { return text.starts_with('/'); }
    // The address and port; nothing if it is a path, or no address of the loopback interface with a
    // port.
    struct Loopback {
        std::string host;
        std::uint16_t port = 0;
    };
    std::optional<Loopback> loopback() const;
    // Why it cannot be listened on: it is neither a path nor an address of the loopback interface
    // with a port. Empty if it can.
    std::string problem() const;
};

}  // namespace vnuma
