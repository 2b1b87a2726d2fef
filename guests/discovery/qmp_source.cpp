#include "guests/discovery/qmp_source.hpp"

#include <boost/asio/co_spawn.hpp>
#include <filesystem>
#include <set>

#include "guests/discovery/domain_from_qmp.hpp"
#include "guests/discovery/guest_source.hpp"
#include "guests/discovery/qemu_monitor.hpp"
#include "guests/discovery/run_state.hpp"
#include "guests/model/listed_guest.hpp"
#include "qmp/client.hpp"

namespace vnuma {

namespace asio = boost::asio;
namespace fs = std::filesystem;
using std::chrono::milliseconds;
using std::chrono::steady_clock;

namespace {

// Nobody waits for so long; it only keeps a monitor that never answers from being asked for ever.
constexpr std::chrono::hours command_limit{1};
constexpr std::chrono::seconds end_limit{1};
// For what came since the last look; a peer that never stops talking is not listened to for longer.
constexpr milliseconds catch_up_limit{5};
constexpr const char* no_answer = "its monitor does not answer";

std::string words_of(std::exception_ptr failure) {
    try {
        if (failure) std::rethrow_exception(failure);
    } catch (const std::exception& error) {
        return error.what();
    }
    return "";
}

bool is_a_no(std::exception_ptr failure) {
    try {
        std::rethrow_exception(failure);
    } catch (const qmp::CommandError&) {
        return true;
    } catch (...) {
        return false;
    }
}

bool was_refused(std::exception_ptr failure) {
    try {
        if (failure) std::rethrow_exception(failure);
    } catch (const qmp::ConnectionError& error) {
        return error.cause == boost::system::errc::connection_refused;
    } catch (const std::exception&) {
    }
    return false;
}

}  // namespace

// One socket. It is looked at by at most one coroutine at a time, which may take longer than
// anybody waits for it.
class QmpSource::Connection {
  public:
    Connection(asio::io_context& context, fs::path path)
        : context_(context), path_(std::move(path)), client_(context.get_executor()) {}

    // Connects, on the first call, and asks everything.
    void begin_look() {
        looking_ = true;
        asio::co_spawn(context_, look(), [this](std::exception_ptr failure) {
            looking_ = false;
            trouble_ = words_of(failure);
            refused_ = was_refused(failure);
        });
    }
    bool looking() const { return looking_; }
    // Whether a look under way has got on since this was asked last: it is worth waiting for.
    bool gets_on() { return std::exchange(answers_seen_, answers_) != answers_; }
    // The connection has ended or was never there, and nothing is under way: a new link is due.
    bool ended() const { return !looking_ && !running_ && (connected_ || !trouble_.empty()); }
    // Nobody is behind the socket, or nobody any more: QEMU killed leaves its file behind.
    bool deserted() const { return ended() && (connected_ || refused_); }
    bool busy() const { return looking_ || running_; }
    void close() { client_.close(); }
    qmp::Client& client() { return client_; }
    // Whether the guest has a dirty ring, once it has been found out.
    std::optional<bool>& dirty_ring() { return dirty_ring_; }

    ListedGuest guest() const {
        ListedGuest guest = guest_;
        if (guest.uuid.empty()) guest.uuid = guest.name = path_.filename();
        if (looking_)
            guest.unsteady = negotiated_
                                 ? no_answer
                                 : std::string(no_answer) + "; is another client on its socket?";
        else if (!trouble_.empty())
            guest.unsteady = trouble_;
        return guest;
    }

  private:
    template <typename Reply>
    asio::awaitable<Reply> ask(qmp::Command<Reply> command) {
        Reply reply = co_await client_.execute(std::move(command), command_limit);
        ++answers_;
        co_return reply;
    }

    // Nothing where QEMU refuses: a guest without a balloon, say.
    template <typename Reply>
    asio::awaitable<std::optional<Reply>> ask_for(qmp::Command<Reply> command) {
        std::optional<Reply> reply;
        try {
            reply = co_await ask(std::move(command));
        } catch (const qmp::CommandError&) {
        }
        co_return reply;
    }

    asio::awaitable<void> connect() {
        co_await client_.connect(path_);
        connected_ = running_ = true;
        asio::co_spawn(context_, client_.run(), [this](std::exception_ptr) { running_ = false; });
        try {
            co_await client_.negotiate(command_limit);
        } catch (const std::exception&) {
            client_.close();  // of no use without; a new link is made
            throw;
        }
        negotiated_ = true;
    }

    asio::awaitable<void> look() {
        if (!connected_) co_await connect();
        QemuAnswers answers;
        const auto status = co_await ask(qmp::query_status());
        const auto migration = co_await ask_for(qmp::query_migrate());
        answers.uuid = (co_await ask_for(qmp::query_uuid())).value_or("");
        answers.name = (co_await ask_for(qmp::query_name())).value_or("");
        answers.cpus = co_await ask(qmp::query_cpus_fast());
        answers.nodes = co_await ask(qmp::info_numa());
        answers.backends = co_await ask(qmp::query_memdev());
        answers.devices = co_await ask(qmp::query_memory_devices());
        answers.balloon_bytes = co_await ask_for(qmp::query_balloon());
        const auto iothreads = co_await ask(qmp::query_iothreads());

        ListedGuest guest;
        guest.state = state_of_qemu(status.status, migration.value_or(""));
        guest.unsteady = why_unsteady(guest.state);
        guest.pid = client_.peer().pid;
        for (const auto& cpu : answers.cpus)
            guest.vcpu_threads[cpu.index] = cpu.thread;
        for (const auto& iothread : iothreads)
            guest.iothreads["IO " + iothread.id] = iothread.thread;
        Domain domain = domain_of(answers, path_.filename());
        guest.uuid = domain.uuid;
        guest.name = domain.name;
        guest.domain = guest_.domain && *guest_.domain == domain
                           ? guest_.domain
                           : std::make_shared<const Domain>(std::move(domain));
        guest_ = std::move(guest);
    }

