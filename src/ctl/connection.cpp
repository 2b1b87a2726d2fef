#include "src/ctl/connection.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <limits>
#include <system_error>
#include <utility>

namespace vnuma::ctl {
namespace {

constexpr std::size_t receive_bytes = std::size_t{64} * 1024;

std::string text_of(int error) {
    return std::generic_category().message(error);
}

// Connects, or returns no descriptor with errno set. A daemon that does not accept connections for
// so long (0: at once) is EAGAIN. The socket does not block from then on.
FileDescriptor connect_to(const std::string& path, std::chrono::milliseconds patience) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path.size() >= sizeof(address.sun_path)) {
        errno = ENAMETOOLONG;
        return {};
    }
    std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
    const bool waits = patience.count() > 0;
    FileDescriptor socket(
        ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | (waits ? 0 : SOCK_NONBLOCK), 0));
    if (!socket) return {};
    // Linux bounds connect(2) by it as well, which waits while the backlog is full.
    const timeval limit{patience.count() / 1000, patience.count() % 1000 * 1000};
    ::setsockopt(socket.get(), SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
    if (::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
        return {};
    ::fcntl(socket.get(), F_SETFL, O_NONBLOCK);
    return socket;
}

struct Attempt {
    std::string path;
    int error = 0;
};

// What to do depends on whether anybody listens.
std::string describe_attempts(const std::vector<Attempt>& attempts) {
    std::string tried;
    bool forbidden = false, busy = false;
    for (const Attempt& one : attempts) {
        tried += (tried.empty() ? "" : ", ") + one.path + " (" + text_of(one.error) + ")";
        forbidden |= one.error == EACCES || one.error == EPERM;
        busy |= one.error == EAGAIN;
    }
    if (busy)
        return "vnumad accepts no connections: " + tried +
               ". It is stopped, or the host is overloaded: see systemctl status vnumad";
    if (forbidden)
        return "vnumad's socket may not be opened: " + tried +
               ". Run vnumactl as root or as a member of the group vnumad";
    return "vnumad is not running: nobody listens at " + tried +
           ". Start it with: systemctl start vnumad";
}

int milliseconds_until(const std::optional<std::chrono::steady_clock::time_point>& deadline) {
    if (!deadline) return -1;
    const auto left =
        std::chrono::ceil<std::chrono::milliseconds>(*deadline - std::chrono::steady_clock::now());
    return static_cast<int>(
        std::clamp<std::int64_t>(left.count(), 0, std::numeric_limits<int>::max()));
}

}  // namespace

std::vector<std::string> sockets_to_try(const std::string& given, const std::string& environment,
                                        const std::string& directory) {
    if (!given.empty()) return {given};
    if (!environment.empty()) return {environment};
    return {directory + "/control.sock", directory + "/control-ro.sock"};
}

Connection::Connection(std::vector<std::string> sockets, std::chrono::milliseconds timeout)
    : sockets_(std::move(sockets)), timeout_(timeout) {}

Connection::Connection(FileDescriptor socket, std::string name, std::chrono::milliseconds timeout)
    : socket_(std::move(socket)), name_(std::move(name)), timeout_(timeout) {
    ::fcntl(socket_.get(), F_SETFL, O_NONBLOCK);
}

// Capabilities are asked for together with the first request: the daemon answers in turn, so
// nothing has to be waited for in between.
void Connection::connect(std::chrono::milliseconds patience) {
    std::vector<Attempt> failed;
    for (std::size_t i = 0; i < sockets_.size() && !socket_; ++i) {
        name_ = sockets_[i];
        socket_ = connect_to(name_, patience);
        if (!socket_) failed.push_back({name_, errno});
    }
    if (!socket_ && sockets_.empty()) lose("the connection has ended");
    if (!socket_) throw NoDaemon(describe_attempts(failed));
    if (!std::exchange(negotiates_, true)) session_.begin("qmp_capabilities", nullptr);
}

nlohmann::json Connection::call(const char* command, const JsonOut& arguments) {
    connect(timeout_);
    const Deadline deadline = std::chrono::steady_clock::now() + timeout_;
    begin(command, arguments, deadline);
    while (true) {
        if (std::optional<nlohmann::json> reply = next_reply()) return std::move(*reply);
        if (!wait(POLLIN, deadline))
            lose("it has not answered within " + std::to_string(timeout_.count() / 1000) + " s");
        receive();
    }
}

void Connection::begin(const char* command, const JsonOut& arguments) {
    connect(std::chrono::milliseconds(0));
    begin(command, arguments, std::chrono::steady_clock::now());
}

