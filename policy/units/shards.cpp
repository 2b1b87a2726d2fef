#include "policy/units/shards.hpp"

#include <algorithm>
#include <limits>
#include <numeric>
#include <tuple>

namespace vnuma {
namespace {

using Matrix = std::vector<std::vector<std::uint64_t>>;

// What two vCPUs both touch, by vCPU and vCPU.
Matrix common_accesses(const WideUse& use) {
    const std::size_t vcpus = use.vcpus();
    Matrix common(vcpus, std::vector<std::uint64_t>(vcpus));
    for (std::size_t a = 0; a < vcpus; ++a)
        for (std::size_t b = a + 1; b < vcpus; ++b) {
            std::uint64_t sum = 0;
            for (std::size_t g = 0; g < use.extents; ++g)
                sum += std::min(use.at(a, g), use.at(b, g));
            common[a][b] = common[b][a] = sum;
        }
    return common;
}

// Of those that touch much: their mean, each weighted by what it touches.
std::uint64_t usual_accesses(const std::vector<std::uint64_t>& accesses) {
    const std::uint64_t scale = 1 + *std::max_element(accesses.begin(), accesses.end()) / 1'000'000;
    std::uint64_t sum = 0, weighted = 0;
    for (const std::uint64_t count : accesses)
        sum += count / scale, weighted += count / scale * count;
    return sum == 0 ? 0 : weighted / sum;
}

// What two vCPUs have in common below such a part of what either touches, or of what is usual, is
// chance: a kernel's memory, and what fades in the matrix.
Matrix without_chance(const WideUse& use, Matrix common) {
    constexpr std::uint64_t part = 16;
    const std::vector<std::uint64_t> accesses = accesses_by_vcpu(use);
    const std::uint64_t usual = usual_accesses(accesses);
    for (std::size_t a = 0; a < common.size(); ++a)
        for (std::size_t b = 0; b < common.size(); ++b)
            if (common[a][b] * part < std::max({accesses[a], accesses[b], usual})) common[a][b] = 0;
    return common;
}

// By vCPU and vCPU, in thousandths, how much of their memory is on the same nodes.
Matrix nearness(const WideUse& use) {
    const std::vector<std::vector<PerMille>> shares = whereabouts(use);
    Matrix near(use.vcpus(), std::vector<std::uint64_t>(use.vcpus()));
    for (std::size_t a = 0; a < use.vcpus(); ++a)
        for (std::size_t b = a + 1; b < use.vcpus(); ++b) {
            for (std::size_t n = 0; n < shares[a].size(); ++n)
                near[a][b] += static_cast<std::uint64_t>(std::min(shares[a][n], shares[b][n]));
            near[b][a] = near[a][b];
        }
    return near;
}

void put_in_order(Partition& partition) {
    for (auto& shard : partition)
        std::sort(shard.begin(), shard.end());
    std::erase_if(partition, [](const auto& shard) { return shard.empty(); });
    std::sort(partition.begin(), partition.end());
}

// Memory that each vCPU alone touches.
std::vector<Bytes> own_bytes(const WideUse& use) {
    std::vector<Bytes> bytes;
    for (std::size_t v = 0; v < use.vcpus(); ++v)
        bytes.push_back(std::accumulate(use.own[v].begin(), use.own[v].end(), Bytes{0}));
    return bytes;
}

// Whether parts of a partition fit a node, or are as even as is wanted.
class Fit {
  public:
    Fit(const WideUse& use, ShardLimits most)
        : own_(own_bytes(use)), use_(use.cpu_use), most_(most) {}

