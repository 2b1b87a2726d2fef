#include "src/ctl/atomic_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <system_error>

#include "guests/process/file_descriptor.hpp"
#include "guests/process/files.hpp"
#include "src/ctl/context.hpp"

namespace vnuma::ctl {
namespace {

[[noreturn]] void fail(const std::string& file, const std::string& temporary, int error) {
    ::unlink(temporary.c_str());
    throw Failed(file + " cannot be written: " + std::generic_category().message(error));
}

}  // namespace

void replace_file(const std::string& file, std::string_view text, mode_t mode) {
    // The name does not end as those do that a collector of *.prom or *.conf looks for.
    const std::string temporary = file + ".new." + std::to_string(::getpid());
    FileDescriptor fd(
        ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode));
    if (!fd)
        throw Failed(file + " cannot be written: " + temporary + ": " +
                     std::generic_category().message(errno));
    const bool written =
        ::fchmod(fd.get(), mode) == 0 && write_all(fd.get(), text) && ::fsync(fd.get()) == 0;
    if (!written) fail(file, temporary, errno);
    fd.reset();
    if (std::rename(temporary.c_str(), file.c_str()) != 0) fail(file, temporary, errno);
}

}  // namespace vnuma::ctl
