// Memory of this process whose residency tests read.
#pragma once

#include <numaif.h>
#include <sys/mman.h>

#include <cstdint>
#include <vector>

#include "guests/memory/chunk_residency.hpp"
#include "guests/process/files.hpp"
#include "guests/process/parse_proc.hpp"
#include "guests/process/process.hpp"
#include "policy/model/number_list.hpp"

namespace vnuma {

// Anonymous memory that begins at a multiple of the chunk size. No page of it is allocated before
// it is written. `advice` is for madvise(2).
class TestMemory {
  public:
    TestMemory(std::uint64_t size, int advice) : size_(size) {
        memory_ = static_cast<char*>(::mmap(nullptr, size + chunk_bytes, PROT_READ | PROT_WRITE,
                                            MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0));
        const auto offset = reinterpret_cast<std::uintptr_t>(memory_) % chunk_bytes;
        start_ = memory_ + (offset == 0 ? 0 : chunk_bytes - offset);
        ::madvise(start_, size, advice);
    }
    ~TestMemory() { ::munmap(memory_, size_ + chunk_bytes); }
    TestMemory(const TestMemory&) = delete;
    TestMemory& operator=(const TestMemory&) = delete;

    std::uint64_t address() const { return reinterpret_cast<std::uint64_t>(start_); }
    std::uint64_t size() const { return size_; }
    // The address of a small page.
    char* at(std::uint64_t page) { return start_ + page * small_page_bytes; }

    // Binds the memory to a node. False if the kernel refuses.
    bool bind(int node) {
        const std::uint64_t mask = std::uint64_t{1} << node;
        return ::mbind(start_, size_, MPOL_BIND, &mask, 65, 0) == 0;
    }
    // Writes `pages` small pages, beginning with number `first`.
    void write(std::uint64_t first, std::uint64_t pages) {
        for (std::uint64_t page = first; page < first + pages; ++page)
            *at(page) = 1;
    }

  private:
    std::uint64_t size_;
    char* memory_;
    char* start_;
};

inline std::vector<int> nodes_with_memory() {
    const auto text = read_small_file("/sys/devices/system/node/has_memory");
    return text ? parse_number_list(*text).value_or(std::vector<int>{}) : std::vector<int>{};
}

}  // namespace vnuma
