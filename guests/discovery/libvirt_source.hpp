// Guests that libvirt runs.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "guests/discovery/backoff.hpp"
#include "guests/discovery/calls_with_timeout.hpp"
#include "guests/discovery/domain_hints.hpp"
#include "guests/discovery/domain_queries.hpp"
#include "guests/discovery/guest_source.hpp"
#include "guests/discovery/libvirt_connection.hpp"
#include "guests/discovery/libvirt_limits.hpp"
#include "guests/model/listed_guest.hpp"
#include "guests/model/settings.hpp"

namespace vnuma {

struct ListedDomain;

// What a look at all domains costs follows what has changed: one call for the list with the states
// of all, and a query of each domain that is new, does not simply run, or may have changed.
class LibvirtSource : public GuestSource {
  public:
    // Tests pass their own clock and their own way to wait.
    explicit LibvirtSource(LibvirtSettings settings,
                           DomainQueries::Now now = std::chrono::steady_clock::now,
                           CallsWithTimeout::Wait wait = CallsWithTimeout::wait_for);
    ~LibvirtSource() override;

    const char* name() const override { return "libvirt"; }
    std::vector<ListedGuest> list() override;
    RunState read_state(const std::string& uuid) override;
    bool may_ask_monitor() const override { return settings_.ask_monitor; }
    void permit_monitors(std::set<std::string> uuids) override { permitted_ = std::move(uuids); }
    RamView read_ram_view(const std::string& uuid) override;
    bool start_write_measurement(const std::string& uuid, std::chrono::seconds duration) override;
    WriteMeasurement read_write_measurement(const std::string& uuid) override;
    std::size_t hung_calls() const override { return calls_.hung(); }
    // The function is called when libvirt sends an event about a domain.
    void set_on_hint(std::function<void()> on_hint) override {
        hints_->set_on_hint(std::move(on_hint));
    }

  private:
    struct KnownProcess {
        std::optional<int> id;  // libvirt's number of the domain
        pid_t pid = 0;
    };

    void connect();
    std::vector<ListedDomain> list_domains();
    bool may_ask_states() const;
    std::vector<DomainQuery> make_queries(const std::vector<ListedDomain>& domains) const;
    void mark_hinted();
    void add_pids(std::vector<ListedGuest>& guests);
    SourceError no_answer() const;
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
    // libvirt shares the ownership: see register_domain_events().
    std::shared_ptr<DomainHints> hints_ = std::make_shared<DomainHints>();
    LibvirtEvents events_;
    std::shared_ptr<LibvirtConnection> connection_;
    bool has_states_ = true;  // false once this connection has refused to list states
    // Between lists with states that did not return.
    Backoff states_pause_{libvirt_limits::first_quarantine, libvirt_limits::longest_quarantine};
    std::map<std::string, KnownProcess> processes_;  // by uuid
    CallsWithTimeout calls_;  // after what its calls use: it is destroyed first
    DomainQueries queries_{calls_, now_};
};

}  // namespace vnuma
