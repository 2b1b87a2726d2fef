#include "guests/discovery/domain_from_mappings.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <string>
#include <string_view>
#include <utility>

#include "guests/process/vmm_names.hpp"

namespace vnuma {
namespace {

bool is_anonymous(const Mapping& mapping) {
    return mapping.path.empty() || mapping.path.starts_with("[anon");
}

// Files that are only memory.
bool is_memory_file(std::string_view path) {
    constexpr std::array beginnings{"/memfd:",   "/dev/shm/", "/dev/hugepages",
                                    "/dev/zero", "/SYSV",     "/anon_hugepage"};
    return std::any_of(beginnings.begin(), beginnings.end(),
                       [&](const char* beginning) { return path.starts_with(beginning); });
}

// Files of devices are no memory, except for shared memory and huge pages.
bool may_be_memory(const Mapping& mapping) {
    if (mapping.path.starts_with('['))  // the kernel's names: [heap], [stack], [vvar]
        return is_anonymous(mapping);
    return !mapping.path.starts_with("/dev/") || is_memory_file(mapping.path);
}

// Whether a mapping shows a file as it is, such as the image of a persistent memory (pmem). A path
// does not tell whether a file is on a disk, in another tmpfs or in another hugetlbfs. A VMM mostly
// deletes the file that it has made for RAM, and an image keeps its name.
bool is_image(const Mapping& mapping) {
    return mapping.shared && mapping.path.starts_with('/') && !is_memory_file(mapping.path) &&
           !mapping.path.ends_with(" (deleted)");
}

bool is_large(const Mapping& mapping) {
    const std::uint64_t size = mapping.end - mapping.start;
    const bool may_be_heap = is_anonymous(mapping) && !mapping.shared;
    return may_be_heap ? size > most_private_heap : size >= least_shared_ram;
}

std::int64_t bytes_of(const Mapping& mapping) {
    return static_cast<std::int64_t>(std::min(mapping.end - mapping.start, max_mapped_bytes));
}

std::int64_t bytes_of(const std::vector<Mapping>& mappings) {
    constexpr auto max_sum = std::int64_t{1} << 62;
    std::int64_t sum = 0;
    for (const Mapping& mapping : mappings)
        sum = std::min(sum + bytes_of(mapping), max_sum);
    return sum;
}

std::string mib_of(const std::vector<Mapping>& mappings) {
    return std::to_string(bytes_of(mappings) >> 20) + " MiB";
}

std::vector<Mapping> take_behind(std::vector<Mapping>& mappings, std::size_t count) {
    if (mappings.size() <= count) return {};
    std::vector<Mapping> rest(mappings.begin() + static_cast<std::ptrdiff_t>(count),
                              mappings.end());
    mappings.resize(count);
    return rest;
}

MemoryDevice& add_device(Domain& domain, const Mapping& mapping) {
    MemoryDevice& device = domain.memory_devices.emplace_back();
    device.bytes = device.plugged = bytes_of(mapping);
    return device;
}

void add_ram(std::vector<Mapping> ram, Domain& domain) {
    DomainCell& cell = domain.cells.front();
    if (ram.empty()) {
        cell.size_known = false;
        add_problem(domain, "none of its mappings is large enough to be a guest's RAM");
        return;
    }
    const std::vector<Mapping> rest = take_behind(ram, max_ram_mappings);
    if (!rest.empty())
        add_problem(domain, "its RAM may be in " + std::to_string(ram.size() + rest.size()) +
                                " mappings; the " + std::to_string(rest.size()) +
                                " smallest ones, " + mib_of(rest) +
                                ", are neither counted nor moved");
    cell.bytes = bytes_of(ram.front());
    for (std::size_t i = 1; i < ram.size(); ++i) {
        MemoryDevice& part = add_device(domain, ram[i]);
        part.id = "ram" + std::to_string(i);
        part.kind = "dimm";
    }
}

// Images are devices of the domain, so that none of them is taken for RAM of the same size.
void add_images(std::vector<Mapping> images, Domain& domain) {
    if (images.empty()) return;
    add_problem(domain, "its process maps " + mib_of(images) +
                            " of files that it shares, such as " +
                            in_one_line(images.front().path) +
                            "; nothing tells that they are RAM, so they are neither counted nor "
                            "moved");
    images.resize(std::min(images.size(), max_ram_mappings));
    for (std::size_t i = 0; i < images.size(); ++i) {
        MemoryDevice& device = add_device(domain, images[i]);
        device.id = "file" + std::to_string(i);
        device.kind = "virtio-pmem";
        device.path = images[i].path;
    }
}

}  // namespace

std::vector<Mapping> find_ram_mappings(const std::vector<Mapping>& mappings) {
    std::vector<Mapping> found;
    for (const Mapping& mapping : mappings)
        if (mapping.writable && may_be_memory(mapping) && is_large(mapping))
            found.push_back(mapping);
    std::stable_sort(found.begin(), found.end(), [](const Mapping& a, const Mapping& b) {
        return a.end - a.start > b.end - b.start;
    });
    return found;
}

Domain domain_from_mappings(const std::vector<Mapping>& mappings, const std::set<int>& vcpus) {
    Domain domain;
    DomainCell& cell = domain.cells.emplace_back();
    cell.vcpus.assign(vcpus.begin(), vcpus.end());
    std::vector<Mapping> ram = find_ram_mappings(mappings);
    const auto image = std::stable_partition(
        ram.begin(), ram.end(), [](const Mapping& mapping) { return !is_image(mapping); });
    std::vector<Mapping> images(image, ram.end());
    ram.erase(image, ram.end());
    add_ram(std::move(ram), domain);
    add_images(std::move(images), domain);
    return domain;
}

std::string describe_other_memory(const Domain& domain, const std::vector<Mapping>& mappings) {
    std::int64_t other = bytes_of(find_ram_mappings(mappings));
    for (const DomainCell& cell : domain.cells)
        other -= cell.bytes;
    for (const MemoryDevice& device : domain.memory_devices)
        other -= device.bytes;
    if (other <= static_cast<std::int64_t>(most_private_heap)) return "";
    return "its process maps " + std::to_string(other >> 20) +
           " MiB that may be memory which was plugged in; they are neither counted nor moved";
}

}  // namespace vnuma
