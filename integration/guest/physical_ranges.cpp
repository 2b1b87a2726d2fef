#include "integration/guest/physical_ranges.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <stdexcept>

#include "integration/guest/buffer.hpp"

namespace vnuma::workload {
namespace {

using nlohmann::json;

// Bits of an entry of /proc/PID/pagemap (Documentation/admin-guide/mm/pagemap.rst of the kernel).
constexpr std::uint64_t present = std::uint64_t{1} << 63;
constexpr std::uint64_t frame_mask = (std::uint64_t{1} << 55) - 1;
constexpr std::size_t entries_per_read = 4096;
// The port transfers at most 32 KiB at once, and a range takes less than 40 characters.
constexpr std::size_t max_ranges_per_message = 512;

class PageMap {
  public:
    PageMap() : file_(::open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC)) {
        if (file_ < 0) throw std::runtime_error("/proc/self/pagemap cannot be opened");
    }
    ~PageMap() { ::close(file_); }
    PageMap(const PageMap&) = delete;
    PageMap& operator=(const PageMap&) = delete;

    // Reads entries from that of the page at `address` on. Returns their number.
    std::size_t read(std::uintptr_t address, std::uint64_t* entries, std::size_t count) const {
        const ssize_t size = ::pread(file_, entries, count * sizeof *entries,
                                     static_cast<off_t>(address / page_bytes * sizeof *entries));
        if (size < static_cast<ssize_t>(sizeof *entries))
            throw std::runtime_error("/proc/self/pagemap cannot be read");
        return static_cast<std::size_t>(size) / sizeof *entries;
    }

  private:
    int file_;
};

void append_page(std::vector<PhysicalRange>& ranges, std::uint64_t start) {
    if (!ranges.empty() && ranges.back().start + ranges.back().bytes == start)
        ranges.back().bytes += page_bytes;
    else
        ranges.push_back({start, page_bytes});
}

void throw_if_overlapping(std::vector<PhysicalRange> ranges) {
    std::sort(ranges.begin(), ranges.end(),
              [](const PhysicalRange& a, const PhysicalRange& b) { return a.start < b.start; });
    for (std::size_t i = 1; i < ranges.size(); ++i)
        if (ranges[i - 1].start + ranges[i - 1].bytes > ranges[i].start)
            throw std::runtime_error(
                "pages of a buffer share a physical page: the buffer was read before it was "
                "written");
}

}  // namespace

std::optional<std::vector<PhysicalRange>> physical_ranges(const volatile char* window,
                                                          std::size_t bytes) {
    const PageMap page_map;
    std::vector<PhysicalRange> ranges;
    std::array<std::uint64_t, entries_per_read> entries{};
    const auto start = reinterpret_cast<std::uintptr_t>(window);
    for (std::size_t done = 0; done < bytes;) {
        const std::size_t wanted = std::min(entries.size(), (bytes - done) / page_bytes);
        const std::size_t found = page_map.read(start + done, entries.data(), wanted);
        for (std::size_t i = 0; i < found; ++i) {
            if (!(entries[i] & present)) return std::nullopt;
            if (!(entries[i] & frame_mask))
                throw std::runtime_error("/proc/self/pagemap hides page frame numbers");
            append_page(ranges, (entries[i] & frame_mask) * page_bytes);
        }
        done += found * page_bytes;
    }
    throw_if_overlapping(ranges);
    return ranges;
}

std::vector<json> truth_messages(const std::vector<json>& entries) {
    std::vector<json> messages;
    json message{{"truth", json::array()}, {"more", true}};
    std::size_t room = max_ranges_per_message;
    const auto finish_message = [&] {
        messages.push_back(message);
        message["truth"].clear();
        room = max_ranges_per_message;
    };
    for (const json& entry : entries) {
        json part = entry;
        part["ranges"].clear();
        for (const json& range : entry.at("ranges")) {
            part["ranges"].push_back(range);
            if (--room > 0) continue;
            message["truth"].push_back(part);
            finish_message();
            part["ranges"].clear();
        }
        if (!part["ranges"].empty()) message["truth"].push_back(part);
    }
    finish_message();
    messages.back().erase("more");
    return messages;
}

}  // namespace vnuma::workload
