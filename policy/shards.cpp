#include "policy/shards.hpp"

#include <algorithm>
#include <numeric>

namespace vnuma {
namespace {

using Matrix = std::vector<std::vector<std::uint64_t>>;

// What two vCPUs both touch, by vCPU and vCPU.
Matrix common_touches(const WideUse& use) {
    const std::size_t vcpus = use.vcpus();
    Matrix common(vcpus, std::vector<std::uint64_t>(vcpus));
    for (std::size_t a = 0; a < vcpus; ++a)
        for (std::size_t b = a + 1; b < vcpus; ++b) {
            std::uint64_t sum = 0;
            for (std::size_t g = 0; g < use.groups; ++g)
                sum += std::min(use.at(a, g), use.at(b, g));
            common[a][b] = common[b][a] = sum;
        }
    return common;
}

// What two vCPUs have in common below such a part of what they touch is chance.
constexpr std::uint64_t common_part = 16;

// Only what is no chance.
Matrix without_chance(const WideUse& use, Matrix common) {
    const std::vector<std::uint64_t> touches = touches_by_vcpu(use);
    for (std::size_t a = 0; a < common.size(); ++a)
        for (std::size_t b = 0; b < common.size(); ++b)
            if (common[a][b] * common_part < std::min(touches[a], touches[b])) common[a][b] = 0;
    return common;
}

// vCPUs whose memory is on one node have something in common, too: together they can go there. It
// counts for as little as chance, so it decides where nothing else does.
Matrix with_whereabouts(const WideUse& use, Matrix common) {
    const std::vector<std::vector<PerMille>> shares = whereabouts(use);
    const std::vector<std::uint64_t> touches = touches_by_vcpu(use);
    for (std::size_t a = 0; a < use.vcpus(); ++a)
        for (std::size_t b = a + 1; b < use.vcpus(); ++b) {
            std::uint64_t same = 0;
            for (std::size_t n = 0; n < shares[a].size(); ++n)
                same += static_cast<std::uint64_t>(std::min(shares[a][n], shares[b][n]));
            common[a][b] = common[b][a] +=
                std::min(touches[a], touches[b]) * same / 1000 / common_part;
        }
    return common;
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

// Whether parts of a partition fit a node.
class Fit {
  public:
    Fit(const WideUse& use, ShardLimits most) : own_(own_bytes(use)), most_(most) {}

    bool together(const std::vector<std::size_t>& a, const std::vector<std::size_t>& b) const {
        return a.size() + b.size() <= most_.vcpus && bytes(a) + bytes(b) <= most_.bytes;
    }
    // With one vCPU in another's place.
    bool exchanged(const std::vector<std::size_t>& part, std::size_t in, std::size_t out) const {
        return own_[in] <= own_[out] || bytes(part) + own_[in] - own_[out] <= most_.bytes;
    }

  private:
    Bytes bytes(const std::vector<std::size_t>& part) const {
        Bytes sum = 0;
        for (const std::size_t vcpu : part)
            sum += own_[vcpu];
        return sum;
    }

    std::vector<Bytes> own_;
    ShardLimits most_;
};

// Parts that are merged two by two while more are left than are wanted: always the two that have
// most in common for their size.
void merge(Partition& parts, const Matrix& common, std::size_t shards, const Fit& fit,
           bool only_what_has_something_in_common) {
    Matrix between(parts.size(), std::vector<std::uint64_t>(parts.size()));
    for (std::size_t a = 0; a < parts.size(); ++a)
        for (std::size_t b = 0; b < parts.size(); ++b)
            for (const std::size_t v : parts[a])
                for (const std::size_t w : parts[b])
                    between[a][b] += a == b ? 0 : common[v][w];
    while (parts.size() > shards) {
        std::size_t best_a = 0, best_b = 0, best_size = 0;
        std::uint64_t best = 0;
        for (std::size_t a = 0; a < parts.size(); ++a)
            for (std::size_t b = a + 1; b < parts.size(); ++b) {
                const std::size_t size = parts[a].size() + parts[b].size();
                if (!fit.together(parts[a], parts[b])) continue;
                const std::uint64_t worth =
                    between[a][b] * 1000 / (parts[a].size() * parts[b].size());
                if (worth == 0 && only_what_has_something_in_common) continue;
                // Of those that have nothing in common, the smallest: even shards.
                if (best_size == 0 || worth > best || (worth == best && size < best_size))
                    best = worth, best_a = a, best_b = b, best_size = size;
            }
        if (best_size == 0) return;  // none fits with another
        parts[best_a].insert(parts[best_a].end(), parts[best_b].begin(), parts[best_b].end());
        parts.erase(parts.begin() + static_cast<std::ptrdiff_t>(best_b));
        for (std::size_t other = 0; other < between.size(); ++other) {
            between[best_a][other] += between[best_b][other];
            between[other][best_a] = between[best_a][other];
        }
        between[best_a][best_a] = 0;
        between.erase(between.begin() + static_cast<std::ptrdiff_t>(best_b));
        for (auto& row : between)
            row.erase(row.begin() + static_cast<std::ptrdiff_t>(best_b));
    }
}

// To the smallest part that has room for it. Returns whether there is one.
bool give(Partition& parts, std::size_t vcpu, const Fit& fit) {
    std::vector<std::size_t>* smallest = nullptr;
    for (auto& part : parts)
        if (fit.together(part, {vcpu}) && (!smallest || part.size() < smallest->size()))
            smallest = &part;
    if (smallest) smallest->push_back(vcpu);
    return smallest != nullptr;
}

// Parts that fit with no other are dealt out vCPU by vCPU.
void deal_out(Partition& parts, std::size_t shards, const Fit& fit) {
    std::stable_sort(parts.begin(), parts.end(),
                     [](const auto& a, const auto& b) { return a.size() > b.size(); });
    while (parts.size() > shards) {
        Partition fewer(parts.begin(), parts.end() - 1);
        for (const std::size_t vcpu : parts.back())
            if (!give(fewer, vcpu, fit)) return;
        parts = std::move(fewer);
    }
}

std::uint64_t inside(const Matrix& common, const std::vector<std::size_t>& shard,
                     std::size_t vcpu) {
    std::uint64_t sum = 0;
    for (const std::size_t other : shard)
        sum += other == vcpu ? 0 : common[vcpu][other];
    return sum;
}

// Exchanges two vCPUs while that leaves more in common within shards (Kernighan and Lin, 1970,
// without their look-ahead).
void refine(const Matrix& common, Partition& parts, const Fit& fit) {
    for (std::size_t round = 0; round < common.size(); ++round) {
        std::int64_t best = 0;
        std::size_t *swap_a = nullptr, *swap_b = nullptr;
        for (std::size_t s = 0; s < parts.size(); ++s)
            for (std::size_t t = s + 1; t < parts.size(); ++t)
                for (std::size_t& a : parts[s])
                    for (std::size_t& b : parts[t]) {
                        const auto gain = static_cast<std::int64_t>(
                            inside(common, parts[t], a) + inside(common, parts[s], b) -
                            2 * common[a][b] - inside(common, parts[s], a) -
                            inside(common, parts[t], b));
                        if (gain > best && fit.exchanged(parts[s], b, a) &&
                            fit.exchanged(parts[t], a, b))
                            best = gain, swap_a = &a, swap_b = &b;
                    }
        if (!swap_a) return;
        std::swap(*swap_a, *swap_b);
    }
}

}  // namespace

Partition form_shards(const WideUse& use, std::size_t shards, ShardLimits most) {
    const std::size_t vcpus = use.vcpus();
    if (vcpus == 0) return {};
    shards = std::clamp<std::size_t>(shards, 1, vcpus);
    const std::size_t even = (vcpus + shards - 1) / shards;
    most.vcpus = std::max(most.vcpus, even);
    const Fit fit(use, most), fit_evenly(use, {even, most.bytes});
    const Matrix common = common_touches(use), near = with_whereabouts(use, common);
    Partition parts(vcpus);
    for (std::size_t v = 0; v < vcpus; ++v)
        parts[v] = {v};
    // Who shares memory is together as far as nodes hold that. Where the rest goes by where their
    // memory is, shards are even: it may move, and their work does not get less by that.
    merge(parts, without_chance(use, common), shards, fit, true);
    merge(parts, near, shards, fit_evenly, true);
    merge(parts, without_chance(use, common), shards, fit, false);
    deal_out(parts, shards, fit);
    if (vcpus <= max_refined_vcpus) refine(near, parts, fit);
    put_in_order(parts);
    return parts;
}

bool keeps(const WideUse& use, const Partition& partition, ShardLimits most) {
    const Fit fit(use, most);
    return std::all_of(partition.begin(), partition.end(),
                       [&](const auto& shard) { return fit.together(shard, {}); });
}

Partition relabelled(const WideUse& use, const Partition& partition, const Partition& before,
                     const std::vector<std::optional<NodeIndex>>& homes) {
    // vCPUs are brought home at once, memory is not: what of a vCPU's is there counts for more.
    constexpr PerMille already_there = 100;
    const std::vector<std::vector<PerMille>> shares = whereabouts(use);
    Partition left = partition, ordered;
    for (std::size_t i = 0; i < before.size() && !left.empty(); ++i) {
        const std::vector<std::size_t>& old = before[i];
        const auto at_home = [&](const std::vector<std::size_t>& shard) {
            PerMille sum = 0;
            for (const std::size_t vcpu : shard) {
                sum += std::find(old.begin(), old.end(), vcpu) != old.end() ? already_there : 0;
                if (i < homes.size() && homes[i] && *homes[i] < shares[vcpu].size())
                    sum += shares[vcpu][*homes[i]];
            }
            return sum;
        };
        const auto best =
            std::max_element(left.begin(), left.end(),
                             [&](const auto& a, const auto& b) { return at_home(a) < at_home(b); });
        ordered.push_back(*best);
        left.erase(best);
    }
    ordered.insert(ordered.end(), left.begin(), left.end());
    return ordered;
}

}  // namespace vnuma
