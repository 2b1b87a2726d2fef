#include "guests/discovery/domain_from_qmp.hpp"

#include <algorithm>

namespace vnuma {
namespace {

constexpr const char* no_uuid = "00000000-0000-0000-0000-000000000000";

// Whoever starts QEMU chooses names, and must not write lines into a log.
std::string in_one_line(std::string name) {
    std::replace_if(
        name.begin(), name.end(), [](unsigned char c) { return c < ' ' || c == 127; }, '?');
    return name;
}

// The backends that are no memory device's. Besides RAM these may be of other devices (ivshmem,
// CXL), and left over from a hotplug that has failed or is not finished.
std::vector<const qmp::MemoryBackend*> free_backends(const QemuReplies& replies) {
    std::vector<const qmp::MemoryBackend*> backends;
    for (const qmp::MemoryBackend& backend : replies.backends)
        if (std::none_of(replies.devices.begin(), replies.devices.end(),
                         [&](const auto& device) { return device.memdev == backend.id; }))
            backends.push_back(&backend);
    return backends;
}

// The RAM of a guest without vNUMA is one backend. QEMU creates it, and libvirt replaces it, by the
// name that the machine gives it: "pc.ram", "mach-virt.ram". Other names are its owner's choice.
void add_single_cell(const QemuReplies& replies, Domain& domain) {
    std::vector<const qmp::MemoryBackend*> backends = free_backends(replies);
    const auto named = [](const qmp::MemoryBackend* one) { return one->id.ends_with(".ram"); };
    if (std::count_if(backends.begin(), backends.end(), named) == 1)
        std::erase_if(backends, [&](const auto* one) { return !named(one); });
    DomainCell cell;
    const auto largest =
        std::max_element(backends.begin(), backends.end(),
                         [](const auto* a, const auto* b) { return a->size < b->size; });
    if (largest != backends.end()) cell.bytes = static_cast<std::int64_t>((*largest)->size);
    if (backends.size() > 1)
        add_problem(domain, "which of " + std::to_string(backends.size()) +
                                " memory backends is its RAM is not certain; the largest, " +
                                in_one_line((*largest)->id) + ", is taken for it");
    if (cell.bytes <= 0) {
        cell.bytes = 0;
        cell.size_known = false;
        add_problem(domain, "its monitor lists no memory backend for its RAM");
    }
    domain.cells.push_back(std::move(cell));
}

// Bytes of a cell's own memory. QEMU counts SGX EPC among these.
std::int64_t own_bytes(const qmp::GuestNode& node, const QemuReplies& replies) {
    std::uint64_t devices = 0;
    bool has_epc = false;
    for (const qmp::MemoryDevice& device : replies.devices) {
        if (device.node.value_or(0) != node.id || device.kind == "virtio-pmem") continue;
        devices += device.size;
        has_epc |= device.kind == "sgx-epc";
    }
    const std::uint64_t others = has_epc ? devices : node.plugged_bytes;
    return static_cast<std::int64_t>(node.bytes - std::min(node.bytes, others));
}

void add_cells(const QemuReplies& replies, Domain& domain) {
    std::vector<DomainCell>& cells = domain.cells;
    for (const qmp::GuestNode& node : replies.nodes)
        cells.push_back({node.id, {}, own_bytes(node, replies)});
    if (cells.empty()) add_single_cell(replies, domain);
    std::sort(cells.begin(), cells.end(),
              [](const DomainCell& a, const DomainCell& b) { return a.id < b.id; });
    for (const qmp::Cpu& cpu : replies.cpus) {
        const auto cell = std::find_if(cells.begin(), cells.end(), [&](const DomainCell& one) {
            return one.id == cpu.node.value_or(cells.front().id);
        });
        if (cell != cells.end()) cell->vcpus.push_back(cpu.index);
    }
}

MemoryDevice memory_device(const qmp::MemoryDevice& device) {
    MemoryDevice memory;
    memory.id = device.id.empty() ? device.memdev : device.id;
    memory.kind = device.kind;
    memory.cell = device.node.value_or(0);
    memory.bytes = static_cast<std::int64_t>(device.max_size);
    memory.plugged = static_cast<std::int64_t>(device.size);
    memory.address = device.address;
    return memory;
}

}  // namespace

Domain derive_domain(const QemuReplies& replies, const std::string& fallback) {
    Domain domain;
    domain.uuid = replies.uuid.empty() || replies.uuid == no_uuid ? fallback : replies.uuid;
    domain.name = replies.name.empty() ? fallback : in_one_line(replies.name);
    add_cells(replies, domain);
    for (const qmp::MemoryDevice& device : replies.devices) {
        const MemoryDevice& memory = domain.memory_devices.emplace_back(memory_device(device));
        if (!memory.is_dram() && !memory.is_no_dram())
            add_problem(domain, "memory device " + in_one_line(memory.id) +
                                    " is of an unknown kind, \"" + in_one_line(memory.kind) +
                                    "\"; its memory is neither counted nor moved");
    }
    if (replies.balloon_bytes)
        domain.balloon_bytes = static_cast<std::int64_t>(*replies.balloon_bytes);
    return domain;
}

}  // namespace vnuma
