// A common limit of the memory that many connections take for what their peers send. Pure; for one
// thread.
#pragma once

#include <cstddef>
#include <memory>
#include <utility>

namespace vnuma::qmp {

class MemoryBudget {
  public:
    explicit MemoryBudget(std::size_t bytes) : bytes_(bytes) {}

    std::size_t bytes() const { return bytes_; }
    std::size_t used() const { return used_; }

    // Changes the size of a share. A share may grow only to what is left for all others then, so
    // that n peers that take all they can leave 1/(n+1) of the budget. Returns false, and changes
    // nothing, if it may not.
    bool resize(std::size_t from, std::size_t to) {
        const std::size_t others = used_ - from;
        if (to > from && (others > bytes_ || to > (bytes_ - others) / 2)) return false;
        used_ = others + to;
        return true;
    }

  private:
    std::size_t bytes_, used_ = 0;
};

// A part of a budget, which the destructor gives back. A share of no budget grows without limit.
class MemoryShare {
  public:
    explicit MemoryShare(std::shared_ptr<MemoryBudget> budget = nullptr)
        : budget_(std::move(budget)) {}
    MemoryShare(MemoryShare&& other) noexcept
        : budget_(std::move(other.budget_)), bytes_(std::exchange(other.bytes_, 0)) {}
    MemoryShare& operator=(MemoryShare&& other) noexcept {
        MemoryShare taken(std::move(other));
        std::swap(budget_, taken.budget_);
        std::swap(bytes_, taken.bytes_);
        return *this;
    }
    ~MemoryShare() { resize(0); }

    const MemoryBudget* budget() const { return budget_.get(); }  // null if there is none
    std::size_t bytes() const { return bytes_; }

    // Returns false, and stays as it is, if the budget has too little left.
    bool resize(std::size_t bytes) {
        if (budget_ && !budget_->resize(bytes_, bytes)) return false;
        bytes_ = bytes;
        return true;
    }

  private:
    std::shared_ptr<MemoryBudget> budget_;
    std::size_t bytes_ = 0;
};

}  // namespace vnuma::qmp
