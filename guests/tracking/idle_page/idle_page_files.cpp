#include "guests/tracking/idle_page/idle_page_files.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

#include "guests/tracking/heat/heat_tracker.hpp"
#include "guests/tracking/idle_page/idle_page_sampling.hpp"

namespace vnuma {
namespace {

std::string file_error(const std::string& path, int error) {
    return path + ": " + std::generic_category().message(error);
}

// The kernel reads and writes both files in whole, aligned words only.
std::uint64_t read_word(int file, const std::string& path, std::uint64_t index) {
    std::uint64_t word = 0;
    const ssize_t size =
        ::pread(file, &word, sizeof(word), static_cast<off_t>(index * sizeof(word)));
    if (size == sizeof(word)) return word;
    throw TrackingError(size < 0 ? file_error(path, errno)
                                 : path + " has no entry " + std::to_string(index));
}

void write_word(int file, const std::string& path, const IdleWord& word) {
    const ssize_t size = ::pwrite(file, &word.bits, sizeof(word.bits),
                                  static_cast<off_t>(word.index * sizeof(word.bits)));
    if (size == sizeof(word.bits)) return;
    throw TrackingError(size < 0 ? file_error(path, errno)
                                 : path + ": the kernel has written only part of a word");
}

}  // namespace

IdlePageFiles::IdlePageFiles(const std::string& sysfs, const std::string& proc)
    : bitmap_path_(sysfs + "/kernel/mm/page_idle/bitmap"), flags_path_(proc + "/kpageflags") {
    bitmap_.reset(::open(bitmap_path_.c_str(), O_RDWR | O_CLOEXEC));
    if (!bitmap_) {
        error_ = errno == ENOENT
                     ? "this kernel has no idle page tracking (CONFIG_IDLE_PAGE_TRACKING)"
                     : file_error(bitmap_path_, errno);
        return;
    }
    flags_.reset(::open(flags_path_.c_str(), O_RDONLY | O_CLOEXEC));
    if (!flags_) error_ = file_error(flags_path_, errno);
}

std::uint64_t IdlePageFiles::flags_of(std::uint64_t pfn) const {
    return read_word(flags_.get(), flags_path_, pfn);
}

void IdlePageFiles::mark_idle(std::vector<std::uint64_t> pfns) const {
    for (const IdleWord& word : bitmap_words(std::move(pfns)))
        write_word(bitmap_.get(), bitmap_path_, word);
}

std::uint64_t IdlePageFiles::read_bitmap_word(std::uint64_t index) const {
    return read_word(bitmap_.get(), bitmap_path_, index);
}

}  // namespace vnuma
