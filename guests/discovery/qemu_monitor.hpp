// QEMU's monitor, however it is reached, and what vnumad reads from it about a guest's memory.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "guests/discovery/guest_source.hpp"
#include "qmp/commands.hpp"
#include "qmp/human_monitor.hpp"

namespace vnuma {

class Monitor {
  public:
    Monitor() = default;
    Monitor(const Monitor&) = delete;
    Monitor& operator=(const Monitor&) = delete;
    virtual ~Monitor() = default;

    // Returns what the command returns. Blocks. Throws MonitorRefusal where QEMU, or libvirt before
    // it, refuses the command, or MonitorError where it is not known whether it does.
    virtual nlohmann::json execute(const std::string& command, const nlohmann::json& arguments) = 0;

    // The same for a command whose reply is parsed. Throws UselessAnswer, too, if it cannot be.
    template <typename Reply>
    Reply run(const qmp::Command<Reply>& command) {
        auto reply = command.parse(execute(command.name, command.arguments));
        if (!reply) throw UselessAnswer("QEMU's reply to " + command.name + " cannot be parsed");
        return std::move(*reply);
    }
};

// Runs one command for the guest's physical memory, two for the backends, and one for the address
// of each backend in QEMU's address space. Throws UselessAnswer, also if QEMU contradicts itself,
// or MonitorError.
RamView read_ram_view(Monitor& monitor);

// See GuestSource. `dirty_ring` is whether the guest has a dirty ring. QEMU has no command for
// that: where it is unknown and the guest runs on KVM, it is found out by starting a measurement
// and then set. The mode dirty-bitmap is not used, because it write-protects all memory and splits
// huge pages.
bool start_write_measurement(Monitor& monitor, std::chrono::seconds duration,
                             std::optional<bool>& dirty_ring);
WriteMeasurement read_write_measurement(Monitor& monitor);

}  // namespace vnuma
