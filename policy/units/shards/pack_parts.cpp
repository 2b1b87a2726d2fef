#include "policy/units/shards/pack_parts.hpp"

#include <algorithm>
#include <tuple>
#include <utility>

namespace vnuma {
namespace {

// Two sets of vCPUs are colocated if they have more than half of their memory on the same nodes.
constexpr std::uint64_t colocated = 500;

class Packing {
  public:
    Packing(std::size_t shards, const PairMatrix& colocation, const ShardFit& fit,
            const ShardFit& even)
        : wanted_shards_(shards), colocation_(colocation), fit_(fit), even_(even) {}

    // The largest parts first.
    Partition run(Partition parts) {
        const auto size = [&](const auto& part) {
            return std::pair(fit_.node_share(part), fit_.cpu_use(part));
        };
        std::stable_sort(parts.begin(), parts.end(),
                         [&](const auto& a, const auto& b) { return size(a) > size(b); });
        for (std::size_t i = 0; i < parts.size(); ++i) {
            const std::size_t left = parts.size() - i;
            // The last parts become shards if there would be too few shards otherwise.
            if (shards_.size() + left <= wanted_shards_)
                shards_.push_back(std::move(parts[i]));
            else
                add(std::move(parts[i]));
        }
        return std::move(shards_);
    }

  private:
    void add(VcpuIndexes part) {
        VcpuIndexes* most_colocated = find_shard(part, even_, true);
        if (most_colocated && mean_colocation(part, *most_colocated) > colocated)
            return append(*most_colocated, part);
        if (shards_.size() < wanted_shards_) {
            shards_.push_back(std::move(part));
            return;
        }
        if (most_colocated) return append(*most_colocated, part);
        if (VcpuIndexes* least_used = find_shard(part, fit_, false))
            return append(*least_used, part);
        divide(std::move(part));
    }

    // Distributes the vCPUs of a part that fits no shard as a whole. If that fails as well, the
    // part becomes a shard.
    void divide(VcpuIndexes part) {
        const Partition before = shards_;
        for (const std::size_t vcpu : part) {
            VcpuIndexes* least_used = find_shard({vcpu}, fit_, false);
            if (!least_used) {
                shards_ = before;
                shards_.push_back(std::move(part));
                return;
            }
            least_used->push_back(vcpu);
        }
    }

    static void append(VcpuIndexes& shard, const VcpuIndexes& part) {
        shard.insert(shard.end(), part.begin(), part.end());
    }

    // The shard with the least CPU use among those that the part fits into; with `by_colocation`,
    // among the most colocated of these.
    VcpuIndexes* find_shard(const VcpuIndexes& part, const ShardFit& fit, bool by_colocation) {
        VcpuIndexes* best = nullptr;
        const auto rank = [&](const VcpuIndexes& shard) {
            return std::tuple(
                by_colocation ? -static_cast<std::int64_t>(mean_colocation(part, shard)) : 0,
                fit.cpu_use(shard), shard.size());
        };
        for (VcpuIndexes& shard : shards_)
            if (fit.fits(shard, part) && (!best || rank(shard) < rank(*best))) best = &shard;
        return best;
    }

    std::uint64_t mean_colocation(const VcpuIndexes& a, const VcpuIndexes& b) const {
        std::uint64_t sum = 0;
        for (const std::size_t v : a)
            for (const std::size_t w : b)
                sum += colocation_[v][w];
        return sum / (a.size() * b.size());
    }

    const std::size_t wanted_shards_;
    const PairMatrix& colocation_;
    const ShardFit &fit_, &even_;
    Partition shards_;
};

}  // namespace

Partition pack_parts(Partition parts, std::size_t shards, const PairMatrix& colocation,
                     const ShardFit& fit, const ShardFit& even) {
    return Packing(shards, colocation, fit, even).run(std::move(parts));
}

}  // namespace vnuma
