#include "src/config/run_time_policy.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

#include "guests/process/file_descriptor.hpp"
#include "guests/process/files.hpp"
#include "src/config/config.hpp"
#include "src/config/policy_sections.hpp"

namespace vnuma {
namespace {

constexpr off_t max_file_bytes = 1 << 20;

bool is_same(const struct stat& a, const struct stat& b) {
    return a.st_dev == b.st_dev && a.st_ino == b.st_ino && a.st_size == b.st_size &&
           a.st_mtim.tv_sec == b.st_mtim.tv_sec && a.st_mtim.tv_nsec == b.st_mtim.tv_nsec &&
           a.st_ctim.tv_sec == b.st_ctim.tv_sec && a.st_ctim.tv_nsec == b.st_ctim.tv_nsec;
}

std::string last_error() {
    return std::generic_category().message(errno);
}

// Why the file is not trusted; it decides about the guests of other people. Empty if it is.
std::string why_unusable(const struct stat& file) {
    if (!S_ISREG(file.st_mode)) return "is no regular file";
    if (file.st_uid != 0 && file.st_uid != ::geteuid())
        return "belongs to neither root nor vnumad's user";
    if ((file.st_mode & (S_IWGRP | S_IWOTH)) != 0) return "may be written by others than its owner";
    if (file.st_size > max_file_bytes) return "is larger than 1 MiB";
    return "";
}

}  // namespace

RunTimePolicy::RunTimePolicy(std::string file, const HostPolicy& host)
    : file_(std::move(file)), host_(host) {}

void RunTimePolicy::refresh() {
    if (file_.empty()) return;
    // Without O_NONBLOCK, a FIFO would hold up the loop.
    const FileDescriptor fd(::open(file_.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
    if (!fd) {
        seen_.reset();
        problem_ = errno == ENOENT ? "" : file_ + ": " + last_error();
        if (errno == ENOENT) words_ = {};
        return;
    }
    struct stat now {};
    if (::fstat(fd.get(), &now) != 0)
        problem_ = file_ + ": " + last_error();
    else if (!seen_ || !is_same(*seen_, now))
        read(fd.get(), now);
}

void RunTimePolicy::read(int fd, const struct stat& now) {
    seen_ = now;
    std::string why = why_unusable(now);
    std::optional<std::string> content;
    if (why.empty()) {
        content = read_all(fd, static_cast<std::size_t>(now.st_size));
        if (!content) why = last_error();
    }
    problem_ = why.empty() ? "" : file_ + ": " + why;
    if (!content) return;
    try {
        words_ = config_text::parse_run_time_policy(*content, file_, host_);
    } catch (const ConfigError& error) {
        problem_ = error.what();
    }
}

}  // namespace vnuma
