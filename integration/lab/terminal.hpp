// The terminal that the lab was started on, for the command in the host.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/local/stream_protocol.hpp>

#include "integration/lab/command.hpp"

namespace vnuma::lab {

// Zeros if standard input is no terminal.
TerminalSize terminal_size();

// Sends the host what is typed, and the terminal's size whenever it is another than `sent`.
// Meanwhile the terminal does nothing with keys itself: it shows none, and ^C is one like any
// other. Runs until it is cancelled.
boost::asio::awaitable<void> forward_terminal(boost::asio::local::stream_protocol::socket& port,
                                              TerminalSize sent);

}  // namespace vnuma::lab
