// What the kernel puts where memory is read that was never written.
#pragma once

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>

namespace vnuma::test {

// Whether it is one page for all. A kernel may do without. Told to root only; yes for others.
inline bool kernel_has_zero_page() {
    constexpr std::size_t page_bytes = 4096;
    void* const memory =
        ::mmap(nullptr, 2 * page_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    const auto* bytes = static_cast<const volatile char*>(memory);
    static_cast<void>(bytes[0]);
    static_cast<void>(bytes[page_bytes]);
    std::uint64_t entries[2]{};
    const int pagemap = ::open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
    const auto at = reinterpret_cast<std::uintptr_t>(memory) / page_bytes * sizeof(entries[0]);
    const bool read =
        ::pread(pagemap, entries, sizeof(entries), static_cast<off_t>(at)) == sizeof(entries);
    ::close(pagemap);
    ::munmap(memory, 2 * page_bytes);
    return !read || entries[0] == entries[1];
}

}  // namespace vnuma::test
