#include "integration/guest/buffer.hpp"

#include <sys/mman.h>

#include <cstdint>
#include <stdexcept>
#include <string>

namespace vnuma::workload {
namespace {

constexpr std::size_t huge_page_bytes = 2 << 20;

}  // namespace

Buffer::Buffer(std::size_t mib) : size_(mib << 20) {
    mapped_ = ::mmap(nullptr, size_ + huge_page_bytes, PROT_READ | PROT_WRITE,
                     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (mapped_ == MAP_FAILED)
        throw std::runtime_error("cannot map a buffer of " + std::to_string(mib) + " MiB");
    const auto address = reinterpret_cast<std::uintptr_t>(mapped_);
    const std::uintptr_t skipped = -address % huge_page_bytes;
    bytes_ = static_cast<volatile char*>(mapped_) + skipped;
    ::madvise(const_cast<char*>(bytes_), size_, MADV_HUGEPAGE);
}

Buffer::~Buffer() {
    ::munmap(mapped_, size_ + huge_page_bytes);
}

}  // namespace vnuma::workload
