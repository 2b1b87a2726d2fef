// Limits of the control socket's server.
#pragma once

#include <chrono>
#include <cstddef>

#include "qmp/message.hpp"

namespace vnuma::control {

// Tests set smaller ones.
struct Limits {
    // Connections at a time. More are told so and closed.
    std::size_t clients = 256;
    std::size_t clients_of_a_user = 64;
    // Of `clients`, those that are kept for who may act: others cannot lock the administrator out.
    std::size_t clients_kept_for_actors = 32;

    // Requests of a client. It may send a second's worth at once. Further ones wait: they are not
    // read, and nothing is refused.
    int requests_per_second = 100;
    // Those who may only read share one of so many parts of the thread's time, so that an emergency
    // stop never waits behind them.
    int parts_of_time = 4;

    // Bytes that wait until a client reads them. While more wait than the first number, its
    // requests are not read. A reply that does not fit into the second is refused: clients such as
    // vnumactl, which are built on qmp/, would not take a longer line.
    std::size_t outgoing_before_reading = std::size_t{1} << 20;
    std::size_t outgoing = qmp::max_line_bytes;
    // While more bytes wait, events are dropped for this client. It is told how many with
    // EVENTS_LOST, once fewer wait.
    std::size_t outgoing_before_events = std::size_t{256} << 10;
    // Bytes that wait for all clients. Each may take half of what the others leave. A reply that
    // does not fit is refused, an event that does not fit is dropped.
    std::size_t outgoing_of_all = std::size_t{64} << 20;

    // A client is closed that reads nothing for so long while output waits, or that has not
    // negotiated capabilities within so long.
    std::chrono::milliseconds silence{30'000};
    std::chrono::milliseconds negotiation{30'000};
    // After an error of accept(2), such as too many open files, it is tried again after so long.
    std::chrono::milliseconds accept_pause{1'000};

    // What the server's thread may be behind with. More events and records are dropped and counted
    // for all clients that want them; more calls are refused.
    std::size_t waiting_events = 1024;
    std::size_t waiting_records = 4;
    std::size_t waiting_calls = 64;

    // How long stop() waits for the thread, which may be in a handler.
    std::chrono::milliseconds stop_patience{5'000};
};

// Of one read(2).
inline constexpr std::size_t read_buffer_bytes = 8 * 1024;
// Of listen(2).
inline constexpr int listen_backlog = 128;

}  // namespace vnuma::control