    bool together(const std::vector<std::size_t>& a, const std::vector<std::size_t>& b) const {
        return a.size() + b.size() <= most_.vcpus && bytes(a) + bytes(b) <= most_.bytes &&
               use(a) + use(b) <= most_.use;
    }
    // With one vCPU in another's place.
    bool exchanged(const std::vector<std::size_t>& part, std::size_t in, std::size_t out) const {
        return (own_[in] <= own_[out] || bytes(part) + own_[in] - own_[out] <= most_.bytes) &&
               (use_[in] <= use_[out] || use(part) + use_[in] - use_[out] <= most_.use);
    }
    // Of a node, in thousandths.
    PerMille filled_by(const std::vector<std::size_t>& part) const {
        return std::max(static_cast<PerMille>(part.size() * 1000 / most_.vcpus),
                        bytes(part) / mib * 1000 / std::max<Bytes>(most_.bytes / mib, 1));
    }
    MilliCpu use(const std::vector<std::size_t>& part) const { return sum_of(use_, part); }

  private:
    Bytes bytes(const std::vector<std::size_t>& part) const { return sum_of(own_, part); }
    template <typename T>
    static T sum_of(const std::vector<T>& values, const std::vector<std::size_t>& part) {
        T sum = 0;
        for (const std::size_t vcpu : part)
            sum += values[vcpu];
        return sum;
    }

    std::vector<Bytes> own_;
    std::vector<MilliCpu> use_;
    ShardLimits most_;
};

// Single vCPUs, merged two by two while that leaves as many parts as are wanted: always the two
// that have most in common for their size, as long as any have.
Partition merge(const Matrix& common, std::size_t shards, const Fit& fit) {
    Partition parts(common.size());
    for (std::size_t v = 0; v < common.size(); ++v)
        parts[v] = {v};
    Matrix between = common;
    while (parts.size() > shards) {
        std::size_t best_a = 0, best_b = 0;
        std::uint64_t best = 0;
        for (std::size_t a = 0; a < parts.size(); ++a)
            for (std::size_t b = a + 1; b < parts.size(); ++b) {
                const std::uint64_t worth =
                    between[a][b] * 1000 / (parts[a].size() * parts[b].size());
                if (worth > best && fit.together(parts[a], parts[b]))
                    best = worth, best_a = a, best_b = b;
            }
        if (best == 0) break;
        parts[best_a].insert(parts[best_a].end(), parts[best_b].begin(), parts[best_b].end());
        parts.erase(parts.begin() + static_cast<std::ptrdiff_t>(best_b));
        for (std::size_t other = 0; other < between.size(); ++other) {
            between[best_a][other] += between[best_b][other];
            between[other][best_a] = between[best_a][other];
        }
        between.erase(between.begin() + static_cast<std::ptrdiff_t>(best_b));
        for (auto& row : between)
            row.erase(row.begin() + static_cast<std::ptrdiff_t>(best_b));
    }
    return parts;
}

// Packs parts that have nothing in common into shards: where most of their memory is on the same
// nodes, as far as that leaves shards even.
class Packing {
  public:
    Packing(const Matrix& near, std::size_t shards, const Fit& fit, const Fit& evenly)
        : near_(near), most_(shards), fit_(fit), evenly_(evenly) {}

    Partition run(Partition parts) {
        const auto weight = [&](const auto& part) {
            return std::pair(fit_.filled_by(part), fit_.use(part));
        };
        std::stable_sort(parts.begin(), parts.end(),
                         [&](const auto& a, const auto& b) { return weight(a) > weight(b); });
        for (std::size_t i = 0; i < parts.size(); ++i)
            if (shards_.size() + parts.size() - i <= most_)
                shards_.push_back(std::move(parts[i]));  // or there would be fewer than are wanted
            else
                add(std::move(parts[i]));
        return std::move(shards_);
    }

  private:
    using Part = std::vector<std::size_t>;

    void add(Part part) {
        constexpr std::uint64_t mostly = 500;
        Part* nearest = best_for(part, evenly_, true);
        if (nearest && nearness_of(part, *nearest) > mostly) return append(*nearest, part);
        if (shards_.size() < most_) return static_cast<void>(shards_.push_back(std::move(part)));
        if (nearest) return append(*nearest, part);
        if (Part* least_used = best_for(part, fit_, false)) return append(*least_used, part);
        deal_out(std::move(part));
    }

