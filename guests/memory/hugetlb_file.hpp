// What a guest's memory is made of, where a file is behind it.
#pragma once

#include <cstdint>
#include <string>

#include "guests/process/process.hpp"

namespace vnuma {

// The page size of the hugetlb file that the process has mapped under this name, as
// /proc/PID/maps has it; 0 for other files and for no file. Reads the process' open files.
std::int64_t huge_page_bytes(const Process& process, const std::string& mapped_file);

}  // namespace vnuma
