// A guest's description from the command line of its QEMU. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "guests/model/domain.hpp"

namespace vnuma {

// Paths of the files that -readconfig names, as QEMU sees them.
std::vector<std::string> find_config_files(std::string_view command_line);

// What the command line describes: name, UUID, cells, memory devices, the binding of memory to host
// nodes, assigned host devices. `command_line` is the text of /proc/PID/cmdline, and `configs` are
// the texts of the files that find_config_files() names. Name and UUID are empty where QEMU was
// given none; the UUID is in lower case. What cannot be understood is in Domain::problems, and
// costs no more than itself. QEMU's monitor may have changed the guest since.
Domain parse_qemu_command_line(std::string_view command_line,
                               const std::vector<std::string>& configs);

}  // namespace vnuma
