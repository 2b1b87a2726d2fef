#include "src/state_directory.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

#include "guests/process/files.hpp"

namespace vnuma {
namespace {

constexpr std::size_t max_pid_digits = 16;

[[noreturn]] void fail(const std::string& file, int error = errno) {
    throw StateError("state_directory: " + file + ": " + std::generic_category().message(error));
}

}  // namespace

void prepare_state_directory(const std::string& directory) {
    if (::mkdir(directory.c_str(), 0755) != 0 && errno != EEXIST) fail(directory);
    struct stat found {};
    if (::lstat(directory.c_str(), &found) != 0) fail(directory);
    if (!S_ISDIR(found.st_mode)) fail(directory, ENOTDIR);
    if (found.st_uid != 0 && found.st_uid != ::geteuid())
        throw StateError("state_directory: " + directory +
                         " belongs to neither root nor vnumad's user");
    if ((found.st_mode & (S_IWGRP | S_IWOTH)) != 0)
        throw StateError("state_directory: " + directory +
                         " may be written by others than its owner");
}

InstanceLock::InstanceLock(const std::string& state_directory) {
    const std::string file = state_directory + "/lock";
    FileDescriptor fd(::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
    if (!fd) fail(file);
    if (::flock(fd.get(), LOCK_EX | LOCK_NB) != 0) {
        if (errno != EWOULDBLOCK) fail(file);
        std::string pid = read_all(fd.get(), max_pid_digits).value_or("");
        while (!pid.empty() && pid.back() == '\n')
            pid.pop_back();
        throw StateError("another vnumad acts on this host" +
                         (pid.empty() ? "" : " (process " + pid + ")") + ": it holds " + file);
    }
    const std::string pid = std::to_string(::getpid()) + "\n";
    if (::ftruncate(fd.get(), 0) != 0 || !write_all(fd.get(), pid)) fail(file);
    fd_ = std::move(fd);
}

}  // namespace vnuma
