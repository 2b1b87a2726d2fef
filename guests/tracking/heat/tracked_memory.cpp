#include "guests/tracking/heat/tracked_memory.hpp"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>

#include "guests/memory/chunk_residency.hpp"
#include "guests/process/process.hpp"

namespace vnuma {
namespace {

TrackingError pagemap_error(pid_t pid, int error) {
    return TrackingError("/proc/" + std::to_string(pid) +
                         "/pagemap: " + std::generic_category().message(error));
}

}  // namespace

std::vector<RamRange> ranges_without_hugetlb(const GuestSample& guest) {
    std::vector<RamRange> ranges;
    for (const CellSample& cell : guest.cells)
        for (const RamBlock& block : cell.blocks)
            if (!block.hugetlb && block.host.size > 0) ranges.push_back(block.host);
    return ranges;
}

std::uint64_t piece_bytes_for(const std::vector<RamRange>& ranges, std::uint64_t max_pieces) {
    std::uint64_t all = 0, bytes = chunk_bytes;
    for (const RamRange& range : ranges)
        all += range.size;
    while (all / bytes > max_pieces)
        bytes *= 2;
    return bytes;
}

void append_range(std::vector<AccessedRange>& ranges, const AccessedRange& range) {
    if (!ranges.empty() && ranges.back().end == range.start && ranges.back().level == range.level)
        ranges.back().end = range.end;
    else
        ranges.push_back(range);
}

PagemapFile::PagemapFile(const Process& process)
    : process_(process), file_(process.open_file("pagemap")) {
    if (file_ < 0) throw pagemap_error(process.pid(), errno);
}

PagemapFile::~PagemapFile() {
    ::close(file_);
}

void PagemapFile::read(std::uint64_t address, std::span<std::uint64_t> entries) const {
    const auto bytes = std::as_writable_bytes(entries);
    const std::uint64_t offset = address / small_page_bytes * sizeof(std::uint64_t);
    std::size_t done = 0;
    while (done < bytes.size()) {
        const ssize_t size = ::pread(file_, bytes.data() + done, bytes.size() - done,
                                     static_cast<off_t>(offset + done));
        if (size < 0 && errno == EINTR) continue;
        if (size < 0) throw pagemap_error(process_.pid(), errno);
        if (size == 0) break;
        done += static_cast<std::size_t>(size);
    }
    // The memory of a process that has ended reads as an empty file.
    if (done < bytes.size() && !process_.alive()) throw TrackingError("its process has ended");
    std::fill(bytes.begin() + static_cast<std::ptrdiff_t>(done), bytes.end(), std::byte{0});
}

}  // namespace vnuma
