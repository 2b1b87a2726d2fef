// Reads /proc/PID/pagemap, which has an entry for each small page of a process' address space
// (Documentation/admin-guide/mm/pagemap.rst).
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <span>

#include "guests/process/file_descriptor.hpp"
#include "guests/process/process.hpp"

namespace vnuma {

// Bits of an entry.
inline constexpr std::uint64_t pagemap_present = std::uint64_t{1} << 63;  // the page is in memory
// The page was written since its soft-dirty bit was cleared.
inline constexpr std::uint64_t pagemap_soft_dirty = std::uint64_t{1} << 55;
inline constexpr std::uint64_t pagemap_pfn = (std::uint64_t{1} << 55) - 1;  // page frame number

// The page frame number of an entry. Nothing if the page is not in memory, or if the kernel hides
// the number, which it does without CAP_SYS_ADMIN. Pure.
std::optional<std::uint64_t> page_frame_of(std::uint64_t entry);

// The open file. It shows the address space that the process had when the file was opened, never
// that of another process. Needs CAP_SYS_PTRACE for processes of other users.
class Pagemap {
  public:
    // Nothing if the process has ended. Throws std::system_error if the kernel refuses.
    static std::optional<Pagemap> open(const Process& process);

    // Whether the file was opened for this process.
    bool is_of(const Process& process) const;

    // Reads the entries of consecutive pages, beginning with the page at `address`. An entry behind
    // the end of the address space is 0. Returns false if `process`, for which the file was opened,
    // has ended; some entries are 0 then. Throws std::system_error if the kernel refuses.
    [[nodiscard]] bool read(const Process& process, std::uint64_t address,
                            std::span<std::uint64_t> entries) const;

  private:
    Pagemap(const Process& process, FileDescriptor file);

    pid_t pid_;
    std::uint64_t start_time_;
    FileDescriptor file_;
};

}  // namespace vnuma
