#include "policy/units/shards/match_shards.hpp"

#include <algorithm>

#include "policy/units/access_matrix.hpp"

namespace vnuma {
namespace {

class Matching {
  public:
    Matching(const WideUse& use, const Partition& former,
             const std::vector<std::optional<NodeIndex>>& homes)
        : bytes_(bytes_by_vcpu(use)), former_(former), homes_(homes) {}

    // Each number goes to the best of the shards that are left, then pairs that are better off the
    // other way round are exchanged.
    Partition run(Partition left) const {
        Partition matched;
        for (std::size_t i = 0; i < former_.size() && !left.empty(); ++i) {
            const auto best =
                std::max_element(left.begin(), left.end(), [&](const auto& a, const auto& b) {
                    return matching_bytes(a, i) < matching_bytes(b, i);
                });
            matched.push_back(std::move(*best));
            left.erase(best);
        }
        matched.insert(matched.end(), left.begin(), left.end());
        for (std::size_t round = 0; round < matched.size(); ++round)
            for (std::size_t a = 0; a < matched.size(); ++a)
                for (std::size_t b = a + 1; b < matched.size(); ++b)
                    if (matching_bytes(matched[a], b) + matching_bytes(matched[b], a) >
                        matching_bytes(matched[a], a) + matching_bytes(matched[b], b))
                        std::swap(matched[a], matched[b]);
        return matched;
    }

  private:
    // Memory of a shard's vCPUs at the home of a former shard. A vCPU that was in the former shard
    // counts as a MiB: a vCPU is brought home at once, so its memory matters more.
    Bytes matching_bytes(const std::vector<std::size_t>& shard, std::size_t number) const {
        Bytes sum = 0;
        if (number >= former_.size()) return sum;
        const std::vector<std::size_t>& former = former_[number];
        for (const std::size_t vcpu : shard) {
            if (std::find(former.begin(), former.end(), vcpu) != former.end()) sum += mib;
            if (number < homes_.size() && homes_[number] && *homes_[number] < bytes_[vcpu].size())
                sum += bytes_[vcpu][*homes_[number]];
        }
        return sum;
    }

    const std::vector<std::vector<Bytes>> bytes_;  // by vCPU and NodeIndex
    const Partition& former_;
    const std::vector<std::optional<NodeIndex>>& homes_;
};

}  // namespace

Partition match_shards(const WideUse& use, const Partition& partition, const Partition& former,
                       const std::vector<std::optional<NodeIndex>>& homes) {
    return Matching(use, former, homes).run(partition);
}

}  // namespace vnuma
