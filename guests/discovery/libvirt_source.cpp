#include "guests/discovery/libvirt_source.hpp"

#include <array>
#include <optional>

#include "guests/discovery/libvirt_domain.hpp"
#include "guests/discovery/libvirt_monitor.hpp"
#include "guests/discovery/libvirt_write_rate.hpp"

namespace vnuma {
namespace {

// The key of calls that are not about a domain.
constexpr const char* connection_key = "";

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
            [uri = settings_.uri] { return std::make_shared<LibvirtConnection>(uri); },
            libvirt_limits::connect);
        if (!opened) throw SourceError("libvirt at " + settings_.uri + " does not answer");
        connection_ = *opened;
        reconnect_.succeed();
    } catch (const SourceError& error) {
        last_failure_ = error.what();
        reconnect_.fail(now_());
        throw;
    }
}

std::vector<DomainQuery> LibvirtSource::list_domains() {
    const auto listed = calls_.run(
        connection_key,
        [connection = connection_] { return list_running_domains(connection->get()); },
        libvirt_limits::list_domains);
    if (!listed) throw SourceError("libvirt at " + settings_.uri + " does not answer");
    std::vector<DomainQuery> queries;
    for (const std::shared_ptr<virDomain>& domain : *listed) {
        std::array<char, VIR_UUID_STRING_BUFLEN> uuid{};
        if (virDomainGetUUIDString(domain.get(), uuid.data()) != 0) continue;
        queries.push_back({uuid.data(), virDomainGetName(domain.get()),
                           [domain] { return read_domain(domain.get()); }, id_of(domain.get())});
    }
    return queries;
}

std::vector<ListedGuest> LibvirtSource::list() {
    if (const std::string failure = events_.failure(); !failure.empty())
        throw SourceError("libvirt's event loop fails: " + failure);
    connect();
    std::vector<ListedGuest> guests = queries_.run(list_domains());
    // The list may be incomplete if the connection has ended while it was made.
    if (!connection_->alive())
        throw SourceError("the connection to libvirt at " + settings_.uri + " has ended");
    for (ListedGuest& guest : guests)
        guest.pid = read_domain_pid(settings_.pid_directory, guest.name);
    return guests;
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
    return call(uuid, read, state_limit);
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
