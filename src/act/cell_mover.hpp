// Moves guest RAM between host nodes with move_pages(2), one small call after the other.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "guests/model/sample.hpp"
#include "policy/model/types.hpp"
#include "src/act/failing_ranges.hpp"
#include "src/act/kernel_calls.hpp"
#include "src/act/pace.hpp"

namespace vnuma {

struct MoveStep {
    Bytes bytes = 0;                   // brought home by this step
    Bytes unclear = 0;                 // tried, and the kernel did not tell what became of them
    Bytes tried = 0;                   // these, and the pages that stayed: what the rate is for
    int refused = 0;                   // pages that stayed where they were
    std::chrono::nanoseconds took{0};  // the moving call itself
    bool finished = false;             // the mover has come to the end of the memory
    std::string error;                 // why the kernel refuses; no further step makes sense
};

// What one step may do.
struct StepLimits {
    std::chrono::nanoseconds aim{0};  // how long the moving call should take
    Bytes room = 0;                   // that the node has; at least one huge page
    FailingRanges::Time now{};
};

// The same memory with its hot parts first. `hot` is sorted by address and free of overlaps. Pure.
std::vector<RamRange> hot_first(const std::vector<RamRange>& memory,
                                const std::vector<RamRange>& hot);

// Goes over one cell's memory: first one page of each huge page, which moves huge pages whole,
// then, unless all of them are, every page. Hot memory comes first both times. It remembers its
// position, so that the next tick goes on where the last one stopped.
class CellMover {
  public:
    // `hot`: as hot_first() takes it; empty where no heat is known. `hugetlb_page`: the size of the
    // hugetlb pages that all of the memory is made of, bytes; 0 for ordinary memory.
    CellMover(std::vector<RamRange> memory, const std::vector<RamRange>& hot, int to_node_id,
              Bytes hugetlb_page = 0);

    // Checks a bounded piece of the memory and moves what is not on the node. Ranges that fail are
    // added, and are not tried again by this mover. Blocks for about as long as the call should
    // take. The process must be alive; the caller checks that again after the call.
    MoveStep step(Kernel& kernel, const Process& process, FailingRanges& failing,
                  const StepLimits& limits);

    // Whether this mover can go on with this memory. Not if it began before any heat was known, and
    // now some is.
    bool serves(const std::vector<RamRange>& memory, const std::vector<RamRange>& hot,
                int to_node_id) const;

    // The sums of all steps.
    Bytes brought() const { return brought_; }
    int refused() const { return refused_; }

  private:
    enum class Pass { huge, small };

    struct Position {
        std::size_t range = 0;
        std::uint64_t offset = 0;  // in that range
    };
    struct Page {
        std::uint64_t address = 0;
        Position behind;  // the position after this page
    };

    std::vector<Page> next_pages(const FailingRanges& failing) const;
    std::vector<std::uint64_t> take_remote(const std::vector<Page>& pages,
                                           const std::vector<int>& nodes,
                                           const FailingRanges& failing, Bytes room);
    MoveStep move(Kernel& kernel, const Process& process,
                  const std::vector<std::uint64_t>& addresses, FailingRanges& failing,
                  const StepLimits& limits);

    std::vector<RamRange> memory_;
    bool knows_hot_;
    std::vector<RamRange> ranges_;  // the memory in the order in which it is moved
    int to_node_id_;
    bool is_hugetlb_;
    std::uint64_t huge_page_;
    BatchLimits huge_limits_;
    Pass pass_ = Pass::huge;
    Position at_;  // of the next step
    std::optional<FailingRanges::Time> begun_;
    int huge_batch_, small_batch_;
    Bytes brought_ = 0;
    int refused_ = 0;
};

}  // namespace vnuma
