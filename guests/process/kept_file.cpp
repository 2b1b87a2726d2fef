#include "guests/process/kept_file.hpp"

#include <sys/resource.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <utility>

namespace vnuma {
namespace {

// The kernel gives out the lowest number that is free, so half of the descriptors stay for others.
int highest_kept() {
    static const int highest = [] {
        rlimit limit{};
        constexpr int usual = 1024;
        return ::getrlimit(RLIMIT_NOFILE, &limit) == 0 ? static_cast<int>(limit.rlim_cur / 2)
                                                       : usual / 2;
    }();
    return highest;
}

}  // namespace

std::optional<std::string_view> KeptFile::read(const Process& process, const std::string& file) {
    thread_local std::array<char, max_kept_text> text;
    if (!fd_) fd_ = process.open_for_reading(file);
    ssize_t size = -1;
    do
        size = ::pread(fd_.get(), text.data(), text.size(), 0);
    while (size < 0 && errno == EINTR);
    if (fd_.get() > highest_kept() || process.is_recording()) fd_.reset();
    if (size < 0) return std::nullopt;
    return std::string_view(text.data(), static_cast<std::size_t>(size));
}

}  // namespace vnuma
