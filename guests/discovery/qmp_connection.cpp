#include "guests/discovery/qmp_connection.hpp"

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/error.hpp>
#include <filesystem>
#include <system_error>
#include <utility>

#include "guests/discovery/domain_from_qmp.hpp"
#include "guests/discovery/run_state.hpp"
#include "guests/process/files.hpp"
#include "guests/process/parse_proc.hpp"

namespace vnuma {

namespace asio = boost::asio;

QmpConnection::QmpConnection(const QmpPeers& peers, std::string path, QmpGuest guest,
                             QmpDepth depth)
    : peers_(peers),
      path_(std::move(path)),
      client_(peers.context.get_executor(), {.budget = peers.memory}),
      guest_(std::move(guest)),
      depth_(depth) {}

void QmpConnection::begin_read() {
    begin(read(), false);
}

void QmpConnection::begin_session() {
    begin(connect(), true);
}

void QmpConnection::begin(asio::awaitable<void> work, bool stays_open) {
    reading_ = true;
    began_ = std::chrono::steady_clock::now();
    asio::co_spawn(peers_.context, std::move(work), [this, stays_open](std::exception_ptr failure) {
        end_work(failure);
        if (failure || !stays_open) client_.close();
    });
}

void QmpConnection::end_work(std::exception_ptr failure) {
    reading_ = refused_ = false;
    error_.clear();
    try {
        if (failure) std::rethrow_exception(failure);
    } catch (const qmp::ConnectionError& error) {
        error_ = error.what();
        refused_ = error.cause == boost::system::errc::connection_refused;
        lost_ = connected_;
        if (lost_ && !client_.greeted() && error.cause != asio::error::operation_aborted)
            lose_without_greeting();
    } catch (const std::exception& error) {
        error_ = error.what();
    }
}

// QEMU greets whenever it accepts a connection. A peer that ends it instead is not QMP's, or its
// QEMU is ending; vnumad must not connect to it in every look.
void QmpConnection::lose_without_greeting() {
    if (guest_.listed.uuid.empty())
        let_go();
    else
        begin_quarantine();
}

// A peer that does not speak QMP, or that sends too much, is not connected to again at once.
void QmpConnection::end_run(std::exception_ptr cause) {
    running_ = false;
    try {
        std::rethrow_exception(cause);
    } catch (const qmp::ProtocolError& error) {
        error_ = error.what();
        lost_ = true;
        guest_.in_time = false;
        if (client_.greeted() || !guest_.listed.uuid.empty())
            begin_quarantine();
        else
            let_go();
    } catch (const std::exception&) {  // the connection has ended
    }
}

void QmpConnection::begin_quarantine() {
    if (!guest_.quarantine)
        guest_.quarantine.emplace(qmp_limits::first_quarantine, qmp_limits::longest_quarantine);
    guest_.quarantine->fail(peers_.now());
}

void QmpConnection::let_go() {
    guest_.let_go_until = peers_.now() + qmp_limits::let_go;
    guest_.quarantine.reset();
    guest_.late = false;
}

bool QmpConnection::is_let_go() const {
    return guest_.let_go_until && peers_.now() < *guest_.let_go_until;
}

void QmpConnection::end_wait() {
    if (reading_) return miss_deadline();
    if (!error_.empty()) return;
    guest_.late = false;
    // A peer that misbehaves after each first answer is asked less and less often.
    if (std::exchange(guest_.in_time, true)) guest_.quarantine.reset();
}

void QmpConnection::miss_deadline() {
    guest_.late = true;
    begin_quarantine();
}

// QEMU greets at once when it accepts a connection. It accepts none while it serves another client,
// or hangs. A guest agent or a serial console accepts it and is silent. Nobody handles the
// connection until the next look: if it stayed in QEMU's queue, QEMU would serve it when the other
// client leaves, and nobody else.
void QmpConnection::give_back_if_silent(std::chrono::milliseconds limit) {
    if (!reading_ || client_.greeted()) return;
    if (guest_.listed.uuid.empty() && is_accepted()) {
        guest_.silence += std::chrono::steady_clock::now() - began_;
        if (guest_.silence >= limit) let_go();
    }
    hang_up();
}

// A connection is in the network namespace of its client.
bool QmpConnection::is_accepted() const {
    const auto sockets = read_small_file("/proc/self/net/unix");
    return connected_ && sockets && !has_pending_connection(*sockets, file_name());
}

void QmpConnection::hang_up() {
    given_up_ |= reading_;
    client_.close();
}

std::optional<QmpDepth> QmpConnection::choose_depth(const FileId& socket) {
    if (guest_.has_died()) return QmpDepth::description;
    if (is_let_go())
        return socket == guest_.socket ? std::nullopt : std::optional(QmpDepth::description);
    if (paused()) return std::nullopt;
    if (!error_.empty() || in_quarantine()) return QmpDepth::description;
    const bool has_new_thread = guest_.process && guest_.threads.has_new(*guest_.process);
    return guest_.schedule.choose_depth(path_, peers_.now(),
                                        {guest_.listed.state, guest_.trusted(), has_new_thread});
}

void QmpConnection::confirm() {
    if (is_let_go() || paused()) return;
    guest_.listed.read_at = peers_.now();
    guest_.listed.job_known = false;
}

void QmpConnection::note_state(RunState state) {
    guest_.last_reply = peers_.now();
    if (state == guest_.listed.state)
        guest_.schedule.note_state(peers_.now());
    else
        guest_.schedule.mark_due();
}

QmpGuest QmpConnection::take_guest() {
    if (guest_.let_go_until) guest_.silence = {};
    guest_.let_go_until.reset();
    if (guest_.alive()) return std::move(guest_);
    if (guest_.has_died()) return {peers_.now()};
    return {.last_reply = peers_.now(), .quarantine = guest_.quarantine};
}

std::optional<ListedGuest> QmpConnection::list() const {
    if (is_let_go()) return std::nullopt;
    // A QEMU that was killed leaves the file of its socket behind.
    const bool unserved = !reading_ && !given_up_ && (lost_ || refused_);
    if (unserved && !guest_.alive()) return std::nullopt;
    ListedGuest guest = guest_.listed;
    if (guest.uuid.empty()) guest.uuid = guest.name = file_name();
    guest.process = guest_.process;
    if (guest.process) guest.pid = guest.process->pid();
    if (!guest_.distrust.empty())
        guest.unsteady = guest_.distrust;
    else if (reading_ || given_up_)
        guest.unsteady = no_answer_reason() +
                         (client_.greeted() ? "" : "; is another client connected to this socket?");
    else if (unserved)
        guest.unsteady = no_answer_reason() + ": " + error_;
    else if (!error_.empty())
        guest.unsteady = error_;
    else if (guest_.late)
        guest.unsteady = "QEMU has answered too late on its QMP socket, and is asked again later";
    return guest;
}

std::string QmpConnection::no_answer_reason() const {
    const auto length =
        std::chrono::duration_cast<std::chrono::seconds>(peers_.now() - guest_.last_reply);
    return "QEMU has not answered on its QMP socket for " + std::to_string(length.count()) + " s";
}

std::string QmpConnection::file_name() const {
    return std::filesystem::path(path_).filename();
}

// Returns nothing if QEMU refuses the command, as it refuses query-balloon for a guest without a
// balloon.
template <typename Reply>
asio::awaitable<std::optional<Reply>> QmpConnection::run_if_possible(qmp::Command<Reply> command) {
    std::optional<Reply> reply;
    try {
        reply = co_await run(std::move(command));
    } catch (const qmp::CommandError&) {
    }
    co_return reply;
}

asio::awaitable<void> QmpConnection::connect() {
    const QmpSocketFile socket(std::filesystem::path(path_).parent_path(), file_name());
    if (socket.is_symbolic_link())
        throw std::runtime_error(path_ + " is a symbolic link, which vnumad does not follow");
    guest_.socket = socket.id();
    facts_ = read_socket_facts(socket);
    co_await client_.connect(path_, socket.address());
    identify(socket);
    connected_ = running_ = true;
    asio::co_spawn(peers_.context, client_.run(),
                   [this](std::exception_ptr cause) { end_run(cause); });
    try {
        co_await client_.negotiate(command_limit);
    } catch (const std::exception&) {
        client_.close();  // no command can be sent over it
        throw;
    }
    negotiated_ = true;
}

asio::awaitable<void> QmpConnection::read() {
    co_await connect();
    // If another process has the socket now, nothing is known of its guest.
    const QmpDepth depth = guest_.schedule.is_described() ? depth_ : QmpDepth::description;
    // A thread that begins now may be that of a migration which the replies do not know of yet.
    auto threads = guest_.process ? guest_.process->tasks() : std::vector<pid_t>();
    const auto begin = peers_.now();
    const auto status = co_await run(qmp::query_status());
    RunState state = state_of_qemu(status.status, "");
    if (depth == QmpDepth::status && state == guest_.listed.state)
        co_return keep_description(begin, false);
    const auto migration = co_await run_if_possible(qmp::query_migrate());
    state = state_of_qemu(status.status, migration.value_or(""));
    if (depth != QmpDepth::description && state == guest_.listed.state)
        co_return keep_description(begin, true);
    ListedGuest guest = co_await describe();
    guest.read_at = begin;
    guest.state = state;
    guest.unsteady = why_unsteady(state);
    guest_.threads.set(std::move(threads));
    take_over(std::move(guest));
    look_for_vm();
}

// The guest as its QEMU describes it, but for its state.
asio::awaitable<ListedGuest> QmpConnection::describe() {
    QemuReplies replies;
    if (guest_.identified && guest_.trusted()) {
        replies.uuid = guest_.listed.uuid;
        replies.name = guest_.listed.name;
    } else {
        replies.uuid = (co_await run_if_possible(qmp::query_uuid())).value_or("");
        replies.name = (co_await run_if_possible(qmp::query_name())).value_or("");
        guest_.identified = guest_.trusted();
    }
    replies.cpus = co_await run(qmp::query_cpus_fast());
    replies.nodes = co_await run(qmp::info_numa());
    replies.backends = co_await run(qmp::query_memdev());
    replies.devices = co_await run(qmp::query_memory_devices());
    replies.balloon_bytes = co_await run_if_possible(qmp::query_balloon());
    const auto iothreads = co_await run(qmp::query_iothreads());

    ListedGuest guest;
    for (const auto& cpu : replies.cpus)
        guest.vcpu_threads[cpu.index] = cpu.thread;
    for (const auto& iothread : iothreads)
        guest.iothreads["IO " + iothread.id] = iothread.thread;
    Domain domain = derive_domain(replies, file_name());
    guest.uuid = domain.uuid;
    guest.name = domain.name;
    const auto& before = guest_.listed.domain;
    guest.domain =
        before && *before == domain ? before : std::make_shared<const Domain>(std::move(domain));
    co_return guest;
}

// The state is as it was, and the description was not asked for. The state of a guest that migrates
// is known only if QEMU was asked for the migration, which is a guest's job.
void QmpConnection::keep_description(Time read_at, bool job_known) {
    guest_.listed.read_at = read_at;
    guest_.listed.job_known = job_known;
    guest_.last_reply = peers_.now();
    guest_.schedule.note_state(peers_.now());
}

void QmpConnection::take_over(ListedGuest guest) {
    const ListedGuest& before = guest_.listed;
    const bool same = before.domain == guest.domain && before.state == guest.state &&
                      before.vcpu_threads == guest.vcpu_threads &&
                      before.iothreads == guest.iothreads;
    guest_.listed = std::move(guest);
    guest_.last_reply = peers_.now();
    guest_.schedule.note_description(peers_.now(), !same);
}

// QEMU listens before it makes its virtual machine, and greets afterwards.
void QmpConnection::look_for_vm() {
    if (!guest_.process || facts_.holds_vm) return;
    facts_.holds_vm = holds_vm(*guest_.process, peers_.vm_file);
    guest_.distrust = why_not_trusted(facts_);
}

// The peer is the process that made the socket: QEMU itself, or a process that handed the socket to
// QEMU and may have ended since.
void QmpConnection::identify(const QmpSocketFile& socket) {
    const pid_t pid = client_.peer().pid;
    if (!guest_.alive() || guest_.process->pid() != pid) {
        guest_ = {.last_reply = guest_.last_reply,
                  .quarantine = guest_.quarantine,
                  .late = guest_.late,
                  .in_time = guest_.in_time,
                  .socket = guest_.socket};
        try {
            if (auto process = Process::open(pid))
                guest_.process = std::make_shared<const Process>(std::move(*process));
        } catch (const std::system_error&) {  // the kernel refuses
        }
    }
    if (guest_.process) read_process_facts(*guest_.process, socket, peers_.vm_file, facts_);
    guest_.distrust = why_not_trusted(facts_);
}

}  // namespace vnuma
