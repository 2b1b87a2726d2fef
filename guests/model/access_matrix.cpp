#include "guests/model/access_matrix.hpp"

#include <algorithm>

namespace vnuma {

AccessMatrix::AccessMatrix(std::size_t vcpus, std::size_t chunks)
    : vcpus_(std::min(vcpus, max_vcpus)),
      chunks_(std::max<std::size_t>(chunks, 1)),
      extents_(std::min(chunks, max_extents)),
      counts_(vcpus_ * extents_) {}

void AccessMatrix::fade(std::size_t extent) {
    for (std::size_t vcpu = 0; vcpu < vcpus_; ++vcpu) {
        std::uint32_t& count = counts_[vcpu * extents_ + extent];
        count -= count / 4 + (count % 4 > 0 ? 1 : 0);
    }
}

void AccessMatrix::add(std::size_t vcpu, std::size_t chunk, std::uint32_t weight) {
    if (vcpu >= vcpus_ || chunk >= chunks_ || extents_ == 0) return;
    std::uint32_t& count = counts_[vcpu * extents_ + extent_of(chunk)];
    count = std::max(count, count + weight);  // keeps the count if the sum overflows
}

}  // namespace vnuma
