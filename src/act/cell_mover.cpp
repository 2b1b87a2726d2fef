#include "src/act/cell_mover.hpp"

#include <algorithm>
#include <cerrno>
#include <system_error>
#include <utility>

#include "guests/model/huge_pages.hpp"
#include "guests/process/process.hpp"

namespace vnuma {
namespace {

constexpr std::uint64_t page_bytes = 4096;
// Pages whose node is asked for in one call; 1024 take about 0.2 ms.
constexpr std::size_t max_pages_checked = 1024;
// Pages in one moving call. Every call makes all CPUs drain their page lists (lru_cache_disable),
// so a few MiB in one call beat many small ones; the measured time decides within these limits.
constexpr BatchLimits huge_limits{1, 16}, larger_limits{1, 1};
constexpr BatchLimits small_limits{32, 1024};
constexpr int first_huge_batch = 2;
constexpr int first_small_batch = 128;
constexpr int no_page = -1;

// The node of each page, or a negative number; empty, with `error` set, when the kernel refuses.
std::vector<int> read_nodes(Kernel& kernel, const Process& process,
                            const std::vector<std::uint64_t>& addresses, int& error) {
    std::vector<int> nodes(addresses.size(), no_page);
    error = kernel.read_page_nodes(process, addresses, nodes);
    return error == 0 ? nodes : std::vector<int>();
}

MoveStep finished(std::string error) {
    MoveStep step;
    step.finished = true;
    step.error = std::move(error);
    return step;
}

// What the error means here (move_pages(2)).
const char* meaning(int error) {
    switch (error) {
        case EPERM:
            return ": vnumad needs CAP_SYS_PTRACE";
        case ESRCH:
            return ": the guest has ended";
        case ENODEV:
            return ": the node is not online";
        case EACCES:
            return ": the guest's cpuset does not have the node";
        case ENOMEM:
            return ": the node or the kernel has no free memory";
        default:
            return "";
    }
}

std::string describe_failure(int error) {
    return "move_pages: " + std::generic_category().message(error) + meaning(error);
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
                     Bytes hugetlb_page)
    : memory_(std::move(memory)),
      knows_hot_(!hot.empty()),
      ranges_(hot_first(memory_, hot)),
      to_node_id_(to_node_id),
      is_hugetlb_(hugetlb_page > 0),
      huge_page_(
          static_cast<std::uint64_t>(is_hugetlb_ ? hugetlb_page : transparent_huge_page_bytes)),
      huge_limits_(hugetlb_page > transparent_huge_page_bytes ? larger_limits : huge_limits),
      huge_batch_(std::min(first_huge_batch, huge_limits_.most)),
      small_batch_(first_small_batch) {}

bool CellMover::serves(const std::vector<RamRange>& memory, const std::vector<RamRange>& hot,
                       int to_node_id) const {
    return to_node_id == to_node_id_ && memory == memory_ && (knows_hot_ || hot.empty());
}

// Takes pages from as many ranges as needed, since the memory of a shard may be in many small ones.
std::vector<CellMover::Page> CellMover::next_pages(const FailingRanges& failing) const {
    const std::uint64_t stride = pass_ == Pass::huge ? huge_page_ : page_bytes;
    std::vector<Page> pages;
    for (Position at = at_; at.range < ranges_.size() && pages.size() < max_pages_checked;) {
        const RamRange& range = ranges_[at.range];
        // A huge page starts at a multiple of its size in QEMU's address space, wherever the range
        // begins. Only of a hugetlb page it is sure that the range begins within one.
        const std::uint64_t into_page = (range.start + at.offset) % stride;
        if (into_page > 0 && (!is_hugetlb_ || at.offset > 0)) at.offset += stride - into_page;
        if (at.offset >= range.size) {
            at = {at.range + 1, 0};
            continue;
        }
        const std::uint64_t address = range.start + at.offset;
        // What has failed since this mover began waits for a later one.
        if (failing.waits(address, *begun_)) {
            at.offset = failing.end_of_range(address) - range.start;
            continue;
        }
        at.offset += stride;
        pages.push_back({address, at});
    }
    return pages;
}

// The pages of the next call, behind which the next step goes on. Of a range that has failed before
// only so many are tried in one call as tell whether it still does.
std::vector<std::uint64_t> CellMover::take_remote(const std::vector<Page>& pages,
                                                  const std::vector<int>& nodes,
                                                  const FailingRanges& failing, Bytes room) {
    const bool huge = pass_ == Pass::huge;
    const Bytes fitting = room / static_cast<Bytes>(huge ? huge_page_ : page_bytes);
    const auto batch =
        static_cast<std::size_t>(std::clamp<Bytes>(fitting, 1, huge ? huge_batch_ : small_batch_));
    std::vector<std::uint64_t> remote;
    int probes = 0;  // pages of the last page's range, if that has failed before
    for (std::size_t i = 0; i < pages.size() && remote.size() < batch; ++i) {
        const std::uint64_t address = pages[i].address;
        if (nodes[i] >= 0 && nodes[i] != to_node_id_) {
            if (!remote.empty() && !failing.in_one_range(remote.back(), address)) probes = 0;
            if (failing.has_failed(address) && ++probes > FailingRanges::probe_pages) break;
            remote.push_back(address);
        }
        at_ = pages[i].behind;
    }
    return remote;
}

MoveStep CellMover::step(Kernel& kernel, const Process& process, FailingRanges& failing,
                         const StepLimits& limits) {
    if (!begun_) begun_ = limits.now;
    const std::vector<Page> pages = next_pages(failing);
    if (pages.empty() && (pass_ == Pass::small || is_hugetlb_)) return finished("");
    if (pages.empty()) {
        pass_ = Pass::small;
        at_ = {};
        return {};
    }
    std::vector<std::uint64_t> addresses;
    addresses.reserve(pages.size());
    for (const Page& page : pages)
        addresses.push_back(page.address);
    int error = 0;
    const std::vector<int> nodes = read_nodes(kernel, process, addresses, error);
    if (error != 0) return finished(describe_failure(error));

    const std::vector<std::uint64_t> remote = take_remote(pages, nodes, failing, limits.room);
    MoveStep step;
    if (!remote.empty()) step = move(kernel, process, remote, failing, limits);
    brought_ += step.bytes;
    refused_ += step.refused;
    return step;
}

MoveStep CellMover::move(Kernel& kernel, const Process& process,
                         const std::vector<std::uint64_t>& addresses, FailingRanges& failing,
                         const StepLimits& limits) {
    const bool huge = pass_ == Pass::huge, may_be_huge = huge && !is_hugetlb_;
    // When the page behind the one that was asked for comes along, both are of one huge page.
    std::vector<std::uint64_t> neighbours = addresses;
    for (std::uint64_t& address : neighbours)
        address += page_bytes;
    int error = 0;
    const std::vector<int> neighbours_before =
        may_be_huge ? read_nodes(kernel, process, neighbours, error) : std::vector<int>();

    const CallResult result = kernel.move_pages(process, addresses, to_node_id_);
    MoveStep step;
    if (result.error != 0) step = finished(describe_failure(result.error));
    step.took = result.took;

    const Bytes bytes_of_one = static_cast<Bytes>(huge ? huge_page_ : page_bytes);
    const std::vector<int> now = read_nodes(kernel, process, addresses, error);
    if (error != 0) step.unclear = static_cast<Bytes>(addresses.size()) * bytes_of_one;
    if (error != 0 && step.error.empty()) {
        step.finished = true;
        step.error = describe_failure(error);
    }
    const std::vector<int> neighbours_now =
        may_be_huge ? read_nodes(kernel, process, neighbours, error) : std::vector<int>();
    for (std::size_t i = 0; i < now.size(); ++i) {
        const bool whole = i < neighbours_now.size() && i < neighbours_before.size() &&
                           neighbours_now[i] == to_node_id_ && neighbours_before[i] != to_node_id_;
        if (now[i] == to_node_id_ && (whole || is_hugetlb_)) {
            step.bytes += static_cast<Bytes>(huge_page_);
            failing.forget(addresses[i]);
        } else if (now[i] == to_node_id_) {
            step.bytes += static_cast<Bytes>(page_bytes);
        } else if (now[i] >= 0) {
            ++step.refused;
            // A call that fails as a whole tells nothing of its pages.
            if (result.error == 0) failing.add(addresses[i], huge, limits.now);
        }
    }
    step.tried = step.bytes + step.unclear + step.refused * bytes_of_one;
    int& batch = huge ? huge_batch_ : small_batch_;
    batch = next_batch(batch, step.took, limits.aim, huge ? huge_limits_ : small_limits);
    return step;
}

}  // namespace vnuma
