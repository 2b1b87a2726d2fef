// Whether the kernel maps one zero page wherever memory is read that was never written.
#pragma once

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>

#include "guests/process/file_descriptor.hpp"

namespace vnuma::test {

// A kernel may map a page of its own for each address instead. Only root can find out; for others
// the answer is true.
inline bool kernel_has_zero_page() {
    constexpr std::size_t page_bytes = 4096;
    void* const memory =
        ::mmap(nullptr, 2 * page_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    const auto* bytes = static_cast<const volatile char*>(memory);
    static_cast<void>(bytes[0]);
    static_cast<void>(bytes[page_bytes]);
    std::uint64_t entries[2]{};
    const FileDescriptor pagemap(::open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC));
    const auto at = reinterpret_cast<std::uintptr_t>(memory) / page_bytes * sizeof(entries[0]);
    const bool read =
        ::pread(pagemap.get(), entries, sizeof(entries), static_cast<off_t>(at)) == sizeof(entries);
    ::munmap(memory, 2 * page_bytes);
    return !read || entries[0] == entries[1];
}

}  // namespace vnuma::test
