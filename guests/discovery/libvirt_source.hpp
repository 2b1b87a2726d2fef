// Guests that libvirt runs.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "guests/discovery/backoff.hpp"
#include "guests/discovery/calls_with_timeout.hpp"
#include "guests/discovery/domain_queries.hpp"
#include "guests/discovery/guest_source.hpp"
#include "guests/discovery/libvirt_connection.hpp"
#include "guests/model/listed_guest.hpp"
#include "guests/model/settings.hpp"

namespace vnuma {

class LibvirtSource : public GuestSource {
  public:
    // Time limits for opening the connection, listing the domains, and a call to a monitor.
    static constexpr std::chrono::milliseconds connect_limit{3000}, list_domains_limit{3000},
        monitor_limit{1000};
    // The longest time that list() takes.
    static constexpr std::chrono::milliseconds list_limit =
        connect_limit + list_domains_limit + DomainQueries::run_limit;
    // Pauses between attempts to connect.
    static constexpr std::chrono::milliseconds first_pause{1000}, longest_pause{30'000};

    // Tests pass their own clock and their own way to wait.
    explicit LibvirtSource(LibvirtSettings settings,
                           DomainQueries::Now now = std::chrono::steady_clock::now,
                           CallsWithTimeout::Wait wait = CallsWithTimeout::wait_for);

    const char* name() const override { return "libvirt"; }
    std::vector<ListedGuest> list() override;
    bool may_ask_monitor() const override { return settings_.ask_monitor; }
    RamView read_ram_view(const std::string& uuid) override;
    bool start_write_measurement(const std::string& uuid, std::chrono::seconds duration) override;
    WriteMeasurement read_write_measurement(const std::string& uuid) override;
    std::size_t hung_calls() const override { return calls_.hung(); }

  private:
    void connect();
    std::vector<DomainQuery> list_domains();
    // Runs `call` with the connection to libvirt and returns what it returns, within monitor_limit.
    // Throws MonitorError.
    template <typename Call>
    auto call_monitor(const std::string& uuid, Call call);

    LibvirtSettings settings_;
    DomainQueries::Now now_;
    Backoff reconnect_{first_pause, longest_pause};
    std::string last_failure_;  // of the last attempt to connect
    LibvirtEvents events_;
    std::shared_ptr<LibvirtConnection> connection_;
    CallsWithTimeout calls_;  // after what its calls use: it is destroyed first
    DomainQueries queries_{calls_, now_};
};

}  // namespace vnuma