void Connection::begin(const char* command, const JsonOut& arguments, const Deadline& deadline) {
    const auto id = session_.begin(command, nlohmann::json(arguments));
    if (!id) lose("too many requests have no answer yet");
    request_ = *id;
    send(deadline);
}

std::optional<nlohmann::json> Connection::take_reply() {
    do {
        if (std::optional<nlohmann::json> reply = next_reply()) return reply;
    } while (receive());
    return std::nullopt;
}

// The reply to the last request, if its bytes are here.
std::optional<nlohmann::json> Connection::next_reply() {
    while (std::optional<qmp::Incoming> message = next_message()) {
        if (auto* event = std::get_if<qmp::Event>(&*message)) keep(std::move(*event));
        auto* answer = std::get_if<qmp::Answer>(&*message);
        if (!answer || answer->id != request_) continue;
        if (const auto* refusal = std::get_if<qmp::Refusal>(&answer->outcome))
            throw ControlError(refusal->error_class, refusal->description);
        return std::move(std::get<nlohmann::json>(answer->outcome));
    }
    return std::nullopt;
}

std::optional<ControlEvent> Connection::next_event(std::optional<std::chrono::milliseconds> timeout,
                                                   int also) {
    connect(timeout_);
    send(std::chrono::steady_clock::now() + timeout_);
    Deadline deadline;
    if (timeout) deadline = std::chrono::steady_clock::now() + *timeout;
    while (true) {
        while (events_.empty()) {
            std::optional<qmp::Incoming> message = next_message();
            if (!message) break;
            if (auto* event = std::get_if<qmp::Event>(&*message)) keep(std::move(*event));
        }
        if (!events_.empty()) {
            ControlEvent event = std::move(events_.front());
            events_.pop_front();
            return event;
        }
        if (!wait(POLLIN, deadline, also)) return std::nullopt;
        receive();
    }
}

// A message that arrived; nothing if more bytes are needed.
std::optional<qmp::Incoming> Connection::next_message() {
    std::optional<qmp::Incoming> message = session_.next();
    if (message)
        if (const auto* malformed = std::get_if<qmp::Malformed>(&*message)) lose(malformed->reason);
    return message;
}

// Waits until the socket is ready. False if the deadline comes first, or `also` can be read.
bool Connection::wait(short events, const Deadline& deadline, int also) {
    std::array<pollfd, 2> both{{{socket_.get(), events, 0}, {also, POLLIN, 0}}};
    while (true) {
        const int ready = ::poll(both.data(), both.size(), milliseconds_until(deadline));
        if (ready < 0 && errno == EINTR) continue;
        if (ready < 0) lose(text_of(errno));
        return ready > 0 && both[1].revents == 0;
    }
}

void Connection::send(const Deadline& deadline) {
    const std::string text = session_.take_outgoing();
    std::size_t sent = 0;
    while (sent < text.size()) {
        const ssize_t count =
            ::send(socket_.get(), text.data() + sent, text.size() - sent, MSG_NOSIGNAL);
        if (count >= 0) {
            sent += static_cast<std::size_t>(count);
        } else if (errno == EAGAIN) {
            if (!wait(POLLOUT, deadline)) lose("it does not read requests");
        } else if (errno != EINTR) {
            // What it has sent before it closed the connection may say why.
            return;
        }
    }
}

// Takes bytes that are there. False if there are none.
bool Connection::receive() {
    std::array<char, receive_bytes> buffer;
    const ssize_t count = ::recv(socket_.get(), buffer.data(), buffer.size(), 0);
    if (count > 0) {
        session_.feed({buffer.data(), static_cast<std::size_t>(count)});
        return true;
    }
    if (count < 0 && (errno == EAGAIN || errno == EINTR)) return false;
    const std::string why =
        count == 0 || errno == ECONNRESET ? "vnumad has closed the connection" : text_of(errno);
    // What it said before it closed the connection tells more.
    lose(session_.last_refusal().empty() ? why : session_.last_refusal());
}

void Connection::keep(qmp::Event event) {
    events_.push_back({std::move(event.name), std::move(event.data), event.time_us / 1000});
    if (events_.size() <= max_kept_events) return;
    events_.pop_front();
    ++lost_events_;
}

// The reason may be a text of the session, which begins anew.
void Connection::lose(std::string why) {
    socket_.reset();
    negotiates_ = false;
    session_ = qmp::Session(qmp::Reception{.events = true});
    throw ConnectionLost(name_ + ": " + why);
}

}  // namespace vnuma::ctl