    // None holds it as a whole: its vCPUs go where there is room, or it is one more.
    void deal_out(Part part) {
        const Partition without = shards_;
        for (const std::size_t vcpu : part) {
            Part* least_used = best_for({vcpu}, fit_, false);
            if (!least_used) {
                shards_ = without;
                return shards_.push_back(std::move(part));
            }
            least_used->push_back(vcpu);
        }
    }

    static void append(Part& shard, const Part& part) {
        shard.insert(shard.end(), part.begin(), part.end());
    }

    // The nearest with room, if that counts, and of these the one that is used least.
    Part* best_for(const Part& part, const Fit& fit, bool by_nearness) {
        Part* best = nullptr;
        const auto rank = [&](const Part& shard) {
            return std::tuple(
                by_nearness ? -static_cast<std::int64_t>(nearness_of(part, shard)) : 0,
                fit.use(shard), shard.size());
        };
        for (Part& shard : shards_)
            if (fit.together(shard, part) && (!best || rank(shard) < rank(*best))) best = &shard;
        return best;
    }

    std::uint64_t nearness_of(const Part& a, const Part& b) const {
        std::uint64_t sum = 0;
        for (const std::size_t v : a)
            for (const std::size_t w : b)
                sum += near_[v][w];
        return sum / (a.size() * b.size());
    }

    const Matrix& near_;
    const std::size_t most_;
    const Fit &fit_, &evenly_;
    Partition shards_;
};

// Exchanges two vCPUs while that leaves more in common within shards (Kernighan and Lin, 1970,
// without their look-ahead), or as much, and more that is near.
class Refinement {
  public:
    Refinement(const Matrix& common, const Matrix& near, Partition& parts, const Fit& fit,
               const Fit& evenly)
        : common_(common), near_(near), parts_(parts), fit_(fit), evenly_(evenly) {}

    void run() {
        for (const Matrix* matrix : {&common_, &near_})
            inside_.push_back(sums(*matrix));
        for (std::size_t round = 0; round < common_.size() && exchange_best(); ++round) {
        }
    }

  private:
    using Gain = std::pair<std::int64_t, std::int64_t>;  // in common, and near

    // By vCPU and part what it has in common with all of that.
    Matrix sums(const Matrix& matrix) const {
        Matrix sum(matrix.size(), std::vector<std::uint64_t>(parts_.size()));
        for (std::size_t v = 0; v < matrix.size(); ++v)
            for (std::size_t s = 0; s < parts_.size(); ++s)
                for (const std::size_t w : parts_[s])
                    sum[v][s] += v == w ? 0 : matrix[v][w];
        return sum;
    }

    std::int64_t gain(std::size_t which, std::size_t s, std::size_t a, std::size_t t,
                      std::size_t b) const {
        const Matrix &inside = inside_[which], &matrix = which == 0 ? common_ : near_;
        return static_cast<std::int64_t>(inside[a][t] + inside[b][s] - 2 * matrix[a][b] -
                                         inside[a][s] - inside[b][t]);
    }

    bool exchange_best() {
        Gain best{0, 0};
        std::size_t best_s = 0, best_t = 0, best_a = 0, best_b = 0;
        for (std::size_t s = 0; s < parts_.size(); ++s)
            for (std::size_t t = s + 1; t < parts_.size(); ++t)
                for (std::size_t a = 0; a < parts_[s].size(); ++a)
                    for (std::size_t b = 0; b < parts_[t].size(); ++b) {
                        const std::size_t one = parts_[s][a], other = parts_[t][b];
                        const Gain found{gain(0, s, one, t, other), gain(1, s, one, t, other)};
                        if (found <= best || !may_exchange(s, one, t, other, found)) continue;
                        best = found, best_s = s, best_t = t, best_a = a, best_b = b;
                    }
        if (best == Gain{0, 0}) return false;
        std::swap(parts_[best_s][best_a], parts_[best_t][best_b]);
        inside_ = {sums(common_), sums(near_)};
        return true;
    }

