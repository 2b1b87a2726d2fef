// What vnumad asks a QEMU monitor about a guest's memory, by whatever road it is reached.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "guests/discovery/guest_source.hpp"
#include "qmp/commands.hpp"
#include "qmp/human_monitor.hpp"

namespace vnuma {

// The monitor has understood, and says no.
struct MonitorRefusal : MonitorError {
    using MonitorError::MonitorError;
};

class Monitor {
  public:
    Monitor() = default;
    Monitor(const Monitor&) = delete;
    Monitor& operator=(const Monitor&) = delete;
    virtual ~Monitor() = default;

    // What the command returns. Blocks. Throws MonitorError, and MonitorRefusal where it can tell.
    virtual nlohmann::json execute(const std::string& command, const nlohmann::json& arguments) = 0;

    // Throws MonitorError, also for an answer that is none to this command.
    template <typename Reply>
    Reply ask(const qmp::Command<Reply>& command) {
        auto reply = command.parse(execute(command.name, command.arguments));
        if (!reply) throw MonitorError("its monitor's answer to " + command.name + " is no answer");
        return std::move(*reply);
    }
};

// One question for the guest's physical memory, one for the backends, and one for each backend's
// place in QEMU's address space.
RamView ask_ram_view(Monitor& monitor);

// See Source. `ring` is whether the guest has a dirty ring; QEMU has no command that tells, so
// where it is not known, and there is KVM, it is found out by trying. Never by dirty-bitmap: that
// write-protects all memory and splits huge pages.
bool start_write_measurement(Monitor& monitor, std::chrono::seconds duration,
                             std::optional<bool>& ring);
WriteMeasurement read_write_measurement(Monitor& monitor);

}  // namespace vnuma
