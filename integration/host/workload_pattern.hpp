// What a guest's workload can be told to do, see integration/guest/workload.cpp. Pure.
#pragma once

#include <nlohmann/json.hpp>

#include "integration/host/guest_shape.hpp"

namespace vnuma::lab {

// The part of a buffer that is touched, in whole MiB.
struct Window {
    int offset_percent = 0, span_percent = 100;
};

enum class Access { read, write };

// Each vCPU touches a window of its own buffer. This with whole buffers and the shape's access is
// what a guest does from its start on; its buffers stay as they are in all of these.
nlohmann::json own_windows(const GuestShape& shape, Window window, Access access);

// Two neighbouring vCPUs each touch a window of the first one's buffer; the other's is cold.
nlohmann::json shared_windows(const GuestShape& shape, Window window, Access access);

// vCPU by vCPU whose buffer it touches a window of.
nlohmann::json windows_of(const GuestShape& shape, const std::vector<int>& buffer_owners,
                          Window window, Access access);

// Nobody touches anything.
nlohmann::json idle_buffers(const GuestShape& shape);

}  // namespace vnuma::lab
