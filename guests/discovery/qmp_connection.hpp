// A connection to one QMP socket, and what is known about the guest behind the socket.
//
// A QMP socket serves one client, and somebody else may need it. So a connection lasts only for as
// long as QEMU is asked something.
#pragma once

#include <sys/types.h>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <chrono>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "guests/discovery/backoff.hpp"
#include "guests/discovery/known_threads.hpp"
#include "guests/discovery/qmp_identity.hpp"
#include "guests/discovery/qmp_limits.hpp"
#include "guests/discovery/qmp_schedule.hpp"
#include "guests/model/listed_guest.hpp"
#include "guests/process/process.hpp"
#include "qmp/client.hpp"

namespace vnuma {

// What all connections of a source use.
struct QmpPeers {
    using Now = std::function<std::chrono::steady_clock::time_point()>;

    boost::asio::io_context& context;
    Now now;
    std::shared_ptr<qmp::MemoryBudget> memory = {};  // null: without a common limit
    std::string vm_file = kvm_vm_file;  // what a process has open that holds a virtual machine
};

// What is known about a guest. It outlives the connections to the guest's socket.
struct QmpGuest {
    // Whether the process that made the socket still runs.
    bool alive() const { return process && process->alive(); }
    bool has_died() const { return process && !process->alive(); }
    // Whether the process may be acted on as the guest's.
    bool trusted() const { return alive() && distrust.empty(); }

    // Until the first reply, the time when the socket was found.
    std::chrono::steady_clock::time_point last_reply;
    ListedGuest listed{};              // as of the last reply; without uuid until the first one
    std::optional<bool> dirty_ring{};  // whether the guest has one; unknown until it is found out
    // Null until the first connection, and if the kernel refuses to open the process.
    std::shared_ptr<const Process> process{};
    std::string distrust{};  // why the process may not be acted on as the guest's
    // From the time when its peer misbehaves or misses a deadline on until it answers in time.
    std::optional<Backoff> quarantine{};
    bool late = false;     // it is in quarantine because it has missed a deadline
    bool in_time = false;  // it has been read in time since its peer last misbehaved
    bool slow = false;     // it took long to tell its state when it was last asked for that alone

    // Whether it has told its UUID and name when its process was trusted. They never change.
    bool identified = false;
    KnownThreads threads{};  // of the process
    QmpSchedule schedule{};
    FileId socket{};  // that was connected to last
    // For how long all connections together were accepted without a greeting.
    std::chrono::steady_clock::duration silence{0};
    // The socket is not QMP's, and is left alone until then.
    std::optional<std::chrono::steady_clock::time_point> let_go_until{};
};

// Connects once: each question has a new object. One coroutine at a time uses the connection, and
// that may take longer than anybody waits for it. Use from the thread of the io_context. Destroy
// only when it is not busy.
class QmpConnection {
  public:
    using Time = std::chrono::steady_clock::time_point;

    // Nobody waits that long. Only a QEMU that never replies to a command meets this limit.
    static constexpr std::chrono::hours command_limit{1};

    // `guest` is what is known from earlier connections to the socket. `depth` is how much
    // begin_read() asks a guest that is described already. `peers` must outlive this.
    QmpConnection(const QmpPeers& peers, std::string path, QmpGuest guest,
                  QmpDepth depth = QmpDepth::description);

    // One of them, once. Begins to connect, to read the guest and to disconnect:
    void begin_read();
    // Begins to connect. The connection is open then until hang_up().
    void begin_session();

    // Whether the guest is being read, or the session is being opened.
    bool reading() const { return reading_; }
    // The connection has ended or could not be made, and nothing is under way.
    bool ended() const { return !reading_ && !running_ && (connected_ || !error_.empty()); }
    bool busy() const { return reading_ || running_; }
    // Whether the guest is in quarantine and must not be asked yet. Its monitor is not asked in
    // quarantine at all.
    bool paused() const { return guest_.quarantine && !guest_.quarantine->is_due(peers_.now()); }
    bool in_quarantine() const { return guest_.quarantine.has_value(); }

    // How much the guest has to be asked now, by another object; nothing if it need not be asked.
    // `socket` is the socket's file now.
    std::optional<QmpDepth> choose_depth(const FileId& socket);
    // Nothing shows that the guest has changed since it was asked last. Only its own answer would
    // tell that it was paused, so its state is to be read before anything is done to it.
    void confirm();
    // The guest has told its state to somebody else than begin_read().
    void note_state(RunState state);

    // To be called when the deadline of a read has come: the guest leaves quarantine if the read
    // has succeeded, and is in quarantine if it is still under way.
    void end_wait();
    // Puts the guest in quarantine: it has missed a deadline.
    void miss_deadline();
    // Disconnects from a peer that has not greeted. One that has accepted connections for so long
    // altogether, and has never been QMP's, is let go.
    void give_back_if_silent(std::chrono::milliseconds limit);
    void hang_up();
    // Ends the connection. The guest is not listed any more when the connection has ended.
    void close() {
        client_.close();
        guest_.process.reset();
    }

    // Whether commands can be sent.
    bool open() const { return running_ && negotiated_; }
    qmp::Client& client() { return client_; }
    QmpGuest& guest() { return guest_; }
    // What the next connection to the socket is to know. The guest is the same one as long as its
    // process runs.
    QmpGuest take_guest();

    // The guest has its uuid, and until the first reply the name of the socket. Returns nothing if
    // no process serves the socket, and if it is not QMP's. A guest that was read once is listed as
    // long as its process runs, but it is unsteady while QEMU does not reply.
    std::optional<ListedGuest> list() const;

  private:
    template <typename Reply>
    boost::asio::awaitable<Reply> run(qmp::Command<Reply> command) {
        return client_.execute(std::move(command), command_limit);
    }
    template <typename Reply>
    boost::asio::awaitable<std::optional<Reply>> run_if_possible(qmp::Command<Reply> command);
    void begin(boost::asio::awaitable<void> work, bool stays_open);
    boost::asio::awaitable<void> connect();
    boost::asio::awaitable<void> read();
    boost::asio::awaitable<ListedGuest> describe();
    void keep_description(Time read_at, bool job_known);
    void take_over(ListedGuest guest);
    void look_for_vm();
    void end_work(std::exception_ptr failure);
    void end_run(std::exception_ptr cause);
    void begin_quarantine();
    void lose_without_greeting();
    void let_go();
    bool is_let_go() const;
    bool is_accepted() const;
    void identify(const QmpSocketFile& socket);
    std::string no_answer_reason() const;
    std::string file_name() const;

    const QmpPeers& peers_;
    std::string path_;
    qmp::Client client_;
    QmpGuest guest_;
    QmpDepth depth_;
    QmpPeerFacts facts_;
    Time began_{};             // to connect
    bool connected_ = false;   // the socket was connected, and may have been closed since
    bool negotiated_ = false;  // QEMU has sent its greeting and accepts commands
    bool running_ = false;     // the client reads and writes
    bool reading_ = false;     // as reading() says
    bool given_up_ = false;    // vnumad has disconnected before QEMU had answered
    bool lost_ = false;        // the peer has disconnected, or does not speak QMP
    bool refused_ = false;     // no process listens on the socket
    std::string error_;        // of reading or connecting; empty if that has succeeded
};

}  // namespace vnuma
