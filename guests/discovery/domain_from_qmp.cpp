#include "guests/discovery/domain_from_qmp.hpp"

#include <algorithm>

namespace vnuma {
namespace {

constexpr const char* no_uuid = "00000000-0000-0000-0000-000000000000";

// Bytes of the backends that belong to no memory device.
std::int64_t base_memory(const QemuReplies& replies) {
    std::int64_t bytes = 0;
    for (const qmp::MemoryBackend& backend : replies.backends) {
        const bool device = std::any_of(replies.devices.begin(), replies.devices.end(),
                                        [&](const auto& d) { return d.memdev == backend.id; });
        if (!device) bytes += static_cast<std::int64_t>(backend.size);
    }
    return bytes;
}

std::vector<DomainCell> cells_of(const QemuReplies& replies) {
    std::vector<DomainCell> cells;
    for (const qmp::GuestNode& node : replies.nodes)
        cells.push_back({node.id, {}, static_cast<std::int64_t>(node.bytes - node.plugged_bytes)});
    if (cells.empty()) cells.push_back({0, {}, base_memory(replies)});
    std::sort(cells.begin(), cells.end(),
              [](const DomainCell& a, const DomainCell& b) { return a.id < b.id; });
    for (const qmp::Cpu& cpu : replies.cpus) {
        const auto cell = std::find_if(cells.begin(), cells.end(), [&](const DomainCell& one) {
            return one.id == cpu.node.value_or(cells.front().id);
        });
        if (cell != cells.end()) cell->vcpus.push_back(cpu.index);
    }
    return cells;
}

// Whoever starts QEMU chooses the name, and must not write lines into a log.
std::string in_one_line(std::string name) {
    std::replace_if(
        name.begin(), name.end(), [](unsigned char c) { return c < ' ' || c == 127; }, '?');
    return name;
}

}  // namespace

Domain derive_domain(const QemuReplies& replies, const std::string& fallback) {
    Domain domain;
    domain.uuid = replies.uuid.empty() || replies.uuid == no_uuid ? fallback : replies.uuid;
    domain.name = replies.name.empty() ? fallback : in_one_line(replies.name);
    domain.cells = cells_of(replies);
    for (const qmp::MemoryDevice& device : replies.devices)
        domain.memory_devices.push_back({device.id.empty() ? device.memdev : device.id, device.kind,
                                         device.node.value_or(0),
                                         static_cast<std::int64_t>(device.max_size),
                                         static_cast<std::int64_t>(device.size), device.address});
    if (replies.balloon_bytes)
        domain.balloon_bytes = static_cast<std::int64_t>(*replies.balloon_bytes);
    return domain;
}

}  // namespace vnuma
