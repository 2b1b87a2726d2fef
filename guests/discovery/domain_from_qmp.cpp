#include "guests/discovery/domain_from_qmp.hpp"

#include <algorithm>

namespace vnuma {
namespace {

constexpr const char* no_uuid = "00000000-0000-0000-0000-000000000000";

std::int64_t base_memory(const QemuAnswers& answers) {
    std::int64_t bytes = 0;
    for (const qmp::MemoryBackend& backend : answers.backends) {
        const bool device = std::any_of(answers.devices.begin(), answers.devices.end(),
                                        [&](const auto& d) { return d.memdev == backend.id; });
        if (!device) bytes += static_cast<std::int64_t>(backend.size);
    }
    return bytes;
}

std::vector<DomainCell> cells_of(const QemuAnswers& answers) {
    std::vector<DomainCell> cells;
    for (const qmp::GuestNode& node : answers.nodes)
        cells.push_back({node.id, {}, static_cast<std::int64_t>(node.bytes - node.plugged_bytes)});
    if (cells.empty()) cells.push_back({0, {}, base_memory(answers)});
    std::sort(cells.begin(), cells.end(),
              [](const DomainCell& a, const DomainCell& b) { return a.id < b.id; });
    for (const qmp::Cpu& cpu : answers.cpus) {
        const auto cell = std::find_if(cells.begin(), cells.end(), [&](const DomainCell& one) {
            return one.id == cpu.node.value_or(cells.front().id);
        });
        if (cell != cells.end()) cell->vcpus.push_back(cpu.index);
    }
    return cells;
}

}  // namespace

Domain domain_of(const QemuAnswers& answers, const std::string& fallback) {
    Domain domain;
    domain.uuid = answers.uuid.empty() || answers.uuid == no_uuid ? fallback : answers.uuid;
    domain.name = answers.name.empty() ? fallback : answers.name;
    domain.cells = cells_of(answers);
    for (const qmp::MemoryDevice& device : answers.devices)
        domain.memory_devices.push_back({device.id.empty() ? device.memdev : device.id, device.kind,
                                         device.node.value_or(0),
                                         static_cast<std::int64_t>(device.max_size),
                                         static_cast<std::int64_t>(device.size), device.address});
    if (answers.balloon_bytes)
        domain.balloon_bytes = static_cast<std::int64_t>(*answers.balloon_bytes);
    return domain;
}

}  // namespace vnuma
