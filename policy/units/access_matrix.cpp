#include "policy/units/access_matrix.hpp"

#include <algorithm>
#include <numeric>

namespace vnuma {
namespace {

using Matrix = std::vector<std::vector<std::uint64_t>>;

// Touches by shard and group.
Matrix touches_by_shard(const WideUse& use, const Partition& partition) {
    Matrix accesses(partition.size(), std::vector<std::uint64_t>(use.extents));
    for (std::size_t s = 0; s < partition.size(); ++s)
        for (const std::size_t vcpu : partition[s])
            for (std::size_t g = 0; g < use.extents; ++g)
                accesses[s][g] += use.at(vcpu, g);
    return accesses;
}

std::size_t owner_of(const Matrix& accesses, std::size_t group) {
    std::size_t owner = 0;
    for (std::size_t s = 1; s < accesses.size(); ++s)
        if (accesses[s][group] > accesses[owner][group]) owner = s;
    return owner;
}

}  // namespace

std::vector<std::vector<Bytes>> bytes_by_vcpu(const WideUse& use) {
    std::vector<std::uint64_t> accesses(use.extents);
    for (std::size_t v = 0; v < use.vcpus(); ++v)
        for (std::size_t g = 0; g < use.extents; ++g)
            accesses[g] += use.at(v, g);
    std::vector<std::vector<Bytes>> bytes = use.own;
    for (std::size_t g = 0; g < use.extents; ++g)
        for (std::size_t n = 0; n < use.shared[g].size(); ++n)
            for (std::size_t v = 0; use.shared[g][n] >= mib && v < use.vcpus(); ++v)
                if (use.at(v, g) > 0)
                    bytes[v][n] +=
                        static_cast<Bytes>(static_cast<std::uint64_t>(use.shared[g][n] / mib) *
                                           use.at(v, g) / accesses[g]) *
                        mib;
    return bytes;
}

std::vector<std::vector<PerMille>> whereabouts(const WideUse& use) {
    std::vector<std::vector<PerMille>> all;
    for (const std::vector<Bytes>& bytes : bytes_by_vcpu(use)) {
        std::vector<PerMille>& shares = all.emplace_back(bytes.size());
        const Bytes sum = std::accumulate(bytes.begin(), bytes.end(), Bytes{0}) / mib;
        for (std::size_t n = 0; sum > 0 && n < bytes.size(); ++n)
            shares[n] = bytes[n] / mib * 1000 / sum;
    }
    return all;
}

std::vector<std::uint64_t> accesses_by_vcpu(const WideUse& use) {
    std::vector<std::uint64_t> accesses(use.vcpus());
    for (std::size_t v = 0; v < use.vcpus(); ++v)
        for (std::size_t g = 0; g < use.extents; ++g)
            accesses[v] += use.at(v, g);
    return accesses;
}

PerMille crossing(const WideUse& use, const Partition& partition) {
    const Matrix accesses = touches_by_shard(use, partition);
    std::uint64_t all = 0, own = 0;
    for (std::size_t g = 0; g < use.extents; ++g) {
        for (const auto& shard : accesses)
            all += shard[g];
        if (!accesses.empty()) own += accesses[owner_of(accesses, g)][g];
    }
    return all == 0 ? 0 : static_cast<PerMille>((all - own) * 1000 / all);
}

PerMille scattered(const WideUse& use, const Partition& partition) {
    const std::vector<std::vector<PerMille>> shares = whereabouts(use);
    const std::vector<std::uint64_t> accesses = accesses_by_vcpu(use);
    std::uint64_t all = 0, together = 0;
    for (const auto& shard : partition) {
        std::vector<std::uint64_t> there(shares.empty() ? 0 : shares.front().size());
        for (const std::size_t v : shard)
            for (std::size_t n = 0; n < there.size(); ++n)
                there[n] += accesses[v] * static_cast<std::uint64_t>(shares[v][n]);
        all += std::accumulate(there.begin(), there.end(), std::uint64_t{0});
        if (!there.empty()) together += *std::max_element(there.begin(), there.end());
    }
    return all == 0 ? 0 : static_cast<PerMille>((all - together) * 1000 / all);
}

Ownership ownership_of(const WideUse& use, const Partition& partition) {
    Ownership ownership{touches_by_shard(use, partition), {}};
    for (std::size_t g = 0; g < use.extents; ++g) {
        const std::size_t owner = owner_of(ownership.accesses, g);
        ownership.owner.push_back(ownership.accesses[owner][g] > 0 ? owner : nobodys);
    }
    return ownership;
}

bool belongs_to(const Ownership& ownership, std::size_t group, std::size_t shard) {
    std::uint64_t all = 0;
    for (const auto& accesses : ownership.accesses)
        all += accesses[group];
    return all > 0 && is_nearly_all(ownership.accesses[shard][group], all);
}

std::vector<std::vector<PerMille>> access_share_of_others(const WideUse& use,
                                                          const Partition& partition) {
    const Matrix accesses = touches_by_shard(use, partition);
    const std::size_t shards = partition.size();
    Matrix there(shards, std::vector<std::uint64_t>(shards));
    std::vector<std::uint64_t> all(shards);
    for (std::size_t g = 0; g < use.extents; ++g) {
        const std::size_t owner = owner_of(accesses, g);
        for (std::size_t s = 0; s < shards; ++s) {
            all[s] += accesses[s][g];
            if (s != owner) there[s][owner] += accesses[s][g];
        }
    }
    std::vector<std::vector<PerMille>> shares(shards, std::vector<PerMille>(shards));
    for (std::size_t s = 0; s < shards; ++s)
        for (std::size_t t = 0; t < shards; ++t)
            if (all[s] > 0) shares[s][t] = static_cast<PerMille>(there[s][t] * 1000 / all[s]);
    return shares;
}

}  // namespace vnuma
