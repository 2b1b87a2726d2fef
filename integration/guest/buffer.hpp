// The memory that a guest's workload accesses.
#pragma once

#include <cstddef>

namespace vnuma::workload {

inline constexpr std::size_t page_bytes = 4096;

// A buffer begins at a huge page border and asks for huge pages, so that its guest-physical memory
// consists of few ranges. The buffer is not accessed when it is made: the first thread that does
// decides the host node of each page (first touch).
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
