#include "policy/units/shards/shard_fit.hpp"

#include <algorithm>
#include <numeric>

namespace vnuma {
namespace {

std::vector<Bytes> private_bytes(const WideUse& use) {
    std::vector<Bytes> bytes;
    for (std::size_t v = 0; v < use.vcpus(); ++v)
        bytes.push_back(std::accumulate(use.own[v].begin(), use.own[v].end(), Bytes{0}));
    return bytes;
}

template <typename T>
T sum_of(const std::vector<T>& values, const VcpuIndexes& vcpus) {
    T sum = 0;
    for (const std::size_t vcpu : vcpus)
        sum += values[vcpu];
    return sum;
}

}  // namespace

ShardFit::ShardFit(const WideUse& use, ShardLimits limits)
    : bytes_(private_bytes(use)), cpu_use_(use.cpu_use), limits_(limits) {}

bool ShardFit::fits(const VcpuIndexes& a, const VcpuIndexes& b) const {
    return a.size() + b.size() <= limits_.vcpus && bytes(a) + bytes(b) <= limits_.bytes &&
           cpu_use(a) + cpu_use(b) <= limits_.cpu_use;
}

bool ShardFit::fits_replaced(const VcpuIndexes& shard, std::size_t in, std::size_t out) const {
    return (bytes_[in] <= bytes_[out] ||
            bytes(shard) + bytes_[in] - bytes_[out] <= limits_.bytes) &&
           (cpu_use_[in] <= cpu_use_[out] ||
            cpu_use(shard) + cpu_use_[in] - cpu_use_[out] <= limits_.cpu_use);
}

PerMille ShardFit::node_share(const VcpuIndexes& vcpus) const {
    return std::max(static_cast<PerMille>(vcpus.size() * 1000 / limits_.vcpus),
                    bytes(vcpus) / mib * 1000 / std::max<Bytes>(limits_.bytes / mib, 1));
}

MilliCpu ShardFit::cpu_use(const VcpuIndexes& vcpus) const {
    return sum_of(cpu_use_, vcpus);
}

Bytes ShardFit::bytes(const VcpuIndexes& vcpus) const {
    return sum_of(bytes_, vcpus);
}

}  // namespace vnuma
