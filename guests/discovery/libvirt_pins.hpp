// The CPUs that libvirt allows the threads of a running domain, as `virsh vcpupin`, `emulatorpin`
// and `iothreadpin` show and set them.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "guests/discovery/backoff.hpp"
#include "guests/discovery/calls_with_timeout.hpp"
#include "guests/discovery/libvirt_connection.hpp"
#include "guests/discovery/libvirt_limits.hpp"
#include "guests/model/domain_thread.hpp"

namespace vnuma {

// What has become of a call about a pin.
struct PinReply {
    std::string error{};   // libvirt's message; empty if it has done what it was asked
    bool returned = true;  // false: nobody knows whether libvirt will still do it
    // Of a reading: sorted; all of the host's CPUs without a pin, none for a vCPU that is not
    // plugged in.
    std::vector<int> cpus{};
};

// Has a connection of its own, which is opened by the first call. Every call blocks for a bounded
// time. Use from one thread at a time.
class LibvirtPins {
  public:
    using Now = std::function<Backoff::Time()>;

    // Tests pass their own clock and their own way to wait.
    explicit LibvirtPins(std::string uri, Now now = std::chrono::steady_clock::now,
                         CallsWithTimeout::Wait wait = CallsWithTimeout::wait_for);
    ~LibvirtPins();  // leaves calls behind that do not return

    PinReply read(const std::string& uuid, DomainThread thread);

    // Changes the running domain only. libvirt cannot remove a pin: what comes next to it is a pin
    // to all CPUs.
    PinReply set(const std::string& uuid, DomainThread thread, const std::vector<int>& cpus);

  private:
    using Call = std::function<PinReply(virConnectPtr)>;

    std::string connect();
    PinReply call(const std::string& uuid, const Call& make);

    std::string uri_;
    Now now_;
    Backoff reconnect_{libvirt_limits::first_reconnect, libvirt_limits::longest_reconnect};
    std::string last_failure_;  // of the last attempt to connect
    std::shared_ptr<LibvirtConnection> connection_;
    std::unique_ptr<CallsWithTimeout> calls_;
};

}  // namespace vnuma
