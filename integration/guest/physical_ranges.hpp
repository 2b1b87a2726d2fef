// Where in guest-physical memory the threads of a pattern work, by the guest kernel's own account.
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

// In the order of the window's pages. Nothing while part of the window has never been touched.
// Throws std::runtime_error when the kernel does not tell, or when different pages of the window
// are one and the same: what was read only and never written is the kernel's page of zeroes.
std::optional<std::vector<PhysicalRange>> physical_ranges(const volatile char* window,
                                                          std::size_t bytes);

// Messages that each fit the port, the last without "more". `entries` are as in workload.cpp.
std::vector<nlohmann::json> truth_messages(const std::vector<nlohmann::json>& entries);

}  // namespace vnuma::workload
