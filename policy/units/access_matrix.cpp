#include "policy/units/access_matrix.hpp"

#include <algorithm>
#include <numeric>

namespace vnuma {
namespace {

using Matrix = std::vector<std::vector<std::uint64_t>>;

// The values are ordered by shard, then by extent.
Matrix accesses_by_shard(const WideUse& use, const Partition& partition) {
    Matrix accesses(partition.size(), std::vector<std::uint64_t>(use.extents));
    for (std::size_t s = 0; s < partition.size(); ++s)
        for (const std::size_t vcpu : partition[s])
            for (std::size_t e = 0; e < use.extents; ++e)
                accesses[s][e] += use.at(vcpu, e);
    return accesses;
}

std::size_t owner_of(const Matrix& accesses, std::size_t extent) {
    std::size_t owner = 0;
    for (std::size_t s = 1; s < accesses.size(); ++s)
        if (accesses[s][extent] > accesses[owner][extent]) owner = s;
    return owner;
}

}  // namespace

std::vector<std::vector<Bytes>> bytes_by_vcpu(const WideUse& use) {
    std::vector<std::uint64_t> accesses(use.extents);
    for (std::size_t v = 0; v < use.vcpus(); ++v)
        for (std::size_t e = 0; e < use.extents; ++e)
            accesses[e] += use.at(v, e);
    std::vector<std::vector<Bytes>> bytes = use.own;
    for (std::size_t e = 0; e < use.extents; ++e)
        for (std::size_t n = 0; n < use.shared[e].size(); ++n)
            for (std::size_t v = 0; use.shared[e][n] >= mib && v < use.vcpus(); ++v)
                if (use.at(v, e) > 0)
                    bytes[v][n] +=
                        static_cast<Bytes>(static_cast<std::uint64_t>(use.shared[e][n] / mib) *
                                           use.at(v, e) / accesses[e]) *
                        mib;
    return bytes;
}

std::vector<std::vector<PerMille>> locality_by_vcpu(const WideUse& use) {
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
        for (std::size_t e = 0; e < use.extents; ++e)
            accesses[v] += use.at(v, e);
    return accesses;
}

PerMille cross_shard_share(const WideUse& use, const Partition& partition) {
    const Matrix accesses = accesses_by_shard(use, partition);
    std::uint64_t all = 0, own = 0;
    for (std::size_t e = 0; e < use.extents; ++e) {
        for (const auto& shard : accesses)
            all += shard[e];
        if (!accesses.empty()) own += accesses[owner_of(accesses, e)][e];
    }
    return all == 0 ? 0 : static_cast<PerMille>((all - own) * 1000 / all);
}

PerMille off_node_share(const WideUse& use, const Partition& partition) {
    const std::vector<std::vector<PerMille>> locality = locality_by_vcpu(use);
    const std::vector<std::uint64_t> accesses = accesses_by_vcpu(use);
    std::uint64_t all = 0, on_main_node = 0;
    for (const auto& shard : partition) {
        std::vector<std::uint64_t> by_node(locality.empty() ? 0 : locality.front().size());
        for (const std::size_t v : shard)
            for (std::size_t n = 0; n < by_node.size(); ++n)
                by_node[n] += accesses[v] * static_cast<std::uint64_t>(locality[v][n]);
        all += std::accumulate(by_node.begin(), by_node.end(), std::uint64_t{0});
        if (!by_node.empty()) on_main_node += *std::max_element(by_node.begin(), by_node.end());
    }
    return all == 0 ? 0 : static_cast<PerMille>((all - on_main_node) * 1000 / all);
}

Ownership ownership_of(const WideUse& use, const Partition& partition) {
    Ownership ownership{accesses_by_shard(use, partition), {}};
    for (std::size_t e = 0; e < use.extents; ++e) {
        const std::size_t owner = owner_of(ownership.accesses, e);
        ownership.owner.push_back(ownership.accesses[owner][e] > 0 ? owner : no_owner);
    }
    return ownership;
}

bool is_private_to(const Ownership& ownership, std::size_t extent, std::size_t shard) {
    std::uint64_t all = 0;
    for (const auto& accesses : ownership.accesses)
        all += accesses[extent];
    return all > 0 && is_private_share(ownership.accesses[shard][extent], all);
}

std::vector<std::vector<PerMille>> access_shares_by_owner(const WideUse& use,
                                                          const Partition& partition) {
    const Matrix accesses = accesses_by_shard(use, partition);
    const std::size_t shards = partition.size();
    Matrix by_owner(shards, std::vector<std::uint64_t>(shards));
    std::vector<std::uint64_t> all(shards);
    for (std::size_t e = 0; e < use.extents; ++e) {
        const std::size_t owner = owner_of(accesses, e);
        for (std::size_t s = 0; s < shards; ++s) {
            all[s] += accesses[s][e];
            if (s != owner) by_owner[s][owner] += accesses[s][e];
        }
    }
    std::vector<std::vector<PerMille>> shares(shards, std::vector<PerMille>(shards));
    for (std::size_t s = 0; s < shards; ++s)
        for (std::size_t t = 0; t < shards; ++t)
            if (all[s] > 0) shares[s][t] = static_cast<PerMille>(by_owner[s][t] * 1000 / all[s]);
    return shares;
}

}  // namespace vnuma
