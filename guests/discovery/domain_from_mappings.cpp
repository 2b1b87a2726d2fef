#include "guests/discovery/domain_from_mappings.hpp"

#include <algorithm>
#include <string>
#include <string_view>

namespace vnuma {
namespace {

bool is_anonymous(const Mapping& mapping) {
    return mapping.path.empty() || mapping.path.starts_with("[anon");
}

// Files of devices are no memory, except for shared memory and huge pages.
bool may_be_ram(const Mapping& mapping) {
    const std::string_view path = mapping.path;
    if (path.starts_with('['))  // the kernel's names: [heap], [stack], [vvar]
        return is_anonymous(mapping);
    if (!path.starts_with("/dev/")) return true;
    for (const std::string_view memory : {"/dev/shm/", "/dev/hugepages", "/dev/zero"})
        if (path.starts_with(memory)) return true;
    return false;
}

bool is_large(const Mapping& mapping) {
    const std::uint64_t size = mapping.end - mapping.start;
    const bool may_be_heap = is_anonymous(mapping) && !mapping.shared;
    return may_be_heap ? size > most_private_heap : size >= least_shared_ram;
}

std::int64_t bytes_of(const Mapping& mapping) {
    return static_cast<std::int64_t>(std::min(mapping.end - mapping.start, max_mapped_bytes));
}

}  // namespace

std::vector<Mapping> find_ram_mappings(const std::vector<Mapping>& mappings) {
    std::vector<Mapping> found;
    for (const Mapping& mapping : mappings)
        if (mapping.writable && may_be_ram(mapping) && is_large(mapping)) found.push_back(mapping);
    std::stable_sort(found.begin(), found.end(), [](const Mapping& a, const Mapping& b) {
        return a.end - a.start > b.end - b.start;
    });
    if (found.size() > max_ram_mappings) found.resize(max_ram_mappings);
    return found;
}

Domain domain_from_mappings(const std::vector<Mapping>& mappings, const std::set<int>& vcpus) {
    Domain domain;
    DomainCell& cell = domain.cells.emplace_back();
    cell.vcpus.assign(vcpus.begin(), vcpus.end());
    const std::vector<Mapping> ram = find_ram_mappings(mappings);
    if (ram.empty()) {
        cell.size_known = false;
        domain.problems.emplace_back("none of its mappings is large enough to be a guest's RAM");
        return domain;
    }
    cell.bytes = bytes_of(ram.front());
    for (std::size_t i = 1; i < ram.size(); ++i) {
        MemoryDevice& part = domain.memory_devices.emplace_back();
        part.id = "ram" + std::to_string(i);
        part.kind = "dimm";
        part.bytes = part.plugged = bytes_of(ram[i]);
    }
    return domain;
}

std::string describe_other_memory(const Domain& domain, const std::vector<Mapping>& mappings) {
    std::int64_t other = 0;
    for (const Mapping& mapping : find_ram_mappings(mappings))
        other += bytes_of(mapping);
    for (const DomainCell& cell : domain.cells)
        other -= cell.bytes;
    for (const MemoryDevice& device : domain.memory_devices)
        other -= device.bytes;
    if (other <= static_cast<std::int64_t>(most_private_heap)) return "";
    return "its process maps " + std::to_string(other >> 20) +
           " MiB that may be memory which was plugged in; they are neither counted nor moved";
}

}  // namespace vnuma
