#include "guests/discovery/qmp_source.hpp"

#include <sys/stat.h>

#include <algorithm>
#include <filesystem>
#include <tuple>

#include "guests/discovery/qemu_monitor.hpp"
#include "guests/discovery/qmp_monitor.hpp"
#include "guests/discovery/run_state.hpp"
#include "policy/model/shell_pattern.hpp"

namespace vnuma {

namespace fs = std::filesystem;
using std::chrono::milliseconds;
using std::chrono::steady_clock;

namespace {

// How long is waited for connections to end that vnumad has closed.
constexpr milliseconds end_limit{1000};
// For handling what has arrived since the last call. A peer that never stops sending takes no more.
constexpr milliseconds catch_up_limit{5};

constexpr const char* not_asked = "it is asked only if vnumad may act on the guest (mode act)";
constexpr const char* no_answer = "QEMU does not answer on its QMP socket";

bool matches_any(const std::vector<std::string>& patterns, const std::string& name) {
    return std::any_of(patterns.begin(), patterns.end(),
                       [&](const std::string& pattern) { return matches_pattern(pattern, name); });
}

// Returns the sockets in the directory with such names, by name. Throws SourceError.
std::map<std::string, FileId> read_sockets(const std::string& directory,
                                           const std::vector<std::string>& patterns) {
    std::map<std::string, FileId> sockets;
    std::error_code error;
    fs::directory_iterator entry(directory, error);
    for (; !error && entry != fs::directory_iterator(); entry.increment(error)) {
        const std::string name = entry->path().filename();
        struct stat file {};
        if (sockets.size() < QmpSource::max_sockets && matches_any(patterns, name) &&
            ::stat(entry->path().c_str(), &file) == 0 && S_ISSOCK(file.st_mode))
            sockets.emplace(name, FileId{file.st_dev, file.st_ino});
    }
    if (error) throw SourceError(directory + ": " + error.message());
    return sockets;
}

// A guest and the socket that it was found by.
struct Found {
    std::string socket;
    bool trusted;
    ListedGuest guest;
    bool repeated = false;  // found by another socket already
};

// Of a guest with a process. Its UUID must be the one that its QEMU tells.
QmpSource::Uuids::key_type identity(const ListedGuest& guest) {
    return {guest.process->pid(), guest.process->start_time(), guest.uuid};
}

bool same_process(const Found& a, const Found& b) {
    return a.trusted && b.trusted && a.guest.pid == b.guest.pid;
}

// The UUID stays with one of them, and the others have their socket's name added to it: neither a
// UUID nor a file name has a slash. A process keeps what it was listed with first, so that it does
// not inherit what is known of another one that has ended. Adds the processes to `uuids`.
void tell_apart_equal(std::vector<Found*> same, const QmpSource::Uuids& before,
                      QmpSource::Uuids& uuids) {
    const auto listed_before = [&](const Found* one) {
        return one->trusted ? before.find(identity(one->guest)) : before.end();
    };
    const auto rank = [&](const Found* one) {
        return std::tuple(listed_before(one) == before.end(), !one->trusted,
                          one->guest.process ? one->guest.process->start_time() : 0);
    };
    std::stable_sort(same.begin(), same.end(),
                     [&](const Found* a, const Found* b) { return rank(a) < rank(b); });
    std::set<std::string> taken;
    for (Found* one : same) {
        const auto known = listed_before(one);
        std::string uuid = known == before.end() ? one->guest.uuid : known->second;
        while (!taken.insert(uuid).second)
            uuid += "/" + one->socket;
        if (one->trusted) uuids.emplace(identity(one->guest), uuid);
        one->guest.uuid = std::move(uuid);
    }
}

// Returns the UUIDs that the processes are listed with now.
QmpSource::Uuids tell_apart(std::vector<Found>& found, const QmpSource::Uuids& before) {
    std::map<std::string, std::vector<Found*>> by_uuid;
    for (Found& one : found) {
        std::vector<Found*>& same = by_uuid[one.guest.uuid];
        // A second socket of one QEMU is the same guest.
        one.repeated = std::any_of(same.begin(), same.end(),
                                   [&](const Found* known) { return same_process(*known, one); });
        if (!one.repeated) same.push_back(&one);
    }
    QmpSource::Uuids uuids;
    for (const auto& [uuid, same] : by_uuid)
        tell_apart_equal(same, before, uuids);
    std::erase_if(found, [&](const Found& one) { return one.repeated; });
    return uuids;
}

}  // namespace

QmpSource::QmpSource(QmpSettings settings, QmpPeers::Now now)
    : directory_(std::move(settings.directory)),
      patterns_(std::move(settings.patterns)),
      deadlines_(settings.deadlines),
      peers_{context_, std::move(now), std::make_shared<qmp::MemoryBudget>(qmp_limits::memory),
             std::move(settings.vm_file)} {}

QmpSource::~QmpSource() {
    Connections all;
    for (auto& [socket, connection] : connections_) {
        connection->close();
        all.push_back(connection.get());
    }
    wait_for(all, steady_clock::now() + end_limit);
}

template <typename Condition>
bool QmpSource::run_until(Condition condition, steady_clock::time_point end) {
    context_.restart();
    while (!condition())
        if (context_.run_one_until(end) == 0) return condition();
    return true;
}

std::unique_ptr<QmpConnection> QmpSource::connect(const std::string& socket, QmpGuest guest,
                                                  QmpDepth depth) {
    return std::make_unique<QmpConnection>(peers_, fs::path(directory_) / socket, std::move(guest),
                                           depth);
}

void QmpSource::follow_directory() {
    const auto sockets = read_sockets(directory_, patterns_);
    std::erase_if(connections_, [&](auto& entry) {
        if (sockets.contains(entry.first)) return false;
        entry.second->close();
        return !entry.second->busy();
    });
    for (const auto& [socket, file] : sockets) {
        std::unique_ptr<QmpConnection>& connection = connections_[socket];
        if (!connection)
            connection = connect(socket, {peers_.now()});
        else if (!connection->ended())
            continue;
        else if (const auto depth = connection->choose_depth(file))
            connection = connect(socket, connection->take_guest(), *depth);
        else
            connection->confirm();
    }
}

void QmpSource::wait_for(const Connections& connections, steady_clock::time_point end) {
    run_until(
        [&] {
            return std::none_of(connections.begin(), connections.end(),
                                [](const QmpConnection* connection) { return connection->busy(); });
        },
        end);
}

// A read that has missed its deadline goes on if QEMU has greeted: when it answers at last, it is
// heard.
void QmpSource::read_guests() {
    Connections ordinary, in_quarantine;
    for (auto& [socket, connection] : connections_) {
        if (connection->ended() || connection->busy() || connection->paused()) continue;
        (connection->in_quarantine() ? in_quarantine : ordinary).push_back(connection.get());
        connection->begin_read();
    }
    // Each has all of the time: the last one began just now.
    const auto begin = steady_clock::now();
    wait_for(ordinary, begin + deadlines_.list);
    wait_for(in_quarantine, begin + deadlines_.recovery);
    for (const Connections* connections : {&ordinary, &in_quarantine})
        for (QmpConnection* connection : *connections) {
            connection->end_wait();
            connection->give_back_if_silent(deadlines_.greeting);
        }
}

std::vector<ListedGuest> QmpSource::list() {
    run_until([] { return false; }, steady_clock::now() + catch_up_limit);
    follow_directory();
    read_guests();
    calls_left_ = deadlines_.calls;
    slow_calls_left_ = deadlines_.slow;
    std::vector<Found> found;
    incomplete_.clear();
    for (const auto& [socket, connection] : connections_) {
        auto guest = connection->list();
        if (!guest) continue;
        if (connection->guest().listed.uuid.empty())
            incomplete_ = "the guest at " + socket + " has not told its UUID and name yet";
        found.push_back({socket, connection->guest().trusted(), std::move(*guest)});
    }
    uuids_ = tell_apart(found, uuids_);
    std::vector<ListedGuest> guests;
    sockets_.clear();
    for (Found& one : found) {
        sockets_.emplace(one.guest.uuid, one.socket);
        guests.push_back(std::move(one.guest));
    }
    return guests;
}

// A connection that is open as long as the object exists.
class QmpSource::Session {
  public:
    Session(QmpSource& source, QmpConnection& connection)
        : source_(source), connection_(connection) {
        connection_.begin_session();
    }
    ~Session() {
        connection_.hang_up();
        source_.wait_for({&connection_}, steady_clock::now() + end_limit);
    }
    Session(const Session&) = delete;
    Session& operator=(const Session&) = delete;