    bool may_exchange(std::size_t s, std::size_t a, std::size_t t, std::size_t b,
                      Gain found) const {
        const Fit& limits = found.first > 0 ? fit_ : evenly_;
        return fit_.exchanged(parts_[s], b, a) && fit_.exchanged(parts_[t], a, b) &&
               limits.exchanged(parts_[s], b, a) && limits.exchanged(parts_[t], a, b);
    }

    const Matrix &common_, &near_;
    Partition& parts_;
    const Fit &fit_, &evenly_;
    std::vector<Matrix> inside_;
};

}  // namespace

Partition form_shards(const WideUse& use, std::size_t shards, ShardLimits most) {
    const std::size_t vcpus = use.vcpus();
    if (vcpus == 0) return {};
    shards = std::clamp<std::size_t>(shards, 1, vcpus);
    const std::size_t even = (vcpus + shards - 1) / shards;
    most.vcpus = std::max(most.vcpus, even);
    const MilliCpu all = std::accumulate(use.cpu_use.begin(), use.cpu_use.end(), MilliCpu{0});
    const MilliCpu largest = *std::max_element(use.cpu_use.begin(), use.cpu_use.end());
    // Some shard always has room for one more.
    const auto count = static_cast<MilliCpu>(shards);
    const MilliCpu even_use = (all + largest * (count - 1)) / count + 1;
    most.use = std::max(most.use, even_use);
    const Fit fit(use, most), evenly(use, {even, most.bytes, even_use});
    // Who shares memory is together as far as nodes hold that. The rest goes by where its memory is
    // and shards are even: memory may move, and there is no less work by that.
    const Matrix common = without_chance(use, common_accesses(use)), near = nearness(use);
    Partition parts = Packing(near, shards, fit, evenly).run(merge(common, shards, fit));
    if (vcpus <= max_refined_vcpus) Refinement(common, near, parts, fit, evenly).run();
    put_in_order(parts);
    return parts;
}

bool keeps(const WideUse& use, const Partition& partition, ShardLimits most) {
    const Fit fit(use, {most.vcpus, most.bytes});
    return std::all_of(partition.begin(), partition.end(),
                       [&](const auto& shard) { return fit.together(shard, {}); });
}

Partition relabelled(const WideUse& use, const Partition& partition, const Partition& before,
                     const std::vector<std::optional<NodeIndex>>& homes) {
    // vCPUs are brought home at once, memory is not: what of a vCPU's is there counts for more.
    const std::vector<std::vector<Bytes>> there = bytes_by_vcpu(use);
    const auto at_home = [&](const std::vector<std::size_t>& shard, std::size_t i) {
        Bytes sum = 0;
        for (const std::size_t vcpu : shard) {
            if (i >= before.size()) break;
            const std::vector<std::size_t>& old = before[i];
            sum += std::find(old.begin(), old.end(), vcpu) != old.end() ? mib : 0;
            if (i < homes.size() && homes[i] && *homes[i] < there[vcpu].size())
                sum += there[vcpu][*homes[i]];
        }
        return sum;
    };
    Partition left = partition, ordered;
    for (std::size_t i = 0; i < before.size() && !left.empty(); ++i) {
        const auto best = std::max_element(
            left.begin(), left.end(),
            [&](const auto& a, const auto& b) { return at_home(a, i) < at_home(b, i); });
        ordered.push_back(std::move(*best));
        left.erase(best);
    }
    ordered.insert(ordered.end(), left.begin(), left.end());
    for (std::size_t round = 0; round < ordered.size(); ++round)
        for (std::size_t a = 0; a < ordered.size(); ++a)
            for (std::size_t b = a + 1; b < ordered.size(); ++b)
                if (at_home(ordered[a], b) + at_home(ordered[b], a) >
                    at_home(ordered[a], a) + at_home(ordered[b], b))
                    std::swap(ordered[a], ordered[b]);
    return ordered;
}

}  // namespace vnuma
