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

// Whether it has to be written to. A link to a file is neither followed, since somebody else may
// have put it there, nor replaced, since /dev/stdout is one.
bool is_special(const std::string& file) {
    struct stat itself {};
    struct stat target {};
    if (::lstat(file.c_str(), &itself) != 0 || S_ISREG(itself.st_mode)) return false;
    if (::stat(file.c_str(), &target) == 0 && !S_ISREG(target.st_mode)) return true;
    throw Failed(file + " is a symbolic link: name the file that it leads to");
}

void write_into(const std::string& file, std::string_view text) {
    const FileDescriptor fd(::open(file.c_str(), O_WRONLY | O_NOCTTY | O_CLOEXEC));
    if (!fd || !write_all(fd.get(), text))
        throw Failed(file + " cannot be written: " + std::generic_category().message(errno));
}

}  // namespace

void replace_file(const std::string& file, std::string_view text, mode_t mode) {
    if (is_special(file)) return write_into(file, text);
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
