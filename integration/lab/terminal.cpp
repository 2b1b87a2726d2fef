#include "integration/lab/terminal.hpp"

#include <fcntl.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include <array>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <csignal>
#include <string>
#include <string_view>

#include "integration/lab/frame.hpp"

// GCC 12 inlines Asio's allocation of a coroutine, and takes its end for one of another kind.
#pragma GCC diagnostic ignored "-Wmismatched-new-delete"

namespace vnuma::lab {
namespace {

namespace asio = boost::asio;
using namespace asio::experimental::awaitable_operators;
using Descriptor = asio::posix::stream_descriptor;

class RawTerminal {
  public:
    RawTerminal() {
        ::tcgetattr(STDIN_FILENO, &before_);
        termios raw = before_;
        ::cfmakeraw(&raw);
        ::tcsetattr(STDIN_FILENO, TCSAFLUSH, &raw);
    }
    ~RawTerminal() { ::tcsetattr(STDIN_FILENO, TCSADRAIN, &before_); }
    RawTerminal(const RawTerminal&) = delete;
    RawTerminal& operator=(const RawTerminal&) = delete;

  private:
    termios before_{};
};

}  // namespace

TerminalSize terminal_size() {
    winsize size{};
    if (::ioctl(STDIN_FILENO, TIOCGWINSZ, &size) != 0) return {};
    return {size.ws_row, size.ws_col};
}

asio::awaitable<void> forward_terminal(asio::local::stream_protocol::socket& port,
                                       TerminalSize sent) {
    const RawTerminal raw;
    // Opened anew: what is made non-blocking here is not what others write to.
    Descriptor keyboard(port.get_executor(), ::open("/dev/tty", O_RDONLY | O_CLOEXEC));
    keyboard.non_blocking(true);
    asio::signal_set resized(port.get_executor(), SIGWINCH);
    boost::system::error_code error;
    auto token = asio::redirect_error(asio::use_awaitable, error);
    std::array<char, 1024> chunk;
    while (true) {
        std::string frames;
        if (const TerminalSize now = terminal_size(); now != sent) {
            sent = now;
            frames += encode_frame(FrameType::size, to_json(sent));
        }
        const std::size_t typed = keyboard.read_some(asio::buffer(chunk), error);
        if (error && error != asio::error::would_block) break;
        if (typed > 0)
            frames += encode_frame(FrameType::input, std::string_view(chunk.data(), typed));
        co_await asio::async_write(port, asio::buffer(frames), token);
        if (error) break;
        co_await (keyboard.async_wait(Descriptor::wait_read, token) || resized.async_wait(token));
    }
    // The end of the terminal, or of the host, is told by others.
    asio::steady_timer never(port.get_executor(), asio::steady_timer::time_point::max());
    co_await never.async_wait(asio::use_awaitable);
}

}  // namespace vnuma::lab
