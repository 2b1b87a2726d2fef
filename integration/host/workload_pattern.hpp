// Patterns for a guest's workload, in the format of integration/guest/workload.cpp. Pure.
#pragma once

#include <nlohmann/json.hpp>

#include "integration/host/guest_shape.hpp"

namespace vnuma::lab {

// The part of a buffer that is accessed, rounded to whole MiB.
struct Window {
    int offset_percent = 0, span_percent = 100;
};

enum class Access { read, write };

// Each vCPU accesses a window of its own buffer. A guest starts with this pattern for whole
// buffers. All patterns below keep the buffers of the guest.
nlohmann::json own_windows(const GuestShape& shape, Window window, Access access);

// Two neighbouring vCPUs access a window of the first one's buffer. The buffer of the second is not
// accessed.
nlohmann::json shared_windows(const GuestShape& shape, Window window, Access access);

// Each vCPU accesses a window of one vCPU's buffer: `buffer_owners` holds the latter by vCPU.
nlohmann::json windows_of(const GuestShape& shape, const std::vector<int>& buffer_owners,
                          Window window, Access access);

// No vCPU accesses memory.
nlohmann::json idle_buffers(const GuestShape& shape);

}  // namespace vnuma::lab
