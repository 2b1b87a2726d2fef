// The kernel's files for idle page tracking: /sys/kernel/mm/page_idle/bitmap and /proc/kpageflags.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "guests/process/file_descriptor.hpp"

namespace vnuma {

// Bits of an entry of /proc/kpageflags (include/uapi/linux/kernel-page-flags.h). A large folio has
// one head page, and all of its other pages are tail pages.
inline constexpr std::uint64_t page_is_head = std::uint64_t{1} << 15;
inline constexpr std::uint64_t page_is_tail = std::uint64_t{1} << 16;
inline constexpr std::uint64_t page_is_idle = std::uint64_t{1} << 25;

// Functions throw TrackingError.
class IdlePageFiles {
  public:
    // `sysfs` and `proc` are the roots of these file systems.
    IdlePageFiles(const std::string& sysfs, const std::string& proc);

    // Why the files cannot be opened; empty if they are open.
    const std::string& error() const { return error_; }

    std::uint64_t flags_of(std::uint64_t pfn) const;
    void mark_idle(std::vector<std::uint64_t> pfns) const;
    // The kernel checks the accessed bits of every marked page in the word, and removes the marks
    // of accessed pages, when the word is read.
    std::uint64_t read_bitmap_word(std::uint64_t index) const;

  private:
    std::string bitmap_path_, flags_path_;
    FileDescriptor bitmap_, flags_;
    std::string error_;
};

}  // namespace vnuma
