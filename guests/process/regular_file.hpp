// Files whose paths others choose.
#pragma once

#include <cstddef>
#include <optional>
#include <string>

namespace vnuma {

// The first `limit` bytes of a regular file; nothing for anything else, which is not even opened:
// a pipe would block, and a device may act.
std::optional<std::string> read_regular_file(const std::string& path, std::size_t limit);

}  // namespace vnuma
