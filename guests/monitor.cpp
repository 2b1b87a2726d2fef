#include "guests/monitor.hpp"

#include <algorithm>

namespace vnuma {
namespace {
// A guest has a backend for each cell and each memory device; libvirt allows no more devices.
constexpr std::size_t max_backends = 1024;

std::optional<NodeWish> wish_of(const qmp::MemoryBackend& backend) {
    if (backend.policy == "default") return std::nullopt;
    return NodeWish{backend.policy == "bind" ? "strict" : backend.policy, backend.host_nodes};
}

}  // namespace

RamView ask_ram_view(Monitor& monitor) {
    RamView view;
    std::map<std::string, qmp::MemoryBackend> backends;
    for (qmp::MemoryBackend& backend : monitor.ask(qmp::query_memdev()))
        if (backends.size() < max_backends) backends.emplace(backend.id, std::move(backend));
    for (const qmp::MemoryDevice& device : monitor.ask(qmp::query_memory_devices()))
        view.devices[device.id.empty() ? device.memdev : device.id] = device.memdev;
    for (const qmp::GuestRange& range : monitor.ask(qmp::info_mtree_flat())) {
        const auto backend = backends.find(range.region);
        if (backend == backends.end()) continue;  // ROMs and the memory of devices
        view.pieces.push_back({range.start, range.size, range.offset, range.region});
        if (view.backends.contains(range.region)) continue;
        const qmp::HostAddress at = monitor.ask(qmp::gpa2hva(range.start));
        if (at.region != range.region)
            throw MonitorError("its monitor contradicts itself about " + range.region);
        view.backends[range.region] = {at.address - range.offset, backend->second.size,
                                       wish_of(backend->second)};
    }
    return view;
}

}  // namespace vnuma
