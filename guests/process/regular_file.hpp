// Files whose paths others choose.
#pragma once

#include <cstddef>
#include <optional>
#include <string>

namespace vnuma {

// The first `limit` bytes of a regular file; nothing for anything else, which is not even opened:
// a pipe would block, and a device may act. `root` is an open directory, and the path is that of a
// process whose root it is: "/", ".." and symbolic links do not lead out of it, and links of /proc
// are not followed. Blocks for as long as the file system takes.
std::optional<std::string> read_regular_file(int root, const std::string& path, std::size_t limit);

}  // namespace vnuma
