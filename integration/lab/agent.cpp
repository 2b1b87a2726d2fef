#include "integration/lab/agent.hpp"

#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <mutex>
#include <stdexcept>
#include <system_error>
#include <thread>

#include "integration/lab/command.hpp"
#include "integration/lab/frame.hpp"

namespace vnuma::lab {
namespace {

namespace fs = std::filesystem;

constexpr int exit_not_started = 127;  // as shells have it
constexpr std::chrono::seconds beat_interval{1};

[[noreturn]] void throw_errno(const std::string& what) {
    throw std::system_error(errno, std::generic_category(), what);
}

int check(int result, const char* what) {
    if (result < 0) throw_errno(what);
    return result;
}

int open_port() {
    for (const auto& entry : fs::directory_iterator("/sys/class/virtio-ports")) {
        std::string name;
        std::ifstream(entry.path() / "name") >> name;
        if (name != port_name) continue;
        const fs::path device = "/dev" / entry.path().filename();
        return check(::open(device.c_str(), O_RDWR | O_CLOEXEC), device.c_str());
    }
    throw std::runtime_error("this host has no virtio port of the lab");
}

void send(int port, FrameType type, std::string_view bytes) {
    static std::mutex one_frame_at_a_time;
    const std::lock_guard lock(one_frame_at_a_time);
    const std::string frame = encode_frame(type, bytes);
    for (std::size_t sent = 0; sent < frame.size();) {
        const ssize_t n = ::write(port, frame.data() + sent, frame.size() - sent);
        if (n < 0 && errno != EINTR) throw_errno("lab port");
        if (n > 0) sent += static_cast<std::size_t>(n);
    }
}

struct Child {
    pid_t pid = -1;
    int exited = -1;  // a pidfd
    int output = -1, errors = -1;
    int terminal = -1;  // same descriptor as output, or none
};

[[noreturn]] void exec_command(const Command& command) {
    std::vector<char*> argv;
    for (const std::string& word : command.argv)
        argv.push_back(const_cast<char*>(word.c_str()));
    argv.push_back(nullptr);
    ::clearenv();
    for (const auto& [name, value] : command.environment)
        ::setenv(name.c_str(), value.c_str(), 1);
    if (::chdir(command.directory.c_str()) != 0 && ::chdir("/") != 0) _exit(exit_not_started);
    ::execvp(argv[0], argv.data());
    ::dprintf(STDERR_FILENO, "%s: %s\n", argv[0], std::generic_category().message(errno).c_str());
    _exit(exit_not_started);
}

winsize to_winsize(const TerminalSize& size) {
    winsize result{};
    result.ws_row = static_cast<unsigned short>(size.rows);
    result.ws_col = static_cast<unsigned short>(size.columns);
    return result;
}

Child start_on_terminal(const Command& command) {
    Child child;
    const winsize size = to_winsize(command.size);
    child.pid = check(::forkpty(&child.terminal, nullptr, nullptr, &size), "forkpty");
    if (child.pid == 0) exec_command(command);
    child.output = child.terminal;
    return child;
}

Child start_on_pipes(const Command& command) {
    std::array<int, 2> output{}, errors{};
    check(::pipe2(output.data(), O_CLOEXEC), "pipe");
    check(::pipe2(errors.data(), O_CLOEXEC), "pipe");
    Child child;
    child.pid = check(::fork(), "fork");
    if (child.pid == 0) {
        ::setsid();
        ::dup2(::open("/dev/null", O_RDONLY | O_CLOEXEC), STDIN_FILENO);
        ::dup2(output[1], STDOUT_FILENO);
        ::dup2(errors[1], STDERR_FILENO);
        exec_command(command);
    }
    ::close(output[1]);
    ::close(errors[1]);
    child.output = output[0];
    child.errors = errors[0];
    return child;
}

Child start(const Command& command) {
    Child child = command.terminal ? start_on_terminal(command) : start_on_pipes(command);
    child.exited = check(static_cast<int>(::syscall(SYS_pidfd_open, child.pid, 0)), "pidfd_open");
    return child;
}

class Session {
  public:
    Session(int port, FrameDecoder decoder, Child child)
        : port_(port), decoder_(std::move(decoder)), child_(child) {}

