#include "policy/units/shards/refine_shards.hpp"

#include <utility>

namespace vnuma {
namespace {

// A pair matrix, and the sums of its entries between each vCPU and each shard.
class ShardSums {
  public:
    explicit ShardSums(const PairMatrix& matrix) : matrix_(matrix) {}

    void update(const Partition& shards) {
        sums_.assign(matrix_.size(), std::vector<std::uint64_t>(shards.size()));
        for (std::size_t v = 0; v < matrix_.size(); ++v)
            for (std::size_t s = 0; s < shards.size(); ++s)
                for (const std::size_t w : shards[s])
                    sums_[v][s] += v == w ? 0 : matrix_[v][w];
    }

    // By how much the sums within shards grow when vCPU `a` of shard `s` and vCPU `b` of shard `t`
    // change places.
    std::int64_t gain(std::size_t s, std::size_t a, std::size_t t, std::size_t b) const {
        return static_cast<std::int64_t>(sums_[a][t] + sums_[b][s] - 2 * matrix_[a][b] -
                                         sums_[a][s] - sums_[b][t]);
    }

  private:
    const PairMatrix& matrix_;
    std::vector<std::vector<std::uint64_t>> sums_;  // by vCPU and shard
};

class Refinement {
  public:
    Refinement(Partition& shards, const PairMatrix& common, const PairMatrix& colocation,
               const ShardFit& fit, const ShardFit& even)
        : shards_(shards), common_(common), colocation_(colocation), fit_(fit), even_(even) {
        update();
    }

    bool exchange_best() {
        Gain best{0, 0};
        std::size_t best_s = 0, best_t = 0, best_a = 0, best_b = 0;
        for (std::size_t s = 0; s < shards_.size(); ++s)
            for (std::size_t t = s + 1; t < shards_.size(); ++t)
                for (std::size_t a = 0; a < shards_[s].size(); ++a)
                    for (std::size_t b = 0; b < shards_[t].size(); ++b) {
                        const std::size_t one = shards_[s][a], other = shards_[t][b];
                        const Gain gain{common_.gain(s, one, t, other),
                                        colocation_.gain(s, one, t, other)};
                        if (gain <= best || !may_exchange(s, one, t, other, gain)) continue;
                        best = gain, best_s = s, best_t = t, best_a = a, best_b = b;
                    }
        if (best == Gain{0, 0}) return false;
        std::swap(shards_[best_s][best_a], shards_[best_t][best_b]);
        update();
        return true;
    }

  private:
    using Gain = std::pair<std::int64_t, std::int64_t>;  // of common accesses, of colocation

    void update() {
        common_.update(shards_);
        colocation_.update(shards_);
    }

    bool may_exchange(std::size_t s, std::size_t a, std::size_t t, std::size_t b, Gain gain) const {
        const ShardFit& limits = gain.first > 0 ? fit_ : even_;
        return fit_.fits_replaced(shards_[s], b, a) && fit_.fits_replaced(shards_[t], a, b) &&
               limits.fits_replaced(shards_[s], b, a) && limits.fits_replaced(shards_[t], a, b);
    }

    Partition& shards_;
    ShardSums common_, colocation_;
    const ShardFit &fit_, &even_;
};

}  // namespace

void refine_shards(Partition& shards, const PairMatrix& common, const PairMatrix& colocation,
                   const ShardFit& fit, const ShardFit& even) {
    Refinement refinement(shards, common, colocation, fit, even);
    for (std::size_t exchanges = 0; exchanges < common.size() && refinement.exchange_best();
         ++exchanges) {
    }
}

}  // namespace vnuma
