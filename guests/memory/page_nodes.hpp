// Which host node each page of another process is on.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <system_error>
#include <vector>

#include "guests/memory/page_frame_table.hpp"
#include "guests/memory/pagemap.hpp"
#include "guests/process/process.hpp"

namespace vnuma {

// What one call asks for at most. It takes about 0.7 ms by move_pages(2), and all that is held for
// it stays within a CPU's second cache.
inline constexpr std::size_t max_pages_asked = 4096;

struct PagesRead {
    std::size_t calls = 0;  // of the kernel
    bool gone = false;      // the process has ended, and the nodes are not to be used
};

// Holds the buffers that reading needs, so one serves all guests; for one thread at a time.
class PageReader {
  public:
    virtual ~PageReader() = default;

    // The nodes of the pages at start, start + stride, and so on, at most max_pages_asked of them.
    // A negative number is for no page, or one that the kernel tells nothing of. Addresses are of
    // the process, in pages of 4 KiB; any of a huge page answers for it. Throws std::system_error
    // when the kernel refuses as a whole.
    virtual PagesRead page_nodes(const Process& process, std::uint64_t start, std::uint64_t stride,
                                 std::span<int> nodes) = 0;
};

// Asks move_pages(2) for the node of each page and moves none. Addresses are of the process; both
// spans have the same size. A page that is not in memory gets a negative errno, a page of a huge
// page the node of the huge page. Returns the reason if the kernel refuses the whole call: ESRCH
// without such a process, EPERM without CAP_SYS_PTRACE for a process of another user. The caller
// must check afterwards that the process still has this id. Any thread.
std::error_code query_page_nodes(pid_t pid, std::span<void*> addresses, std::span<int> nodes);

// Reads nodes with query_page_nodes().
class MovePagesReader : public PageReader {
  public:
    MovePagesReader();
    PagesRead page_nodes(const Process& process, std::uint64_t start, std::uint64_t stride,
                         std::span<int> nodes) override;

  private:
    std::vector<void*> addresses_;
};

// /proc/PID/pagemap: several times faster when read densely. Needs CAP_SYS_ADMIN and
// CAP_SYS_PTRACE.
class PagemapReader : public PageReader {
  public:
    // The table is to be made anew when memory came or went: pages it lacks are on no node.
    explicit PagemapReader(PageFrameTable table);
    PagesRead page_nodes(const Process& process, std::uint64_t start, std::uint64_t stride,
                         std::span<int> nodes) override;

  private:
    PageFrameTable table_;
    std::vector<std::uint64_t> entries_;
    // The file of the process read last. Opening it for each call would cost a good part of the
    // call.
    std::optional<Pagemap> pagemap_;
};

// Nodes of pagemap's entries; both have the same size. Pure.
void nodes_of_entries(const PageFrameTable& table, std::span<const std::uint64_t> entries,
                      std::span<int> nodes);

// For reading densely; single pages here and there, as in sampling, are faster by move_pages(2).
struct Way {
    bool pagemap = false;  // move_pages(2) otherwise, which always serves
    std::string reason;
};
// Both arguments are why something is missing, empty when it is there.
Way choose_way(const std::string& no_pfns, const std::string& no_table);

}  // namespace vnuma
