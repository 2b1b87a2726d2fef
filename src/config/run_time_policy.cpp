#include "src/config/run_time_policy.hpp"

#include <unistd.h>

#include <cerrno>
#include <utility>

#include "src/config/config.hpp"
#include "src/config/text_file.hpp"

namespace vnuma {

bool is_same(const struct stat& a, const struct stat& b) {
    return a.st_dev == b.st_dev && a.st_ino == b.st_ino && a.st_size == b.st_size &&
           a.st_mtim.tv_sec == b.st_mtim.tv_sec && a.st_mtim.tv_nsec == b.st_mtim.tv_nsec &&
           a.st_ctim.tv_sec == b.st_ctim.tv_sec && a.st_ctim.tv_nsec == b.st_ctim.tv_nsec;
}

std::string why_untrusted(const struct stat& file) {
    if (file.st_uid != 0 && file.st_uid != ::geteuid())
        return "belongs to neither root nor vnumad's user";
    if ((file.st_mode & (S_IWGRP | S_IWOTH)) != 0) return "may be written by others than its owner";
    return "";
}

RunTimePolicy::RunTimePolicy(std::string file, const HostPolicy& host)
    : file_(std::move(file)), host_(host) {}

void RunTimePolicy::refresh(std::int64_t now_ms) {
    if (file_.empty()) return;
    read_if_changed();
    in_force_ = config_text::without_ended(sections_, host_, now_ms);
}

void RunTimePolicy::read_if_changed() {
    const FileDescriptor fd = open_text_file(file_);
    if (!fd) {
        seen_.reset();
        const bool absent = errno == ENOENT;
        problem_ = absent ? "" : file_ + ": " + why_unreadable();
        if (absent) set({});
        return;
    }
    struct stat now {};
    if (::fstat(fd.get(), &now) != 0)
        problem_ = file_ + ": " + why_unreadable();
    else if (!seen_ || !is_same(*seen_, now))
        read(fd.get(), now);
}

void RunTimePolicy::read(int fd, const struct stat& now) {
    seen_ = now;
    problem_.clear();
    FileText content = read_text_file(fd, now);
    if (content.problem.empty()) content.problem = why_untrusted(now);
    if (!content.problem.empty()) {
        problem_ = file_ + ": " + content.problem;
        return;
    }
    try {
        set(config_text::parse_run_time_policy(content.text, file_, host_));
    } catch (const ConfigError& error) {
        problem_ = error.what();
    }
}

void RunTimePolicy::set(config_text::RunTimeSections sections) {
    sections_ = std::move(sections);
    known_ = true;
}

std::string RunTimePolicy::problem() const {
    if (problem_.empty()) return "";
    return problem_ + (known_ ? "\nthe previous policy stays in force"
                              : "\nall guests are at most observed until the file can be used or "
                                "is removed, because no policy was in force before");
}

std::vector<PolicyLimit> RunTimePolicy::limits() const {
    if (known_ || problem_.empty()) return {};
    return {{"run-time policy", "its file cannot be used", Mode::observe}};
}

}  // namespace vnuma
