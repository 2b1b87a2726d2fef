// The page size of the hugetlb file that guest RAM is mapped from.
#pragma once

#include <cstdint>
#include <string>

#include "guests/process/process.hpp"

namespace vnuma {

// The page size, in bytes, of the hugetlb file with this path in /proc/PID/maps. 0 for any other
// file, for an empty path, and if the process does not have the file open.
std::int64_t read_hugetlb_page_bytes(const Process& process, const std::string& mapped_file);

}  // namespace vnuma
