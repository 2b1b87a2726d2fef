// Serves metrics over HTTP, to Prometheus on the same host.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/generic/stream_protocol.hpp>
#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <string>

#include "src/config/metrics_address.hpp"

namespace vnuma {

namespace endpoint_limits {
inline constexpr std::size_t connections = 16;      // further ones are closed at once
inline constexpr std::size_t request_bytes = 8192;  // of a request's header
inline constexpr std::chrono::seconds patience{5};  // for a request, and for taking the reply
inline constexpr std::chrono::seconds pause{1};     // after a connection that could not be accepted
}  // namespace endpoint_limits

// GET /metrics only. All of it runs on the executor's one thread.
class MetricsEndpoint {
  public:
    // Listens at once, before vnumad gives up its rights. A socket that a process has left is
    // replaced. Throws std::system_error, whose text names the address. `text` is called for each
    // request and must not block.
    MetricsEndpoint(const boost::asio::any_io_executor& executor, const MetricsAddress& address,
                    std::function<std::string()> text);
    // After the executor has stopped.
    ~MetricsEndpoint();
    MetricsEndpoint(const MetricsEndpoint&) = delete;
    MetricsEndpoint& operator=(const MetricsEndpoint&) = delete;

    // Accepts connections from now on.
    void start();
    // No more connections, and those that are open are closed.
    void stop();

    // The port that the kernel has chosen if the address had port 0.
    unsigned short port() const;

  private:
    struct State;
    std::shared_ptr<State> state_;
};

}  // namespace vnuma
