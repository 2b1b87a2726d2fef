// The domains libvirt runs.
#pragma once

#include <chrono>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "guests/discovery/calls_with_timeout.hpp"
#include "guests/discovery/guest_source.hpp"
#include "guests/discovery/libvirt_connection.hpp"
#include "guests/model/listed_guest.hpp"
#include "guests/model/settings.hpp"

namespace vnuma {

class LibvirtSource : public GuestSource {
  public:
    // A domain's calls may take this long before it is given up until they return.
    static constexpr std::chrono::milliseconds call_limit{1000};
    static constexpr std::chrono::milliseconds connect_limit{3000};
    // Monitors that hang at once, before no other is asked: the list needs what is left.
    static constexpr std::size_t max_hung_monitors = 3;
    static constexpr std::chrono::milliseconds least_wait{1000}, most_wait{30'000};

    explicit LibvirtSource(LibvirtSettings settings);

    const char* name() const override { return "libvirt"; }
    std::vector<ListedGuest> list() override;
    bool may_ask_monitor() const override { return settings_.ask_monitor; }
    RamView read_ram_view(const std::string& uuid) override;
    bool start_write_measurement(const std::string& uuid, std::chrono::seconds duration) override;
    WriteMeasurement read_write_measurement(const std::string& uuid) override;
    std::size_t hung_calls() const override { return calls_.hung(); }

  private:
    struct Known {
        std::string xml;
        std::shared_ptr<const Domain> domain;  // none when the XML cannot be used
        std::string trouble;                   // and why
    };

    void connect();
    std::vector<std::shared_ptr<virDomain>> list_domains();
    ListedGuest describe(const std::shared_ptr<virDomain>& domain);
    // What `question` finds out, given libvirt's connection, in a thread of its own. Throws
    // MonitorError.
    template <typename Question>
    auto ask(const std::string& uuid, Question question);
    const Known& know(const std::string& uuid, std::string xml);

    LibvirtSettings settings_;
    std::map<std::string, Known> known_;  // by uuid
    std::chrono::steady_clock::time_point next_attempt_{};
    std::chrono::milliseconds wait_ = least_wait;
    std::string last_failure_;
    LibvirtEvents events_;
    std::shared_ptr<LibvirtConnection> connection_;
    CallsWithTimeout calls_;  // ends before what its calls use
};

}  // namespace vnuma
