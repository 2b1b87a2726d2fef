#include "src/act/cell_mover.hpp"

#include <numaif.h>

#include <algorithm>
#include <cerrno>
#include <set>
#include <system_error>
#include <utility>

#include "guests/process/process.hpp"
#include "src/act/pace.hpp"

namespace vnuma {
namespace {

constexpr std::uint64_t page_bytes = 4096;
constexpr std::uint64_t two_mib = 2 * mib;
// Pages whose node is asked for in one call; 1024 take about 0.2 ms.
constexpr std::size_t max_looked_at = 1024;
// What one moving call may hold. Every call makes all CPUs drain their page lists, so a few MiB
// in one call beat many small ones; the measured time then decides within these limits.
constexpr BatchLimits huge_limits{1, 16};
constexpr BatchLimits small_limits{32, 1024};
constexpr int first_huge_batch = 2;
constexpr int first_small_batch = 128;
// move_pages leaves the status of pages it did not come to as it was.
constexpr int not_reached = -4096;

std::vector<void*> to_pointers(const std::vector<std::uint64_t>& addresses) {
    std::vector<void*> pointers;
    pointers.reserve(addresses.size());
    for (const std::uint64_t address : addresses)
        pointers.push_back(reinterpret_cast<void*>(address));
    return pointers;
}

// The node of each page, or a negative number. Empty, with errno set, when the kernel refuses.
std::vector<int> query_nodes(pid_t pid, const std::vector<std::uint64_t>& addresses) {
    std::vector<void*> pointers = to_pointers(addresses);
    std::vector<int> nodes(addresses.size(), not_reached);
    if (::move_pages(pid, pointers.size(), pointers.data(), nullptr, nodes.data(), 0) < 0)
        return {};
    return nodes;
}

MoveStep finished(std::string error) {
    MoveStep step;
    step.finished = true;
    step.error = std::move(error);
    return step;
}

std::string last_error(const char* what) {
    return std::string(what) + ": " + std::generic_category().message(errno);
}

}  // namespace

std::vector<RamRange> hot_first(const std::vector<RamRange>& memory,
                                const std::vector<RamRange>& hot) {
    std::vector<RamRange> first, rest;
    for (const RamRange& range : memory) {
        const std::uint64_t end = range.start + range.size;
        std::uint64_t at = range.start;
        auto next = std::upper_bound(hot.begin(), hot.end(), at,
                                     [](std::uint64_t address, const RamRange& part) {
                                         return address < part.start + part.size;
                                     });
        for (; next != hot.end() && next->start < end; ++next) {
            const std::uint64_t from = std::max(at, next->start),
                                to = std::min(end, next->start + next->size);
            if (at < from) rest.push_back({at, from - at});
            first.push_back({from, to - from});
            at = to;
        }
        if (at < end) rest.push_back({at, end - at});
    }
    first.insert(first.end(), rest.begin(), rest.end());
    return first;
}

CellMover::CellMover(std::vector<RamRange> memory, const std::vector<RamRange>& hot, int to_node_id,
                     std::uint64_t huge_page)
    : memory_(std::move(memory)),
      knows_hot_(!hot.empty()),
      ranges_(hot_first(memory_, hot)),
      to_node_id_(to_node_id),
      huge_page_(huge_page),
      huge_batch_(huge_page > two_mib ? 1 : first_huge_batch),
      small_batch_(first_small_batch) {}

bool CellMover::serves(const std::vector<RamRange>& memory, const std::vector<RamRange>& hot,
                       int to_node_id) const {
    return to_node_id == to_node_id_ && memory == memory_ && (knows_hot_ || hot.empty());
}

// Of as many ranges as it takes: a shard's memory may be in many small ones.
std::vector<CellMover::Page> CellMover::next_pages() const {
    const std::uint64_t stride = pass_ == Pass::huge ? two_mib : page_bytes;
    std::vector<Page> pages;
    for (Position at = at_; at.range < ranges_.size() && pages.size() < max_looked_at;) {
        const RamRange& range = ranges_[at.range];
        // A huge page starts at a multiple of its size in QEMU's address space, whatever the range.
        if (pass_ == Pass::huge)
            at.offset = (range.start + at.offset + two_mib - 1) / two_mib * two_mib - range.start;
        if (at.offset >= range.size) {
            at = {at.range + 1, 0};
            continue;
        }
        const std::uint64_t address = range.start + at.offset;
        at.offset += stride;
        pages.push_back({address, at});
    }
    return pages;
}

MoveStep CellMover::step(const Process& process, std::chrono::nanoseconds aim) {
    const std::vector<Page> pages = next_pages();
    if (pages.empty() && pass_ == Pass::small) return finished("");
    if (pages.empty()) {
        pass_ = Pass::small;
        at_ = {};
        return {};
    }
    std::vector<std::uint64_t> addresses;
    addresses.reserve(pages.size());
    for (const Page& page : pages)
        addresses.push_back(page.address);
    const std::vector<int> nodes = query_nodes(process.pid(), addresses);
    if (nodes.empty()) return finished(last_error("move_pages"));

    const auto batch = static_cast<std::size_t>(pass_ == Pass::huge ? huge_batch_ : small_batch_);
    std::vector<std::uint64_t> elsewhere;
    for (std::size_t i = 0; i < pages.size() && elsewhere.size() < batch; ++i) {
        if (nodes[i] >= 0 && nodes[i] != to_node_id_) elsewhere.push_back(addresses[i]);
        at_ = pages[i].behind;
    }
    MoveStep step;
    if (!elsewhere.empty()) step = move(process, std::move(elsewhere), aim);
    brought_ += step.bytes;
    refused_ += step.refused;
    return step;
}

MoveStep CellMover::move(const Process& process, std::vector<std::uint64_t> addresses,
                         std::chrono::nanoseconds aim) {
    // A page that comes with the one that was asked for shows that both are of one huge page.
    const bool huge = pass_ == Pass::huge;
    std::vector<std::uint64_t> neighbours = addresses;
    for (std::uint64_t& address : neighbours)
        address += page_bytes;
    const std::vector<int> beside_before =
        huge ? query_nodes(process.pid(), neighbours) : std::vector<int>();

    std::vector<void*> pages = to_pointers(addresses);
    const std::vector<int> to(pages.size(), to_node_id_);
    std::vector<int> status(pages.size(), not_reached);
    const auto begin = std::chrono::steady_clock::now();
    const long result = ::move_pages(process.pid(), pages.size(), pages.data(), to.data(),
                                     status.data(), MPOL_MF_MOVE);
    MoveStep step;
    if (result < 0) step = finished(last_error("move_pages"));
    step.took = std::chrono::steady_clock::now() - begin;

    // The statuses are not to be trusted after a partial failure: only a second look tells.
    const std::vector<int> now = query_nodes(process.pid(), addresses);
    const std::vector<int> beside =
        huge ? query_nodes(process.pid(), neighbours) : std::vector<int>();
    std::set<std::uint64_t> whole_pages;  // hugetlb pages may be larger than what is asked for
    for (std::size_t i = 0; i < now.size(); ++i) {
        const bool whole = i < beside.size() && i < beside_before.size() &&
                           beside[i] == to_node_id_ && beside_before[i] != to_node_id_;
        if (now[i] == to_node_id_ && whole)
            step.bytes += whole_pages.insert(addresses[i] / huge_page_).second
                              ? static_cast<Bytes>(huge_page_)
                              : 0;
        else if (now[i] == to_node_id_)
            step.bytes += static_cast<Bytes>(page_bytes);
        else if (now[i] >= 0)
            ++step.refused;
    }
    int& batch = huge ? huge_batch_ : small_batch_;
    batch = next_batch(batch, step.took, aim, huge ? huge_limits : small_limits);
    return step;
}

}  // namespace vnuma
