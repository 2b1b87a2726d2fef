// Hides debugfs, as a kernel that is locked down does.
#pragma once

#include <sys/mount.h>

#include <cerrno>
#include <system_error>

namespace vnuma::lab {

class HiddenDebugfs {
  public:
    HiddenDebugfs() {
        if (::umount2(path_, MNT_DETACH) != 0)
            throw std::system_error(errno, std::generic_category(), path_);
    }
    ~HiddenDebugfs() { ::mount("debugfs", path_, "debugfs", 0, nullptr); }
    HiddenDebugfs(const HiddenDebugfs&) = delete;
    HiddenDebugfs& operator=(const HiddenDebugfs&) = delete;

  private:
    static constexpr const char* path_ = "/sys/kernel/debug";
};

}  // namespace vnuma::lab