    int run() {
        bool running = true;
        while (running) {
            std::array<pollfd, 4> polls{{{port_, POLLIN, 0},
                                         {child_.output, POLLIN, 0},
                                         {child_.errors, POLLIN, 0},
                                         {child_.exited, POLLIN, 0}}};
            if (::poll(polls.data(), polls.size(), -1) < 0 && errno != EINTR) throw_errno("poll");
            if (polls[0].revents) take_input();
            if (polls[1].revents) forward(child_.output, FrameType::output);
            if (polls[2].revents) forward(child_.errors, FrameType::errors);
            running = polls[3].revents == 0;
        }
        // Daemons the command left behind may hold the pipes open: take what is there, no more.
        drain(child_.output, FrameType::output);
        drain(child_.errors, FrameType::errors);
        int status = 0;
        check(::waitpid(child_.pid, &status, 0), "waitpid");
        return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    }

  private:
    // Closes the descriptor at its end; poll() passes over a negative one.
    bool forward(int& from, FrameType type) {
        std::array<char, 32 * 1024> chunk{};
        const ssize_t size = ::read(from, chunk.data(), chunk.size());
        if (size < 0 && (errno == EINTR || errno == EAGAIN)) return false;
        if (size <= 0) {
            ::close(from);
            from = -1;
            return false;
        }
        send(port_, type, {chunk.data(), static_cast<std::size_t>(size)});
        return true;
    }

    void drain(int& from, FrameType type) {
        if (from < 0) return;
        ::fcntl(from, F_SETFL, O_NONBLOCK);
        while (from >= 0 && forward(from, type)) {
        }
    }

    void take_input() {
        std::array<char, 4096> chunk{};
        const ssize_t size = ::read(port_, chunk.data(), chunk.size());
        if (size <= 0) return;
        decoder_.feed({chunk.data(), static_cast<std::size_t>(size)});
        while (auto frame = decoder_.next())
            handle(*frame);
    }

    void handle(const Frame& frame) const {
        if (child_.terminal < 0) return;
        if (frame.type == FrameType::size) {
            const winsize size = to_winsize(size_from_json(frame.bytes));
            ::ioctl(child_.terminal, TIOCSWINSZ, &size);
        } else if (frame.type == FrameType::input) {
            [[maybe_unused]] const ssize_t lost_when_full =
                ::write(child_.terminal, frame.bytes.data(), frame.bytes.size());
        }
    }

    int port_;
    FrameDecoder decoder_;
    Child child_;
};

// An emulated processor may lose a timer and sleep for ever. Then this does not come away from it:
// the beats end, and the lab knows.
[[noreturn]] void visit_processors(int port) {
    const unsigned processors = std::thread::hardware_concurrency();
    for (unsigned visited = 0;; visited = (visited + 1) % processors) {
        cpu_set_t only;
        CPU_ZERO(&only);
        CPU_SET(visited, &only);
        ::sched_setaffinity(0, sizeof(only), &only);  // fails for one that is offline
        std::this_thread::sleep_for(beat_interval);
        send(port, FrameType::beat, "");
    }
}

Command receive_command(int port, FrameDecoder& decoder) {
    while (true) {
        if (auto frame = decoder.next()) {
            if (frame->type == FrameType::command) return command_from_json(frame->bytes);
            continue;
        }
        std::array<char, 4096> chunk{};
        const ssize_t size = ::read(port, chunk.data(), chunk.size());
        if (size < 0 && errno != EINTR) throw_errno("lab port");
        if (size == 0) throw std::runtime_error("the lab hung up before it sent a command");
        if (size > 0) decoder.feed({chunk.data(), static_cast<std::size_t>(size)});
    }
}

}  // namespace

void run_agent() {
    const int port = open_port();
    send(port, FrameType::ready, "");
    FrameDecoder decoder;
    const Command command = receive_command(port, decoder);
    const Child child = start(command);
    std::thread(visit_processors, port).detach();
    const int status = Session(port, std::move(decoder), child).run();
    send(port, FrameType::exit, std::to_string(status));
    // The lab ends this host; going on before it has read the frame could lose it.
    ::pause();
}

}  // namespace vnuma::lab
