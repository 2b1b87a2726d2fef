#include "policy/units/shards/vcpu_pairs.hpp"

#include <algorithm>

#include "policy/units/access_matrix.hpp"

namespace vnuma {
namespace {

// Mean of the vCPUs' accesses, each weighted by itself, so that idle vCPUs hardly count.
std::uint64_t typical_accesses(const std::vector<std::uint64_t>& accesses) {
    const std::uint64_t scale = 1 + *std::max_element(accesses.begin(), accesses.end()) / 1'000'000;
    std::uint64_t sum = 0, weighted = 0;
    for (const std::uint64_t count : accesses)
        sum += count / scale, weighted += count / scale * count;
    return sum == 0 ? 0 : weighted / sum;
}

// Common accesses of less than a sixteenth of either vCPU's accesses, or of those of a typical
// vCPU, are noise: they go to the guest kernel's memory, or have nearly decayed.
void remove_noise(PairMatrix& common, const WideUse& use) {
    constexpr std::uint64_t divisor = 16;
    const std::vector<std::uint64_t> accesses = accesses_by_vcpu(use);
    const std::uint64_t typical = typical_accesses(accesses);
    for (std::size_t a = 0; a < common.size(); ++a)
        for (std::size_t b = 0; b < common.size(); ++b)
            if (common[a][b] * divisor < std::max({accesses[a], accesses[b], typical}))
                common[a][b] = 0;
}

}  // namespace

PairMatrix common_accesses(const WideUse& use) {
    const std::size_t vcpus = use.vcpus();
    PairMatrix common(vcpus, std::vector<std::uint64_t>(vcpus));
    for (std::size_t a = 0; a < vcpus; ++a)
        for (std::size_t b = a + 1; b < vcpus; ++b) {
            std::uint64_t sum = 0;
            for (std::size_t e = 0; e < use.extents; ++e)
                sum += std::min(use.at(a, e), use.at(b, e));
            common[a][b] = common[b][a] = sum;
        }
    remove_noise(common, use);
    return common;
}

PairMatrix colocation(const WideUse& use) {
    const std::vector<std::vector<PerMille>> locality = locality_by_vcpu(use);
    PairMatrix shares(use.vcpus(), std::vector<std::uint64_t>(use.vcpus()));
    for (std::size_t a = 0; a < use.vcpus(); ++a)
        for (std::size_t b = a + 1; b < use.vcpus(); ++b) {
            for (std::size_t n = 0; n < locality[a].size(); ++n)
                shares[a][b] +=
                    static_cast<std::uint64_t>(std::min(locality[a][n], locality[b][n]));
            shares[b][a] = shares[a][b];
        }
    return shares;
}

}  // namespace vnuma
