// The interface to whatever lists the guests of this host: libvirt, or QEMU's own monitors.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <stdexcept>
#include <string>
#include <vector>

#include "guests/model/domain.hpp"
#include "guests/model/listed_guest.hpp"
#include "guests/model/ram.hpp"

namespace vnuma {

// What MonitorError says of guests that GuestSource::permit_monitors() leaves out.
inline constexpr const char* monitor_not_permitted =
    "the sizes of its memory do not tell which cell is where, and its monitor is asked only if "
    "vnumad may act on it (mode act)";
inline constexpr const char* measuring_not_permitted =
    "its memory is measured only if vnumad may act on it (mode act)";

// No guest can be listed. what() is the message of libvirt or of the kernel.
struct SourceError : std::runtime_error {
    using std::runtime_error::runtime_error;
};

// A guest's monitor refuses a command or does not answer.
struct MonitorError : std::runtime_error {
    using std::runtime_error::runtime_error;
};

// The monitor has answered, but its answer cannot be used, and asking again will not help.
struct UselessAnswer : MonitorError {
    using MonitorError::MonitorError;
};

// The command is refused.
struct MonitorRefusal : UselessAnswer {
    using UselessAnswer::UselessAnswer;
};

// Limit of GuestSource::read_state(). While it waits, nothing is done to other guests either.
inline constexpr std::chrono::milliseconds state_limit{500};

// QEMU's measurement of how fast a guest writes its memory.
struct WriteMeasurement {
    enum class State { none, running, done };

    State state = State::none;
    std::string mode;  // QEMU's name: "page-sampling", "dirty-ring" or "dirty-bitmap"
    std::chrono::seconds duration{0};
    std::optional<std::uint64_t> mib_per_s;  // unknown before the end, or if QEMU cannot tell
    std::map<int, std::uint64_t> by_vcpu{};  // MiB/s by vCPU number; in mode dirty-ring only
};
inline constexpr std::chrono::seconds min_write_measurement{1}, max_write_measurement{60};

// Every call blocks for a bounded time. Use from one thread at a time.
class GuestSource {
  public:
    GuestSource() = default;
    GuestSource(const GuestSource&) = delete;
    GuestSource& operator=(const GuestSource&) = delete;
    virtual ~GuestSource() = default;

    virtual const char* name() const = 0;

    // Lists every guest that has a process. A guest about which the source gets no answer keeps its
    // last known description and is unsteady. Opens the connection if there is none. Throws
    // SourceError.
    virtual std::vector<ListedGuest> list() = 0;

    // Why the last list may lack guests, or may not have their UUIDs and names; empty if it has
    // those of all guests.
    virtual std::string why_incomplete() const { return ""; }

    // The state now of a guest that was listed. Costs a few messages, and takes state_limit at
    // most. Throws MonitorError.
    virtual RunState read_state(const std::string& uuid) = 0;

    // Whether the configuration allows calls to the guests' monitors. libvirt marks a domain as
    // tainted at the first one.
    virtual bool may_ask_monitor() const = 0;

    // The guests that vnumad may act on, by uuid: none before the first call. Only they are made to
    // measure their memory, and only their monitors are asked where it is.
    virtual void permit_monitors(std::set<std::string> uuids) = 0;

    // Throws UselessAnswer, or MonitorError where the monitor does not answer or is not asked.
    virtual RamView read_ram_view(const std::string& uuid) = 0;

    // Makes QEMU measure how fast the guest writes its memory. The duration is between the limits
    // above, and the measurement cannot be stopped. QEMU measures each vCPU if the guest has a
    // dirty ring, and otherwise compares samples of pages. Returns false if a measurement is
    // running already, whoever started it. The guest must have vCPUs: QEMU 7.2 crashes when it
    // measures a guest without any. Throws MonitorError.
    virtual bool start_write_measurement(const std::string& uuid,
                                         std::chrono::seconds duration) = 0;

    // The guest's last measurement. Throws MonitorError.
    virtual WriteMeasurement read_write_measurement(const std::string& uuid) = 0;

    // The number of calls that were given up and have not returned yet. The destructor waits for
    // them.
    virtual std::size_t hung_calls() const = 0;

    // `on_hint` is called as soon as the source learns that a guest may have changed, so that the
    // next look may come early. It is called in a thread of the source's, must return at once, and
    // must not use the source. Looks at the usual time see everything without it: a source may
    // learn of nothing, and then never calls it. An empty function ends the calls. When
    // set_on_hint() returns, the function from before is not called any more. May be called from
    // any thread, also during the other calls.
    virtual void set_on_hint(std::function<void()> /*on_hint*/) {}
};

}  // namespace vnuma
