// Moves guest RAM between host nodes with move_pages(2), one small call after the other.
#pragma once

#include <chrono>
#include <map>
#include <string>
#include <vector>

#include "guests/model/sample.hpp"
#include "guests/process/process.hpp"
#include "policy/model/types.hpp"

namespace vnuma {

struct MoveStep {
    Bytes bytes = 0;                   // brought home by this step
    int refused = 0;                   // pages that stayed where they were
    std::chrono::nanoseconds took{0};  // the moving call itself
    bool finished = false;             // all of the memory has been looked at
    std::string error;                 // the kernel's refusal; no further step makes sense
};

// The same memory, what is hot of it first. `hot` is without overlap, in the order of addresses.
// Pure.
std::vector<RamRange> hot_first(const std::vector<RamRange>& memory,
                                const std::vector<RamRange>& hot);

// Goes over one cell's memory twice: first one page of each 2 MiB, which moves huge pages whole,
// then every page; what is hot of it comes first both times. Remembers where it was, so that a tick
// goes on where the last one stopped.
class CellMover {
  public:
    // `hot`: as hot_first() takes it; empty where nothing is known. `huge_page`: the size of the
    // hugetlb pages that all of it is made of, or of transparent ones.
    CellMover(std::vector<RamRange> memory, const std::vector<RamRange>& hot, int to_node_id,
              std::uint64_t huge_page = std::uint64_t{2} << 20);

    // Looks at a bounded piece and moves what is not on the node. Blocks for about `aim`.
    // `process` must be alive; the caller checks that again after the call.
    MoveStep step(const Process& process, std::chrono::nanoseconds aim);

    // Not when it began before anything was known of what is hot, and now something is.
    bool serves(const std::vector<RamRange>& memory, const std::vector<RamRange>& hot,
                int to_node_id) const;

    // In all steps together.
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
        Position behind;  // where the next look begins once this one was looked at
    };

    std::vector<Page> next_pages() const;
    MoveStep move(const Process& process, std::vector<std::uint64_t> addresses,
                  std::chrono::nanoseconds aim);

    std::vector<RamRange> memory_;
    bool knows_hot_;
    std::vector<RamRange> ranges_;  // the memory in the order in which it is moved
    int to_node_id_;
    std::uint64_t huge_page_;
    Pass pass_ = Pass::huge;
    Position at_;  // where the next look begins
    int huge_batch_, small_batch_;
    Bytes brought_ = 0;
    int refused_ = 0;
};

}  // namespace vnuma
