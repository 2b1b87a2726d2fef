// How often each vCPU accesses each part of a guest's memory.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace vnuma {

// Decayed access counts by vCPU and extent. The extents divide the chunks of the grid into runs of
// about equal length, in the order of their addresses. Shards are derived from these counts.
class AccessMatrix {
  public:
    static constexpr std::size_t max_extents = 256;
    static constexpr std::size_t max_vcpus = 1'024;  // vCPUs from here on are not counted

    AccessMatrix() = default;
    // Counts more than max_vcpus or max_extents are cut to these.
    AccessMatrix(std::size_t vcpus, std::size_t chunks);

    std::size_t vcpus() const { return vcpus_; }
    std::size_t extents() const { return extents_; }
    std::size_t extent_of(std::size_t chunk) const { return chunk * extents_ / chunks_; }
    std::uint32_t at(std::size_t vcpu, std::size_t extent) const {
        return counts_[vcpu * extents_ + extent];
    }
    const std::vector<std::uint32_t>& counts() const { return counts_; }  // vCPU by vCPU

    // Takes a quarter of an extent's counts away, before new accesses to it are added. This is
    // slower than the decay of heat: where several vCPUs share memory, one of them may be the first
    // to access it several times in a row.
    void fade(std::size_t extent);
    // Adds accesses to a chunk. A count that would overflow stays as it is, and a vCPU or chunk
    // that the matrix does not have is ignored.
    void add(std::size_t vcpu, std::size_t chunk, std::uint32_t weight);

  private:
    std::size_t vcpus_ = 0, chunks_ = 1, extents_ = 0;
    std::vector<std::uint32_t> counts_;
};

}  // namespace vnuma
