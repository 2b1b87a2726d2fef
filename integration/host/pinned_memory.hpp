// Memory of a guest that cannot move.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <map>

namespace vnuma::lab {

// A part of a guest's memory that is pinned for reads and writes of another program, as by a device
// driver in user space.
class PinnedMemory {
  public:
    static constexpr std::size_t size = std::size_t{64} << 20;

    // The memory of this QEMU must be a memfd. Throws std::runtime_error.
    explicit PinnedMemory(pid_t qemu);
    ~PinnedMemory();
    PinnedMemory(const PinnedMemory&) = delete;
    PinnedMemory& operator=(const PinnedMemory&) = delete;

    std::map<int, std::size_t> pages() const;  // by node

  private:
    int file_ = -1;
    int ring_ = -1;
};

}  // namespace vnuma::lab
