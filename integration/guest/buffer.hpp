// Memory of the guest that threads touch.
#pragma once

#include <cstddef>

namespace vnuma::workload {

inline constexpr std::size_t page_bytes = 4096;

// Begins at a huge page and asks for huge pages, so that its guest-physical memory is in few
// pieces. It is first touched by whoever works in it: that decides the host node.
class Buffer {
  public:
    explicit Buffer(std::size_t mib);  // throws std::runtime_error
    ~Buffer();
    Buffer(const Buffer&) = delete;
    Buffer& operator=(const Buffer&) = delete;

    volatile char* bytes() const { return bytes_; }
    std::size_t size() const { return size_; }

  private:
    void* mapped_ = nullptr;
    std::size_t size_ = 0;
    volatile char* bytes_ = nullptr;
};

}  // namespace vnuma::workload
