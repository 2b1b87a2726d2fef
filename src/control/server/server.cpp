#include "src/control/server/server.hpp"

#include <spdlog/spdlog.h>
#include <sys/socket.h>

#include <algorithm>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/system/system_error.hpp>
#include <cerrno>
#include <system_error>
#include <utility>

#include "src/observe/privileges.hpp"

namespace vnuma::control {

namespace asio = boost::asio;
using boost::system::error_code;
using Stream = asio::local::stream_protocol;

namespace {

// Owns the client for as long as it is served.
asio::awaitable<void> serve(std::shared_ptr<Client> client) {
    co_await client->run();
}

// A server that stops is no failure.
void log_failure(const std::string& path, const std::exception_ptr& failure) {
    try {
        if (failure) std::rethrow_exception(failure);
    } catch (const boost::system::system_error&) {
    } catch (const std::exception& error) {
        spdlog::error("control socket {}: no client can connect any more: {}", path, error.what());
    }
}

// Says why to a client that is not served. It is not waited for.
void turn_away(int socket, const std::string& reason) {
    const std::string line = qmp::encode_refusal({}, generic_error, reason);
    ::send(socket, line.data(), line.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
}

}  // namespace

// A listening socket, and the coroutine that accepts its clients.
struct Server::Door {
    explicit Door(asio::io_context& context) : acceptor(context), pause(context) {}

