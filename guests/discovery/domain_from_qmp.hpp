// A guest's description from QEMU's replies to QMP commands. Pure.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "guests/model/domain.hpp"
#include "qmp/commands.hpp"
#include "qmp/human_monitor.hpp"

namespace vnuma {

struct QemuReplies {
    std::string uuid;  // all zeros if QEMU was given none
    std::string name;  // empty if QEMU was given none
    std::vector<qmp::Cpu> cpus;
    std::vector<qmp::GuestNode> nodes;  // empty for a guest without vNUMA
    std::vector<qmp::MemoryBackend> backends;
    std::vector<qmp::MemoryDevice> devices;
    std::optional<std::uint64_t> balloon_bytes;
};

// `fallback` replaces the uuid and the name of a guest that has none.
Domain derive_domain(const QemuReplies& replies, const std::string& fallback);

}  // namespace vnuma
