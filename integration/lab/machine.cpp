#include "integration/lab/machine.hpp"

#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <csignal>
#include <cstring>
#include <fstream>
#include <iostream>
#include <sstream>

#include "integration/lab/frame.hpp"
#include "integration/lab/qemu.hpp"
#include "integration/lab/terminal.hpp"
#include "qmp/client.hpp"

namespace vnuma::lab {
namespace {

namespace asio = boost::asio;
using namespace asio::experimental::awaitable_operators;
using boost::system::error_code;
using std::chrono::seconds;
using Stream = asio::local::stream_protocol;

constexpr seconds monitor_deadline{30};
constexpr seconds console_interval{5}, beat_interval{5};
constexpr int beats_missed = 12;
// What a kernel says of a processor that does not wake up any more, as happens in emulation.
constexpr std::array stall_marks{"detected stalls on CPUs", "INFO: task "};
constexpr std::array death_marks{"Oops: ", "Kernel panic", "BUG: ", "general protection fault"};
constexpr auto monitor_retry = std::chrono::milliseconds(20);

bool has_any(const std::string& text, const auto& marks) {
    return std::any_of(marks.begin(), marks.end(),
                       [&](const char* mark) { return text.find(mark) != std::string::npos; });
}

std::string read_file(const std::filesystem::path& file) {
    std::ostringstream text;
    text << std::ifstream(file, std::ios::binary).rdbuf();
    return text.str();
}

void write_all(int fd, std::string_view bytes) {
    while (!bytes.empty()) {
        const ssize_t n = ::write(fd, bytes.data(), bytes.size());
        if (n < 0 && errno == EAGAIN) {  // somebody made our output non-blocking
            pollfd ready{fd, POLLOUT, 0};
            ::poll(&ready, 1, -1);
        } else if (n < 0 && errno != EINTR) {
            return;  // the reader of our output has gone
        }
        if (n > 0) bytes.remove_prefix(static_cast<std::size_t>(n));
    }
}

asio::awaitable<void> wait_for_ever() {
    asio::steady_timer timer(co_await asio::this_coro::executor,
                             asio::steady_timer::time_point::max());
    co_await timer.async_wait(asio::use_awaitable);
}

struct Conclusion {
    std::optional<int> exit_status;
    std::string trouble;
};

// The conversation with the agent. Its members end a race (operator||) by returning.
class Conversation {
  public:
    Conversation(asio::io_context& context, const RunDirectory& files)
        : acceptor_(context, Stream::endpoint(files.port().string())),
          port_(context),
          accepts_input_(context, asio::steady_timer::time_point::max()) {}

    // The command's exit status. Trouble of our own is returned as well, since a race takes no
    // notice of what is thrown.
    asio::awaitable<Conclusion> run(const MachineOptions& options) {
        Conclusion conclusion;
        try {
            conclusion.exit_status = co_await converse(options);
        } catch (const std::exception& error) {
            conclusion.trouble = error.what();
        }
        co_return conclusion;
    }

    // Before the command runs, the terminal is left as it is, so that ^C ends the lab.
    asio::awaitable<void> forward_terminal(const MachineOptions& options) {
        error_code error;
        auto token = asio::redirect_error(asio::use_awaitable, error);
        while (accepts_input_.expiry() == asio::steady_timer::time_point::max())
            co_await accepts_input_.async_wait(token);
        co_await lab::forward_terminal(port_, options.command.size);
    }

    bool up() const { return up_; }
    int beats() const { return beats_; }

  private:
    asio::awaitable<int> converse(const MachineOptions& options) {
        error_code error;
        auto token = asio::redirect_error(asio::use_awaitable, error);
        co_await acceptor_.async_accept(port_, token);
        FrameDecoder decoder;
        std::array<char, 32 * 1024> chunk;
        while (!error) {
            const std::size_t size = co_await port_.async_read_some(asio::buffer(chunk), token);
            decoder.feed({chunk.data(), size});
            while (auto frame = decoder.next()) {
                if (frame->type == FrameType::exit) co_return std::stoi(frame->bytes);
                if (frame->type == FrameType::beat) {
                    ++beats_;
                } else if (frame->type == FrameType::ready) {
                    up_ = true;
                    if (options.report_boot) std::cerr << "vnuma-lab: the host is up\n";
                    const std::string command =
                        encode_frame(FrameType::command, to_json(options.command));
                    co_await asio::async_write(port_, asio::buffer(command), token);
                    if (options.command.terminal) accepts_input_.expires_after({});
                } else {
                    const bool output = frame->type == FrameType::output;
                    write_all(output ? STDOUT_FILENO : STDERR_FILENO, frame->bytes);
                }
            }
        }
        // The port closes when QEMU dies: the process' own end tells the story.
        co_await wait_for_ever();
        co_return -1;
    }