    Stream::acceptor acceptor;
    asio::steady_timer pause;
    asio::cancellation_signal stop;
    std::string path;
    bool may_act = false, in_trouble = false;
};

Server::Server(std::string version, Actors actors, Limits limits)
    : actors_(actors),
      limits_(limits),
      version_(std::move(version)),
      work_(asio::make_work_guard(context_)) {}

Server::~Server() {
    stop();
    if (thread_.joinable()) thread_.join();
}

void Server::start(std::vector<Listener> listeners, Handler& handler) {
    settings_ = std::make_shared<ClientSettings>(handler, version_, limits_);
    listeners_ = std::move(listeners);
    for (Listener& listener : listeners_)
        open_door(listener);
    running_ = true;
    auto begun = begun_.get_future();
    thread_ = std::thread([this] { run(); });
    begun.get();
}

void Server::open_door(Listener& listener) {
    auto door = std::make_unique<Door>(context_);
    door->path = listener.path();
    door->may_act = listener.may_act();
    FileDescriptor socket = listener.take_socket();
    door->acceptor.assign(Stream(), socket.get());
    (void)socket.release();
    door->acceptor.native_non_blocking(true);
    Door& opened = *doors_.emplace_back(std::move(door));
    auto ended = [&opened](std::exception_ptr failure) { log_failure(opened.path, failure); };
    asio::co_spawn(context_, accept_loop(opened),
                   asio::bind_cancellation_slot(opened.stop.slot(), ended));
}

void Server::run() {
    try {
        keep_capabilities({});
        begun_.set_value();
    } catch (...) {
        begun_.set_exception(std::current_exception());
        ended_.set_value();
        return;
    }
    while (true) {
        try {
            context_.run();
            break;
        } catch (const std::exception& error) {
            spdlog::error("control socket: {}", error.what());
        }
    }
    ended_.set_value();
}

// Ends when it is cancelled.
asio::awaitable<void> Server::accept_loop(Door& door) {
    while (!closing_) {
        error_code error;
        auto token = asio::redirect_error(asio::use_awaitable, error);
        co_await door.acceptor.async_wait(Stream::acceptor::wait_read, token);
        if (error || closing_) break;
        // Asio's accept would leave the descriptor open in programs that are started meanwhile.
        FileDescriptor socket(
            ::accept4(door.acceptor.native_handle(), nullptr, nullptr, SOCK_CLOEXEC));
        if (socket) {
            door.in_trouble = false;
            try_to_admit(std::move(socket), door.may_act);
        } else if (errno != EAGAIN && errno != ECONNABORTED && errno != EINTR) {
            if (!std::exchange(door.in_trouble, true))
                spdlog::warn("control socket {}: no client can connect for now: {}", door.path,
                             std::generic_category().message(errno));
            door.pause.expires_after(limits_.accept_pause);
            co_await door.pause.async_wait(asio::use_awaitable);
        }
    }
}

// A client that cannot be served costs nothing but itself.
void Server::try_to_admit(FileDescriptor socket, bool socket_may_act) {
    try {
        admit(std::move(socket), socket_may_act);
    } catch (const std::exception& error) {
        spdlog::error("control socket: a client cannot be served: {}", error.what());
    }
}

void Server::admit(FileDescriptor socket, bool socket_may_act) {
    const std::optional<Peer> peer = read_peer(socket.get());
    if (!peer) return turn_away(socket.get(), "the kernel does not tell who connects");
    const bool actor = may_act(*peer, actors_);
    if (const std::string full = why_full(*peer, actor); !full.empty())
        return turn_away(socket.get(), full);
    Stream::socket stream(context_);
    error_code error;
    stream.assign(Stream(), socket.get(), error);
    if (error) return;
    (void)socket.release();
    const Caller caller{peer->uid, peer->gid, peer->pid, actor && socket_may_act};
    auto client = std::make_shared<Client>(std::move(stream), caller, socket_may_act, settings_);
    clients_.push_back(client);
    // The handler keeps the client's cancellation signal alive, too.
    auto forget = [this, client](std::exception_ptr) { std::erase(clients_, client); };
    asio::co_spawn(context_, serve(client), asio::bind_cancellation_slot(client->slot(), forget));
}

// Why this client is one too many; empty if it is not.
std::string Server::why_full(const Peer& peer, bool actor) const {
    const std::size_t kept = actor ? 0 : std::min(limits_.clients, limits_.clients_kept_for_actors);
    if (clients_.size() >= limits_.clients - kept)
        return "vnumad has " + std::to_string(clients_.size()) +
               " clients, which is the most; try again when others have ended";
    const auto same_user = std::count_if(
        clients_.begin(), clients_.end(),
        [&](const std::shared_ptr<Client>& client) { return client->caller().uid == peer.uid; });
    if (static_cast<std::size_t>(same_user) >= limits_.clients_of_a_user)
        return "user " + std::to_string(peer.uid) + " has " + std::to_string(same_user) +
               " clients of vnumad, which is the most for one user; end one of them";
    return "";
}

bool Server::wants_records() const {
    return settings_ && settings_->record_readers > 0;
}

void Server::publish(Publication publication) {
    const bool is_record = publication.topic == Topic::records;
    {
        const std::lock_guard lock(mutex_);
        if (!running_) return;
        const bool first = waiting_.empty() && lost_events_ + lost_records_ == 0;
        if (is_record && waiting_records_ >= limits_.waiting_records) {
            ++lost_records_;
        } else if (!is_record && waiting_.size() - waiting_records_ >= limits_.waiting_events) {
            ++lost_events_;
        } else {
            waiting_records_ += is_record;
            waiting_.push_back(std::move(publication));
        }
        if (!first) return;  // deliver() is to come already
    }
    asio::post(context_, [this] { deliver(); });
}

void Server::deliver() {
    std::vector<Publication> publications;
    std::uint64_t lost_events = 0, lost_records = 0;
    {
        const std::lock_guard lock(mutex_);
        publications.swap(waiting_);
        waiting_records_ = 0;
        lost_events = std::exchange(lost_events_, 0);
        lost_records = std::exchange(lost_records_, 0);
    }
    constexpr std::int64_t us_of_ms = 1000;
    for (const Publication& publication : publications) {
        std::string line;
        for (const auto& client : clients_) {
            if (!client->wants(publication.topic)) continue;
            if (line.empty())
                line = qmp::encode_event(publication.name, publication.data,
                                         publication.time_ms * us_of_ms);
            client->send_event(line);
        }
    }
    for (const auto& client : clients_) {
        const std::uint64_t lost = (client->wants(Topic::events) ? lost_events : 0) +
                                   (client->wants(Topic::records) ? lost_records : 0);
        if (lost > 0) client->lose_events(lost);
    }
}

bool Server::post(std::function<void()> work) {
    {
        const std::lock_guard lock(mutex_);
        if (!running_ || waiting_calls_ >= limits_.waiting_calls) return false;
        ++waiting_calls_;
    }
    asio::post(context_, [this, work = std::move(work)] {
        {
            const std::lock_guard lock(mutex_);
            --waiting_calls_;
        }
        work();
    });
    return true;
}

bool Server::stop() {
    if (!thread_.joinable()) return true;
    bool first = false;
    {
        const std::lock_guard lock(mutex_);
        first = std::exchange(running_, false);
    }
    if (first) {
        listeners_.clear();
        asio::post(context_, [this] { close_all(); });
    }
    if (has_ended_.wait_for(limits_.stop_patience) != std::future_status::ready) return false;
    thread_.join();
    return true;
}

// Lets the thread end when all coroutines have ended.
void Server::close_all() {
    closing_ = true;
    for (const auto& door : doors_)
        door->stop.emit(asio::cancellation_type::terminal);
    const auto clients = clients_;  // they leave the list while they are stopped
    for (const auto& client : clients)
        client->stop();
    work_.reset();
}

}  // namespace vnuma::control
