#include "guests/process/regular_file.hpp"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>

#include "guests/process/file_descriptor.hpp"
#include "guests/process/files.hpp"

namespace vnuma {
namespace {

// The kernel gives up on ".." when anything is renamed meanwhile.
constexpr int max_attempts = 8;

FileDescriptor open_in(int root, const std::string& path) {
    open_how how{};
    how.flags = O_PATH | O_CLOEXEC;
    how.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS;
    FileDescriptor named;
    int attempts = 0;
    do {
        // glibc has no function for it.
        named.reset(
            static_cast<int>(::syscall(SYS_openat2, root, path.c_str(), &how, sizeof(how))));
    } while (!named && errno == EAGAIN && ++attempts < max_attempts);
    return named;
}

}  // namespace

std::optional<std::string> read_regular_file(int root, const std::string& path, std::size_t limit) {
    const FileDescriptor named = open_in(root, path);
    struct stat status {};
    if (!named || ::fstat(named.get(), &status) != 0 || !S_ISREG(status.st_mode))
        return std::nullopt;
    const std::string same = "/proc/self/fd/" + std::to_string(named.get());
    // Without O_NONBLOCK, whoever has a lease on the file (fcntl(2)) would keep vnumad waiting.
    const FileDescriptor fd(::open(same.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
    return fd ? read_all(fd.get(), limit) : std::nullopt;
}

}  // namespace vnuma
