// Reads which host node each page of another process is on. Nodes have the kernel's numbers.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <system_error>
#include <vector>

#include "guests/memory/page_frame_table.hpp"
#include "guests/memory/pagemap.hpp"
#include "guests/process/process.hpp"

namespace vnuma {

// Limit of the pages that one call of a PageReader reads. With move_pages(2) they take about 0.7
// ms, and all buffers for them stay in the second-level cache of a CPU.
inline constexpr std::size_t max_pages_per_read = 4096;

struct PagesRead {
    std::size_t calls = 0;  // number of system calls
    bool gone = false;      // the process has ended, and the nodes must not be used
};

// Holds the buffers that reading needs, so one reader serves all guests. For one thread at a time.
class PageReader {
  public:
    virtual ~PageReader() = default;

    virtual const char* name() const = 0;  // the kernel's interface, for the report

    // Reads the nodes of the pages at `start`, `start + stride` and so on, at most
    // max_pages_per_read. Addresses are of the process. A negative number means that the page is
    // not in memory or that its node is not known. Any address in a huge page gives the node of the
    // huge page. Throws std::system_error if the kernel refuses the whole call.
    virtual PagesRead read_nodes(const Process& process, std::uint64_t start, std::uint64_t stride,
                                 std::span<int> nodes) = 0;
};

// Asks move_pages(2) for the node of each page and moves none. Addresses are of the process; both
// spans have the same size. A page that is not in memory gets a negative errno, a page of a huge
// page the node of the huge page. Returns the reason if the kernel refuses the whole call: ESRCH
// without such a process, EPERM without CAP_SYS_PTRACE for a process of another user. The caller
// must check afterwards that the process still has this id. Any thread.
std::error_code query_page_nodes(pid_t pid, std::span<void*> addresses, std::span<int> nodes);

// Reads nodes with query_page_nodes(). It is the faster reader for single pages, as in sampling.
class MovePagesReader : public PageReader {
  public:
    MovePagesReader();
    const char* name() const override { return "move_pages"; }
    PagesRead read_nodes(const Process& process, std::uint64_t start, std::uint64_t stride,
                         std::span<int> nodes) override;

  private:
    std::vector<void*> addresses_;
};

// Reads page frame numbers from /proc/PID/pagemap and looks up their nodes. For consecutive pages
// it is several times faster than MovePagesReader. Needs CAP_SYS_ADMIN and CAP_SYS_PTRACE.
class PagemapReader : public PageReader {
  public:
    // A page that is not in the table is on no node. So a new reader is needed after memory of the
    // host went online or offline.
    explicit PagemapReader(PageFrameTable table);
    const char* name() const override { return "pagemap"; }
    PagesRead read_nodes(const Process& process, std::uint64_t start, std::uint64_t stride,
                         std::span<int> nodes) override;

  private:
    PageFrameTable table_;
    std::vector<std::uint64_t> entries_;
    // The file of the process read last. Opening it for each call would cost a good part of the
    // call.
    std::optional<Pagemap> pagemap_;
};

// A PagemapReader for this host. Null if this process may not read page frame numbers or if their
// nodes cannot be determined; `why` is the reason then.
std::unique_ptr<PagemapReader> make_pagemap_reader(std::string& why);

// Computes the node of the page of each pagemap entry; -1 for a page that is not in memory or on no
// node. Both spans have the same size. Pure.
void nodes_of_entries(const PageFrameTable& table, std::span<const std::uint64_t> entries,
                      std::span<int> nodes);

}  // namespace vnuma
