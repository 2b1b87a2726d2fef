// The guest-physical addresses of buffers, as the guest's kernel reports them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <vector>

namespace vnuma::workload {

struct PhysicalRange {
    std::uint64_t start = 0, bytes = 0;
};

// The guest-physical ranges of a window, in the order of its pages. Nothing if a page of the window
// was never accessed. Throws std::runtime_error if the kernel hides the addresses, or if two pages
// of the window have the same address, as pages that were only read do: they map the zero page.
std::optional<std::vector<PhysicalRange>> physical_ranges(const volatile char* window,
                                                          std::size_t bytes);

// Divides the entries of the "truth" message (see workload.cpp) into messages that fit the virtio
// port. All but the last have "more".
std::vector<nlohmann::json> truth_messages(const std::vector<nlohmann::json>& entries);

}  // namespace vnuma::workload
