// Memory of this process for tests to look at.
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

// Untouched, and beginning with a chunk of memory.
class TestMemory {
  public:
    TestMemory(std::uint64_t size, int advice) : size_(size) {
        memory_ = static_cast<char*>(::mmap(nullptr, size + chunk_bytes, PROT_READ | PROT_WRITE,
                                            MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0));
        const auto past = reinterpret_cast<std::uintptr_t>(memory_) % chunk_bytes;
        start_ = memory_ + (past == 0 ? 0 : chunk_bytes - past);
        ::madvise(start_, size, advice);
    }
    ~TestMemory() { ::munmap(memory_, size_ + chunk_bytes); }
    TestMemory(const TestMemory&) = delete;
    TestMemory& operator=(const TestMemory&) = delete;

    std::uint64_t address() const { return reinterpret_cast<std::uint64_t>(start_); }
    std::uint64_t size() const { return size_; }
    char* at(std::uint64_t page) { return start_ + page * small_page_bytes; }

    bool bind(int node) {
        const std::uint64_t mask = std::uint64_t{1} << node;
        return ::mbind(start_, size_, MPOL_BIND, &mask, 65, 0) == 0;
    }
    void touch(std::uint64_t first, std::uint64_t pages) {
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
