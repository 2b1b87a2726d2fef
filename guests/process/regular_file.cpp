#include "guests/process/regular_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>

#include "guests/process/file_descriptor.hpp"
#include "guests/process/files.hpp"

namespace vnuma {

std::optional<std::string> read_regular_file(const std::string& path, std::size_t limit) {
    const FileDescriptor named(::open(path.c_str(), O_PATH | O_CLOEXEC));
    struct stat status {};
    if (!named || ::fstat(named.get(), &status) != 0 || !S_ISREG(status.st_mode))
        return std::nullopt;
    const std::string same = "/proc/self/fd/" + std::to_string(named.get());
    const FileDescriptor fd(::open(same.c_str(), O_RDONLY | O_CLOEXEC));
    return fd ? read_all(fd.get(), limit) : std::nullopt;
}

}  // namespace vnuma
