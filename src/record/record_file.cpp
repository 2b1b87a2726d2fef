#include "src/record/record_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <system_error>
#include <utility>
#include <vector>

#include "guests/process/files.hpp"
#include "src/record/record.hpp"

namespace vnuma {
namespace {

[[noreturn]] void fail(const std::string& what, int error = errno) {
    throw std::system_error(error, std::generic_category(), what);
}

// Offset after the last newline.
std::int64_t end_of_complete_lines(int fd, std::int64_t size, const std::string& path) {
    constexpr std::int64_t block_bytes = 64 << 10;
    std::vector<char> block(block_bytes);
    for (std::int64_t end = size; end > 0;) {
        const std::int64_t begin = std::max<std::int64_t>(end - block_bytes, 0);
        const ssize_t got = ::pread(fd, block.data(), static_cast<std::size_t>(end - begin), begin);
        if (got != end - begin) fail(path, got < 0 ? errno : EIO);
        for (std::int64_t i = got; i > 0; --i)
            if (block[static_cast<std::size_t>(i - 1)] == '\n') return begin + i;
        end = begin;
    }
    return 0;
}

}  // namespace

RecordFile::RecordFile(std::string path, std::int64_t limit)
    : path_(std::move(path)), limit_(limit) {
    open();
}

void RecordFile::open() {
    // O_NONBLOCK: a FIFO without a reader must not block. O_NOFOLLOW: a link may lead to a file of
    // another user.
    FileDescriptor fd(::open(
        path_.c_str(), O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600));
    if (!fd) fail(path_);
    struct stat found {};
    if (::fstat(fd.get(), &found) != 0) fail(path_);
    if (!S_ISREG(found.st_mode)) fail(path_ + " must be a regular file", EINVAL);
    if ((found.st_mode & 0777) != 0600 && ::fchmod(fd.get(), 0600) != 0) fail(path_);
    size_ = end_of_complete_lines(fd.get(), found.st_size, path_);
    if (size_ != found.st_size && ::ftruncate(fd.get(), size_) != 0) fail(path_);
    fd_ = std::move(fd);
}

void RecordFile::rotate() {
    fd_.reset();
    const std::string older = path_ + ".1";
    if (std::rename(path_.c_str(), older.c_str()) != 0)
        fail("cannot rename " + path_ + " to " + older);
    open();
}

std::string RecordFile::append(std::string line) {
    line += '\n';
    const auto bytes = static_cast<std::int64_t>(line.size());
    try {
        if (bytes > std::min(limit_, std::int64_t{max_record_bytes}))
            fail(path_ + ": a record of " + std::to_string(bytes) + " bytes", EFBIG);
        if (!fd_) open();
        if (size_ + bytes > limit_) rotate();
        if (!write_all(fd_.get(), line)) fail(path_);
        size_ += bytes;
        return "";
    } catch (const std::system_error& error) {
        // The part of the line that found room would make the file unreadable. Opening the file
        // again cuts it off if that is not possible now.
        const bool cut = !fd_ || ::ftruncate(fd_.get(), size_) == 0;
        fd_.reset();
        return error.what() + std::string(cut ? "" : "; the last line is incomplete");
    }
}

}  // namespace vnuma
