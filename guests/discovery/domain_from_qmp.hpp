// What QEMU's own answers make a guest of. Pure.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "guests/model/domain.hpp"
#include "qmp/commands.hpp"
#include "qmp/human_monitor.hpp"

namespace vnuma {

struct QemuAnswers {
    std::string uuid;  // zeros when QEMU was given none
    std::string name;
    std::vector<qmp::Cpu> cpus;
    std::vector<qmp::GuestNode> nodes;  // none for a guest without vNUMA
    std::vector<qmp::MemoryBackend> backends;
    std::vector<qmp::MemoryDevice> devices;
    std::optional<std::uint64_t> balloon_bytes;
};

// `fallback` names a guest that has no uuid or no name.
Domain domain_of(const QemuAnswers& answers, const std::string& fallback);

}  // namespace vnuma
