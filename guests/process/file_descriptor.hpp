// Ownership of one file descriptor.
#pragma once

#include <unistd.h>

#include <cerrno>
#include <utility>

namespace vnuma {

// Closes its descriptor at the end of its life. Closing leaves errno as it was, so the error of a
// call on the descriptor can still be read afterwards.
class FileDescriptor {
  public:
    FileDescriptor() = default;
    // Takes over what open(2) and its relatives return; a negative number means no descriptor.
    explicit FileDescriptor(int fd) : fd_(fd) {}
    FileDescriptor(FileDescriptor&& other) noexcept : fd_(other.release()) {}
    FileDescriptor& operator=(FileDescriptor&& other) noexcept {
        reset(other.release());
        return *this;
    }
    ~FileDescriptor() { reset(); }

    // Negative if there is no descriptor.
    int get() const { return fd_; }
    explicit operator bool() const { return fd_ >= 0; }

    // Closes the descriptor and takes over another one.
    void reset(int fd = -1) {
        const int old = std::exchange(fd_, fd);
        if (old < 0) return;
        const int error = errno;
        ::close(old);
        errno = error;
    }

    // Hands the descriptor to the caller, who closes it.
    [[nodiscard]] int release() { return std::exchange(fd_, -1); }

  private:
    int fd_ = -1;
};

}  // namespace vnuma
