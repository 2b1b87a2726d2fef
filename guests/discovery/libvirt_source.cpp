#include "guests/discovery/libvirt_source.hpp"

#include <array>
#include <optional>

#include "guests/discovery/libvirt_domain.hpp"
#include "guests/discovery/libvirt_monitor.hpp"
#include "guests/discovery/libvirt_write_rate.hpp"

namespace vnuma {
namespace {

// The keys of calls that are not about a domain. A list with states that hangs leaves the key of
// the list without them free.
constexpr const char* connection_key = "";
constexpr const char* states_key = "states";

// Nothing if the domain has ended.
std::optional<int> id_of(virDomainPtr domain) {
    const unsigned int id = virDomainGetID(domain);
    return id == static_cast<unsigned int>(-1) ? std::nullopt : std::optional(static_cast<int>(id));
}

}  // namespace

LibvirtSource::LibvirtSource(LibvirtSettings settings, DomainQueries::Now now,
                             CallsWithTimeout::Wait wait)
    : settings_(std::move(settings)), now_(std::move(now)), calls_(std::move(wait)) {
    keep_libvirt_errors_off_stderr();
}

// Events may still come for a while.
LibvirtSource::~LibvirtSource() {
    hints_->set_on_hint({});
}

void LibvirtSource::connect() {
    if (connection_ && connection_->alive()) return;
    if (connection_) {
        connection_.reset();
        reconnect_.succeed();  // it is opened again without a pause
    } else if (!reconnect_.is_due(now_())) {
        throw SourceError(last_failure_);
    }
    try {
        const auto opened = calls_.run(
            connection_key,
            [uri = settings_.uri, hints = hints_] {
                return std::make_shared<LibvirtConnection>(uri, hints);
            },
            libvirt_limits::connect);
        if (!opened) throw no_answer();
        connection_ = *opened;
        reconnect_.succeed();
        has_states_ = true;
        states_pause_.succeed();
        // Nobody has told of what has changed since the last connection has ended.
        queries_.mark_all_due();
    } catch (const SourceError& error) {
        last_failure_ = error.what();
        reconnect_.fail(now_());
        throw;
    }
}

SourceError LibvirtSource::no_answer() const {
    return SourceError("libvirt at " + settings_.uri + " does not answer");
}

// With states where libvirt tells them. All domains are asked about one by one otherwise.
std::vector<ListedDomain> LibvirtSource::list_domains() {
    if (may_ask_states()) {
        auto listed = calls_.run(
            states_key,
            [connection = connection_] {
                return list_running_domains_with_states(connection->get());
            },
            libvirt_limits::list_domains);
        if (!listed) {
            states_pause_.fail(now_());
            throw no_answer();
        }
        states_pause_.succeed();
        if (*listed) return std::move(**listed);
        has_states_ = false;
    }
    auto listed = calls_.run(
        connection_key,
        [connection = connection_] { return list_running_domains(connection->get()); },
        libvirt_limits::list_domains);
    if (!listed) throw no_answer();
    return std::move(*listed);
}

bool LibvirtSource::may_ask_states() const {
    return !settings_.ask_at_every_look && has_states_ && !calls_.hangs(states_key) &&
           calls_.hung() < libvirt_limits::max_hung_for_states && states_pause_.is_due(now_());
}

std::vector<DomainQuery> LibvirtSource::make_queries(
    const std::vector<ListedDomain>& domains) const {
    std::vector<DomainQuery> queries;
    for (const ListedDomain& listed : domains) {
        const std::shared_ptr<virDomain>& domain = listed.handle;
        std::array<char, VIR_UUID_STRING_BUFLEN> uuid{};
        if (virDomainGetUUIDString(domain.get(), uuid.data()) != 0) continue;
        queries.push_back({uuid.data(), virDomainGetName(domain.get()),
                           [domain] { return read_domain(domain.get()); }, id_of(domain.get()),
                           listed.state});
    }
    return queries;
}

void LibvirtSource::mark_hinted() {
    const DomainHints::Noted noted = hints_->take();
    if (noted.all) queries_.mark_all_due();
    for (const std::string& uuid : noted.uuids)
        queries_.mark_due(uuid);
}

std::vector<ListedGuest> LibvirtSource::list() {
    if (const std::string failure = events_.failure(); !failure.empty())
        throw SourceError("libvirt's event loop fails: " + failure);
    connect();
    const DomainQueries::Time listed_at = now_();
    const std::vector<ListedDomain> domains = list_domains();
    // After the list, which may fail, and before the queries: what happens during a query is noted
    // for the next look.
    mark_hinted();
    std::vector<ListedGuest> guests = queries_.run(make_queries(domains), listed_at);
    // The list may be incomplete if the connection has ended while it was made.
    if (!connection_->alive())
        throw SourceError("the connection to libvirt at " + settings_.uri + " has ended");
    add_pids(guests);
    return guests;
}

// A domain has one process for as long as it has its number. Its file is read again with everything
// else about the domain.
void LibvirtSource::add_pids(std::vector<ListedGuest>& guests) {
    std::map<std::string, KnownProcess> processes;
    for (ListedGuest& guest : guests) {
        const auto known = processes_.find(guest.uuid);
        const bool is_same = known != processes_.end() && guest.id && known->second.id == guest.id;
        guest.pid = is_same && !guest.job_known
                        ? known->second.pid
                        : read_domain_pid(settings_.pid_directory, guest.name);
        if (guest.pid) processes[guest.uuid] = {guest.id, *guest.pid};
    }
    processes_ = std::move(processes);
}

template <typename Call>
auto LibvirtSource::call(const std::string& uuid, Call call, std::chrono::milliseconds limit) {
    if (!connection_) throw MonitorError("there is no connection to libvirt");
    if (const std::string why_not = queries_.why_no_monitor_call(uuid); !why_not.empty())
        throw MonitorError(why_not);
    auto result = calls_.run(
        uuid, [connection = connection_, call] { return call(connection->get()); }, limit);
    if (!result)
        throw MonitorError("libvirt has not answered within " + std::to_string(limit.count()) +
                           " ms");
    return std::move(*result);
}

template <typename Call>
auto LibvirtSource::call_monitor(const std::string& uuid, Call call) {
    return this->call(uuid, std::move(call), libvirt_limits::monitor);
}

RunState LibvirtSource::read_state(const std::string& uuid) {
    const auto read = [uuid](virConnectPtr connection) {
        const DomainHandle domain = find_domain(connection, uuid);
        const auto state = read_run_state(domain.get());
        if (!state) throw MonitorError("libvirt: " + libvirt_error());
        return *state;
    };
    const RunState state = call(uuid, read, state_limit);
    if (state != RunState::running) queries_.mark_due(uuid);
    return state;
}

// The first command marks the domain as tainted (custom-monitor), for as long as it runs.
RamView LibvirtSource::read_ram_view(const std::string& uuid) {
    if (!permitted_.contains(uuid)) throw MonitorError(monitor_not_permitted);
    return call_monitor(uuid, [uuid](virConnectPtr connection) {
        const DomainHandle domain = find_domain(connection, uuid);
        LibvirtMonitor monitor(domain.get());
        return vnuma::read_ram_view(monitor);
    });
}

bool LibvirtSource::start_write_measurement(const std::string& uuid,
                                            std::chrono::seconds duration) {
    if (!permitted_.contains(uuid)) throw MonitorError(measuring_not_permitted);
    const Domain* domain = queries_.find(uuid);
    const bool ring = domain && domain->dirty_ring;
    return call_monitor(uuid, [uuid, duration, ring](virConnectPtr connection) {
        return start_write_measurement_by(connection, uuid, duration, ring);
    });
}

WriteMeasurement LibvirtSource::read_write_measurement(const std::string& uuid) {
    return call_monitor(uuid, [uuid](virConnectPtr connection) {
        return read_write_measurement_by(connection, uuid);
    });
}

}  // namespace vnuma
