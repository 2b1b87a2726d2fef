// Who tells which guests there are: libvirt, or QEMU itself.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "guests/model/domain.hpp"
#include "guests/model/listed_guest.hpp"
#include "guests/model/ram.hpp"

namespace vnuma {

// Nothing can be seen at all; what() carries the source's own words.
struct SourceError : std::runtime_error {
    using std::runtime_error::runtime_error;
};

// One guest's monitor refuses, or does not answer.
struct MonitorError : std::runtime_error {
    using std::runtime_error::runtime_error;
};

// How fast a guest writes its memory, as QEMU has measured it.
struct WriteMeasurement {
    enum class State { none, running, done };

    State state = State::none;
    std::string mode;  // QEMU's name: "page-sampling", "dirty-ring" or "dirty-bitmap"
    std::chrono::seconds duration{0};
    std::optional<std::uint64_t> mib_per_s;  // none until it is done, or where QEMU could not tell
    std::map<int, std::uint64_t> by_vcpu{};  // MiB/s; dirty-ring only
};
inline constexpr std::chrono::seconds min_write_measurement{1}, max_write_measurement{60};

// Calls block, each for a bounded time; use from one worker thread at a time.
class GuestSource {
  public:
    GuestSource() = default;
    GuestSource(const GuestSource&) = delete;
    GuestSource& operator=(const GuestSource&) = delete;
    virtual ~GuestSource() = default;

    virtual const char* name() const = 0;

    // Every guest that has a process, in a bounded time; one whose calls hang is there and says so.
    // Connects first if there is no connection. Throws SourceError.
    virtual std::vector<ListedGuest> list() = 0;

    // Whether the guests' monitors may be asked (libvirt marks such a domain as tainted).
    virtual bool may_ask_monitor() const = 0;

    // Throws MonitorError.
    virtual RamView read_ram_view(const std::string& uuid) = 0;

    // Has QEMU measure how fast the guest writes its memory, for a time between the limits above:
    // by vCPU where the guest has a dirty ring, by samples of its pages otherwise. It cannot be
    // stopped. False when a measurement is running already, whoever started it. Throws
    // MonitorError. The guest has vCPUs: QEMU 7.2 dies of measuring one that has none.
    virtual bool start_write_measurement(const std::string& uuid,
                                         std::chrono::seconds duration) = 0;

    // The last measurement of the guest. Throws MonitorError.
    virtual WriteMeasurement read_write_measurement(const std::string& uuid) = 0;

    // Calls that have not returned although nobody waits for them any more. While there are any,
    // the source cannot be destroyed without waiting for them.
    virtual std::size_t hung_calls() const = 0;
};

}  // namespace vnuma