  private:
    QmpSource& source_;
    QmpConnection& connection_;
};

template <typename Call>
auto QmpSource::call_monitor(const std::string& uuid, Call call, Limits limits) {
    const auto socket = sockets_.find(uuid);
    const auto found =
        socket == sockets_.end() ? connections_.end() : connections_.find(socket->second);
    if (found == connections_.end()) throw MonitorError("its QMP socket is gone");
    std::unique_ptr<QmpConnection>& connection = found->second;
    if (connection->in_quarantine() || !connection->ended() || !connection->guest().alive())
        throw MonitorError(no_answer);
    const bool slow = connection->guest().slow;
    auto& left = slow ? slow_calls_left_ : calls_left_;
    if (left <= left.zero())
        throw MonitorError("its monitor was not asked, because those of other " +
                           std::string(slow ? "slow " : "") + "guests took more than " +
                           std::to_string((slow ? deadlines_.slow : deadlines_.calls).count()) +
                           " ms");
    const auto last = steady_clock::now() + limits.all;
    const auto in_time = [&](const auto& condition) {
        const auto begin = steady_clock::now();
        const bool done = run_until(condition, std::min({begin + left, begin + limits.one, last}));
        const auto now = steady_clock::now();
        left -= now - begin;
        if (now - begin >= limits.one || now >= last) connection->miss_deadline();
        return done;
    };
    connection = connect(found->first, connection->take_guest());
    const Session session(*this, *connection);
    if (!in_time([&] { return !connection->reading(); }) || !connection->open())
        throw MonitorError(no_answer);
    if (connection->guest().listed.uuid.empty())
        throw MonitorError("another process has its QMP socket now");
    QmpMonitor monitor(context_, connection->client(), in_time);
    return call(*connection, monitor);
}

RunState QmpSource::read_state(const std::string& uuid) {
    const auto begin = steady_clock::now();
    const auto read = [&](QmpConnection& connection, Monitor& monitor) {
        // Whoever asks is about to act.
        if (!connection.guest().trusted()) throw MonitorError(connection.guest().distrust);
        const auto status = monitor.run(qmp::query_status());
        std::string migration;
        try {
            migration = monitor.run(qmp::query_migrate());
        } catch (const MonitorRefusal&) {  // a QEMU without migration
        }
        connection.guest().slow = steady_clock::now() - begin > deadlines_.recovery;
        const RunState state = state_of_qemu(status.status, migration);
        connection.note_state(state);
        return state;
    };
    return call_monitor(uuid, read, {deadlines_.state, deadlines_.state});
}

RamView QmpSource::read_ram_view(const std::string& uuid) {
    if (!permitted_.contains(uuid)) throw MonitorRefusal(not_asked);
    return call_monitor(
        uuid, [](QmpConnection&, Monitor& monitor) { return vnuma::read_ram_view(monitor); },
        {deadlines_.call, deadlines_.calls});
}

bool QmpSource::start_write_measurement(const std::string& uuid, std::chrono::seconds duration) {
    if (!permitted_.contains(uuid)) throw MonitorError(measuring_not_permitted);
    const auto start = [&](QmpConnection& connection, Monitor& monitor) {
        return vnuma::start_write_measurement(monitor, duration, connection.guest().dirty_ring);
    };
    return call_monitor(uuid, start, {deadlines_.call, deadlines_.calls});
}

WriteMeasurement QmpSource::read_write_measurement(const std::string& uuid) {
    const auto read = [](QmpConnection&, Monitor& monitor) {
        return vnuma::read_write_measurement(monitor);
    };
    return call_monitor(uuid, read, {deadlines_.call, deadlines_.calls});
}

}  // namespace vnuma
