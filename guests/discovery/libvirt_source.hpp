// Guests that libvirt runs.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "guests/discovery/backoff.hpp"
#include "guests/discovery/calls_with_timeout.hpp"
#include "guests/discovery/domain_queries.hpp"
#include "guests/discovery/guest_source.hpp"
#include "guests/discovery/libvirt_connection.hpp"
#include "guests/discovery/libvirt_limits.hpp"
#include "guests/model/listed_guest.hpp"
#include "guests/model/settings.hpp"

namespace vnuma {

class LibvirtSource : public GuestSource {
  public:
    // Tests pass their own clock and their own way to wait.
    explicit LibvirtSource(LibvirtSettings settings,
                           DomainQueries::Now now = std::chrono::steady_clock::now,
                           CallsWithTimeout::Wait wait = CallsWithTimeout::wait_for);

    const char* name() const override { return "libvirt"; }
    std::vector<ListedGuest> list() override;
    RunState read_state(const std::string& uuid) override;
    bool may_ask_monitor() const override { return settings_.ask_monitor; }
    void permit_monitors(std::set<std::string> uuids) override { permitted_ = std::move(uuids); }
    RamView read_ram_view(const std::string& uuid) override;
    bool start_write_measurement(const std::string& uuid, std::chrono::seconds duration) override;
    WriteMeasurement read_write_measurement(const std::string& uuid) override;
    std::size_t hung_calls() const override { return calls_.hung(); }

  private:
    void connect();
    std::vector<DomainQuery> list_domains();
    // Runs `call` with the connection to libvirt and returns what it returns, within the limit.
    // Throws MonitorError.
    template <typename Call>
    auto call(const std::string& uuid, Call call, std::chrono::milliseconds limit);
    template <typename Call>
    auto call_monitor(const std::string& uuid, Call call);

    LibvirtSettings settings_;
    std::set<std::string> permitted_;  // uuids
    DomainQueries::Now now_;
    Backoff reconnect_{libvirt_limits::first_reconnect, libvirt_limits::longest_reconnect};
    std::string last_failure_;  // of the last attempt to connect
    LibvirtEvents events_;
    std::shared_ptr<LibvirtConnection> connection_;
    CallsWithTimeout calls_;  // after what its calls use: it is destroyed first
    DomainQueries queries_{calls_, now_};
};

}  // namespace vnuma
