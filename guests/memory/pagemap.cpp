#include "guests/memory/pagemap.hpp"

#include <unistd.h>

#include <algorithm>
#include <cassert>
#include <cerrno>
#include <string>
#include <system_error>
#include <utility>

#include "guests/memory/chunk_residency.hpp"

namespace vnuma {
namespace {

std::system_error pagemap_error(pid_t pid, int error) {
    return {error, std::generic_category(), "/proc/" + std::to_string(pid) + "/pagemap"};
}

}  // namespace

std::optional<std::uint64_t> page_frame_of(std::uint64_t entry) {
    const std::uint64_t pfn = entry & pagemap_pfn;
    if ((entry & pagemap_present) == 0 || pfn == 0) return std::nullopt;
    return pfn;
}

std::optional<Pagemap> Pagemap::open(const Process& process) {
    FileDescriptor file = process.open_for_reading("pagemap");
    const int error = errno;
    if (file) return Pagemap(process, std::move(file));
    if (process.alive()) throw pagemap_error(process.pid(), error);
    return std::nullopt;
}

Pagemap::Pagemap(const Process& process, FileDescriptor file)
    : pid_(process.pid()), start_time_(process.start_time()), file_(std::move(file)) {}

bool Pagemap::is_of(const Process& process) const {
    return process.pid() == pid_ && process.start_time() == start_time_;
}

bool Pagemap::read(const Process& process, std::uint64_t address,
                   std::span<std::uint64_t> entries) const {
    assert(is_of(process));
    const auto bytes = std::as_writable_bytes(entries);
    const std::uint64_t offset = address / small_page_bytes * sizeof(std::uint64_t);
    std::size_t done = 0;
    while (done < bytes.size()) {
        const ssize_t size = ::pread(file_.get(), bytes.data() + done, bytes.size() - done,
                                     static_cast<off_t>(offset + done));
        if (size < 0 && errno == EINTR) continue;
        if (size < 0) throw pagemap_error(pid_, errno);
        if (size == 0) break;
        done += static_cast<std::size_t>(size);
    }
    if (done == bytes.size()) return true;
    std::fill(bytes.begin() + static_cast<std::ptrdiff_t>(done), bytes.end(), std::byte{0});
    // The file is empty once the address space is gone, and ends with it otherwise.
    return process.alive();
}

}  // namespace vnuma