    asio::io_context& context_;
    fs::path path_;
    qmp::Client client_;
    bool connected_ = false, negotiated_ = false, running_ = false, looking_ = false,
         refused_ = false;
    int answers_ = 0, answers_seen_ = 0;
    std::optional<bool> dirty_ring_;
    std::string trouble_;  // of the last look
    ListedGuest guest_;    // as of the last look that came to its end
};

QmpSource::QmpSource(std::string directory) : directory_(std::move(directory)) {}

QmpSource::~QmpSource() {
    for (auto& [file, connection] : connections_)
        connection->close();
    run_until(
        [this] {
            return std::none_of(connections_.begin(), connections_.end(),
                                [](const auto& entry) { return entry.second->busy(); });
        },
        end_limit);
}

template <typename Condition>
bool QmpSource::run_until(Condition condition, milliseconds limit) {
    const auto end = steady_clock::now() + limit;
    context_.restart();
    while (!condition())
        if (context_.run_one_until(end) == 0) return condition();
    return true;
}

void QmpSource::follow_directory() {
    std::set<std::string> sockets;
    std::error_code error;
    fs::directory_iterator entry(directory_, error);
    for (; !error && entry != fs::directory_iterator(); entry.increment(error)) {
        std::error_code gone;
        if (entry->is_socket(gone) && sockets.size() < max_sockets)
            sockets.insert(entry->path().filename());
    }
    if (error) throw SourceError(directory_ + ": " + error.message());
    std::erase_if(connections_, [&](auto& entry) {
        const bool gone = !sockets.contains(entry.first);
        if (gone) entry.second->close();
        return entry.second->ended() || (gone && !entry.second->busy());
    });
    for (const std::string& socket : sockets)
        if (!connections_.contains(socket))
            connections_[socket] =
                std::make_unique<Connection>(context_, fs::path(directory_) / socket);
}

std::vector<ListedGuest> QmpSource::list() {
    run_until([] { return false; }, catch_up_limit);
    follow_directory();
    std::vector<Connection*> waited_for;
    for (auto& [file, connection] : connections_) {
        const bool gets_on = connection->gets_on();
        if (!connection->looking())
            connection->begin_look();
        else if (!gets_on)
            continue;
        waited_for.push_back(connection.get());
    }
    run_until(
        [&] {
            return std::none_of(waited_for.begin(), waited_for.end(),
                                [](const Connection* connection) { return connection->looking(); });
        },
        answer_limit);
    std::vector<ListedGuest> guests;
    std::set<std::string> seen;
    for (const auto& [file, connection] : connections_)
        if (!connection->deserted() && seen.insert(connection->guest().uuid).second)
            guests.push_back(connection->guest());
    return guests;
}

namespace {

// A QMP connection as a monitor that blocks.
class BlockingMonitor : public Monitor {
  public:
    using Run = std::function<bool(const std::function<bool()>&)>;  // until the condition holds

    BlockingMonitor(asio::io_context& context, qmp::Client& client, Run run)
        : context_(context), client_(client), run_(std::move(run)) {}

    nlohmann::json execute(const std::string& command, const nlohmann::json& arguments) override {
        // Shared: the answer may come when nobody waits for it any more.
        struct Outcome {
            bool done = false;
            std::exception_ptr failure;
            nlohmann::json value;
        };
        auto outcome = std::make_shared<Outcome>();
        asio::co_spawn(context_, client_.execute(command, arguments, QmpSource::answer_limit),
                       [outcome](std::exception_ptr failure, nlohmann::json value) {
                           *outcome = {true, failure, std::move(value)};
                       });
        if (!run_([&] { return outcome->done; })) throw MonitorError(no_answer);
        const std::string words = "its monitor: " + words_of(outcome->failure);
        if (outcome->failure && is_a_no(outcome->failure)) throw MonitorRefusal(words);
        if (outcome->failure) throw MonitorError(words);
        return std::move(outcome->value);
    }

  private:
    asio::io_context& context_;
    qmp::Client& client_;
    Run run_;
};

}  // namespace

template <typename Question>
auto QmpSource::ask(const std::string& uuid, Question question) {
    for (auto& [file, connection] : connections_) {
        if (connection->guest().uuid != uuid) continue;
        if (connection->looking()) throw MonitorError(no_answer);
        // For all that has to be asked together.
        const auto end = steady_clock::now() + 2 * answer_limit;
        BlockingMonitor monitor(context_, connection->client(), [&, end](const auto& condition) {
            const auto left = end - steady_clock::now();
            return run_until(condition, std::chrono::duration_cast<milliseconds>(left));
        });
        return question(*connection, monitor);
    }
    throw MonitorError("its monitor is gone");
}

RamView QmpSource::read_ram_view(const std::string& uuid) {
    return ask(uuid, [](Connection&, Monitor& monitor) { return ask_ram_view(monitor); });
}

bool QmpSource::start_write_measurement(const std::string& uuid, std::chrono::seconds duration) {
    return ask(uuid, [&](Connection& connection, Monitor& monitor) {
        return vnuma::start_write_measurement(monitor, duration, connection.dirty_ring());
    });
}

WriteMeasurement QmpSource::read_write_measurement(const std::string& uuid) {
    return ask(
        uuid, [](Connection&, Monitor& monitor) { return vnuma::read_write_measurement(monitor); });
}

}  // namespace vnuma
