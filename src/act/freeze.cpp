#include "src/act/freeze.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>

#include "guests/process/file_descriptor.hpp"

namespace vnuma {

bool Freeze::is_on() const {
    return ::faccessat(AT_FDCWD, file_.c_str(), F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

bool Freeze::set(bool on) const {
    if (!on) return ::unlink(file_.c_str()) == 0 || errno == ENOENT;
    const FileDescriptor fd(
        ::open(file_.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644));
    return static_cast<bool>(fd);
}

}  // namespace vnuma
