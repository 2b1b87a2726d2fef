// Memory of a guest that cannot move.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <map>

namespace vnuma::lab {

// A program that shares a part of a guest's memory and has it pinned for reads and writes of its
// own, as a device driver in user space does.
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
    void* memory_ = nullptr;
    int ring_ = -1;
};

}  // namespace vnuma::lab
