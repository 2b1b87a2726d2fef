// Which vCPU accesses which part of a guest's memory.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace vnuma {

// How often each vCPU was seen touching each of some equal groups of chunks, one after the other in
// the grid. What shards are made from.
class AccessMatrix {
  public:
    static constexpr std::size_t max_extents = 256;
    static constexpr std::size_t max_vcpus = 1'024;  // of any guest of QEMU's

    AccessMatrix() = default;
    AccessMatrix(std::size_t vcpus, std::size_t chunks);

    std::size_t vcpus() const { return vcpus_; }
    std::size_t extents() const { return extents_; }
    std::size_t extent_of(std::size_t chunk) const { return chunk * extents_ / chunks_; }
    std::uint32_t at(std::size_t vcpu, std::size_t extent) const {
        return counts_[vcpu * extents_ + extent];
    }
    const std::vector<std::uint32_t>& counts() const { return counts_; }  // vCPU by vCPU

    // What was seen of a group, before it is seen again. Slower than heat: of memory that several
    // share, one may come first some times in a row.
    void fade(std::size_t extent);
    void add(std::size_t vcpu, std::size_t chunk, std::uint32_t weight);

  private:
    std::size_t vcpus_ = 0, chunks_ = 1, extents_ = 0;
    std::vector<std::uint32_t> counts_;
};

}  // namespace vnuma
