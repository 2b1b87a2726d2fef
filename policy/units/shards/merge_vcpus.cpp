#include "policy/units/shards/merge_vcpus.hpp"

#include <algorithm>
#include <optional>
#include <utility>

namespace vnuma {
namespace {

class Merge {
  public:
    Merge(const PairMatrix& common, const ShardFit& fit) : common_(common), fit_(fit) {
        for (std::size_t v = 0; v < common.size(); ++v)
            parts_.push_back({v});
    }

    Partition run(std::size_t min_parts) {
        while (parts_.size() > min_parts) {
            const auto pair = best_pair();
            if (!pair) break;
            merge(pair->first, pair->second);
        }
        return std::move(parts_);
    }

  private:
    std::optional<std::pair<std::size_t, std::size_t>> best_pair() const {
        std::optional<std::pair<std::size_t, std::size_t>> best;
        std::uint64_t best_rank = 0;
        for (std::size_t a = 0; a < parts_.size(); ++a)
            for (std::size_t b = a + 1; b < parts_.size(); ++b) {
                const std::uint64_t rank =
                    common_[a][b] * 1000 / (parts_[a].size() * parts_[b].size());
                if (rank > best_rank && fit_.fits(parts_[a], parts_[b]))
                    best_rank = rank, best = {a, b};
            }
        return best;
    }

    void merge(std::size_t a, std::size_t b) {
        const auto at_b = static_cast<std::ptrdiff_t>(b);
        parts_[a].insert(parts_[a].end(), parts_[b].begin(), parts_[b].end());
        parts_.erase(parts_.begin() + at_b);
        for (std::size_t other = 0; other < common_.size(); ++other) {
            common_[a][other] += common_[b][other];
            common_[other][a] = common_[a][other];
        }
        common_.erase(common_.begin() + at_b);
        for (auto& row : common_)
            row.erase(row.begin() + at_b);
    }

    PairMatrix common_;  // by part and part
    const ShardFit& fit_;
    Partition parts_;
};

}  // namespace

Partition merge_vcpus(const PairMatrix& common, std::size_t min_parts, const ShardFit& fit) {
    return Merge(common, fit).run(min_parts);
}

}  // namespace vnuma