    Stream::acceptor acceptor_;
    Stream::socket port_;
    asio::steady_timer accepts_input_;  // runs out once what is typed is the command's
    bool up_ = false;
    int beats_ = 0;
};

// The host's monitor tells a crash from an orderly end. Returns the reason QEMU gives
// ("guest-shutdown", "guest-reset") when the host stops by itself.
asio::awaitable<std::string> shutdown_reason(qmp::Client& client) {
    co_await client.negotiate(monitor_deadline);
    while (true) {
        const qmp::Event event = co_await client.next_event();
        if (event.name == "SHUTDOWN") co_return event.data.value("reason", "unknown");
    }
}

asio::awaitable<std::string> watch_monitor(std::string path) {
    auto executor = co_await asio::this_coro::executor;
    qmp::Client client(executor, {.events = true});
    asio::steady_timer timer(executor);
    const auto give_up = std::chrono::steady_clock::now() + monitor_deadline;
    for (bool connected = false; !connected;) {
        try {
            co_await client.connect(path);
            connected = true;
        } catch (const qmp::ConnectionError&) {
            if (std::chrono::steady_clock::now() > give_up) throw;
        }
        if (connected) break;
        timer.expires_after(monitor_retry);
        co_await timer.async_wait(asio::use_awaitable);
    }
    // A connection that dies with QEMU leaves the telling to QEMU's exit.
    try {
        co_return co_await client.run_while(shutdown_reason(client));
    } catch (const std::exception&) {
    }
    co_await wait_for_ever();
    co_return "";
}

asio::awaitable<int> wait_for_signal() {
    asio::signal_set signals(co_await asio::this_coro::executor, SIGINT, SIGTERM, SIGHUP);
    co_return co_await signals.async_wait(asio::use_awaitable);
}

asio::awaitable<void> wait_for(seconds timeout) {
    asio::steady_timer timer(co_await asio::this_coro::executor, timeout);
    co_await timer.async_wait(asio::use_awaitable);
}

// Ends when the host is not up by then.
asio::awaitable<void> watch_boot(const Conversation& conversation, seconds timeout) {
    co_await wait_for(timeout);
    if (conversation.up()) co_await wait_for_ever();
}

// Ends when the host's processors have not all woken up for a minute. Counts looks, not time: while
// we are held up ourselves, nobody takes beats.
asio::awaitable<void> watch_beats(const Conversation& conversation) {
    for (int missed = 0, seen = 0; missed < beats_missed; ++missed) {
        co_await wait_for(beat_interval);
        if (!conversation.up() || conversation.beats() != seen) missed = 0;
        seen = conversation.beats();
    }
}

// Ends when the host's kernel says that a processor does nothing any more.
asio::awaitable<void> watch_console(const std::filesystem::path& console) {
    while (!has_any(read_file(console), stall_marks))
        co_await wait_for(console_interval);
}

asio::awaitable<void> run_to_end(const MachineOptions& options, asio::io_context& context,
                                 const RunDirectory& files, MachineResult& result) {
    Conversation conversation(context, files);
    Qemu qemu(context, options, files);
    auto ended =
        co_await (conversation.run(options) || conversation.forward_terminal(options) ||
                  watch_monitor(files.monitor().string()) || qemu.ended() || wait_for_signal() ||
                  wait_for(options.timeout) || watch_boot(conversation, options.boot_timeout) ||
                  watch_console(files.console()) || watch_beats(conversation));
    std::string& what = result.failure.what;
    switch (ended.index()) {
        case 0:
            result.exit_status = std::get<0>(ended).exit_status;
            what = std::get<0>(ended).trouble;
            break;
        case 2:
            what = "the host stopped by itself (" + std::get<2>(ended) + ")";
            break;
        case 3:
            what = "QEMU ended: " + read_file(files.errors());
            break;
        case 4:
            what = std::string("stopped by ") + strsignal(std::get<4>(ended));
            break;
        case 6:
            what = "it was not up after " + std::to_string(options.boot_timeout.count()) + " s";
            break;
        case 7:
        case 8:
            what = "a processor of the host stalled";
            break;
        default:
            what = "no end after " + std::to_string(options.timeout.count()) + " s";
    }
}

}  // namespace

std::string find_oops(const std::string& console) {
    std::istringstream lines(console);
    for (std::string line; std::getline(lines, line);)
        if (has_any(line, death_marks) || has_any(line, stall_marks)) return line;
    return "";
}

MachineResult run_machine(MachineOptions options) {
    RunDirectory files;
    options.command.environment["VNUMA_LAB_KERNEL"] = files.kernel().string();
    options.command.environment["VNUMA_LAB_BALLOON_DRIVER"] = files.balloon_driver().string();
    write_boot_files(files, options);
    asio::io_context context(1);
    MachineResult result;
    std::exception_ptr error;
    asio::co_spawn(context, run_to_end(options, context, files, result),
                   [&](std::exception_ptr thrown) { error = thrown; });
    context.run();
    if (error) std::rethrow_exception(error);
    if (!result.exit_status) {
        files.keep_logs();
        result.failure.console_file = files.console();
        result.failure.oops = find_oops(read_file(files.console()));
    }
    return result;
}

}  // namespace vnuma::lab
