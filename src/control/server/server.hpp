// The control socket's server: accepts clients and answers them on a thread of its own, which has
// no capabilities.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <cstdint>
#include <functional>
#include <future>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "src/control/server/client.hpp"
#include "src/control/server/handler.hpp"
#include "src/control/server/limits.hpp"
#include "src/control/server/listener.hpp"
#include "src/control/server/peer.hpp"

namespace vnuma::control {

// Something that clients are told without asking.
struct Publication {
    std::string name;  // of the event: name(EventKind), or plan_event
    JsonOut data;
    std::int64_t time_ms = 0;  // since 1970
    Topic topic = Topic::events;
};

class Server {
  public:
    Server(std::string version, Actors actors, Limits limits = {});
    // Waits for the handler's call that is under way: see stop().
    ~Server();
    Server(const Server&) = delete;
    Server& operator=(const Server&) = delete;

    // Begins to serve. Once only. `handler` must outlive the server. The thread gives up its
    // capabilities, which seccomp would refuse: call this before refuse_other_calls(). Throws
    // std::runtime_error if it cannot.
    void start(std::vector<Listener> listeners, Handler& handler);

    // Tells the clients that want it. Any thread; never waits. If the server's thread is too far
    // behind, it is counted as lost for each of them.
    void publish(Publication publication);

    // Whether any client wants records, which take time to make. Any thread.
    bool wants_records() const;

    // Calls `work` on the server's thread, so that it can change what the handler uses. Any thread;
    // never waits. Returns false, and drops it, if limits.waiting_calls wait already, or if the
    // server is not running.
    bool post(std::function<void()> work);

    // That of its thread, for what else is to be served there. It runs from start() to stop().
    boost::asio::any_io_executor executor() { return context_.get_executor(); }

    // Removes the sockets, closes all connections and ends the thread. Returns whether it has ended
    // within limits.stop_patience. If not, a handler's call still blocks, and the server cannot be
    // destroyed without waiting for it.
    bool stop();

  private:
    struct Door;

    void run();
    void open_door(Listener& listener);
    boost::asio::awaitable<void> accept_loop(Door& door);
    void try_to_admit(FileDescriptor socket, bool socket_may_act);
    void admit(FileDescriptor socket, bool socket_may_act);
    std::string why_full(const Peer& peer, bool actor) const;
    void deliver();
    void close_all();

    const Actors actors_;
    const Limits limits_;
    const std::string version_;
    // Before all that holds sockets or timers of it.
    boost::asio::io_context context_{1};
    boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work_;
    std::vector<Listener> listeners_;
    std::shared_ptr<ClientSettings> settings_;

    // Of the server's thread.
    std::vector<std::unique_ptr<Door>> doors_;
    std::vector<std::shared_ptr<Client>> clients_;
    bool closing_ = false;

    std::mutex mutex_;
    bool running_ = false;
    std::vector<Publication> waiting_;
    std::size_t waiting_records_ = 0, waiting_calls_ = 0;
    std::uint64_t lost_events_ = 0, lost_records_ = 0;

    std::promise<void> begun_, ended_;
    std::future<void> has_ended_{ended_.get_future()};
    std::thread thread_;
};

}  // namespace vnuma::control
