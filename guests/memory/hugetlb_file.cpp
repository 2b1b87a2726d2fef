#include "guests/memory/hugetlb_file.hpp"

#include <linux/magic.h>
#include <sys/vfs.h>

#include "guests/process/process.hpp"

namespace vnuma {

std::int64_t read_hugetlb_page_bytes(const Process& process, const std::string& mapped_file) {
    if (!mapped_file.starts_with('/')) return 0;
    // QEMU keeps the files of memory backends open. The path itself cannot be used: the file may be
    // deleted, or be in a mount namespace of QEMU.
    for (const std::string& fd : process.open_files()) {
        if (process.read_link("fd/" + fd) != mapped_file) continue;
        struct statfs system {};
        const std::string path = "/proc/" + std::to_string(process.pid()) + "/fd/" + fd;
        if (process.is_recording() || ::statfs(path.c_str(), &system) != 0) continue;
        if (system.f_type == HUGETLBFS_MAGIC && process.alive()) return system.f_bsize;
    }
    return 0;
}

}  // namespace vnuma
