// Files that others read at any time.
#pragma once

#include <sys/types.h>

#include <string>
#include <string_view>

namespace vnuma::ctl {

// Replaces a file, or makes it, in one step: readers see the old text or the new one. Its directory
// must exist. A device or a pipe is written to instead, since it would be lost; so is one behind a
// symbolic link. Throws Failed (context.hpp), also for other symbolic links, and then the file is
// as it was. Blocks on the file system.
void replace_file(const std::string& file, std::string_view text, mode_t mode = 0644);

}  // namespace vnuma::ctl
