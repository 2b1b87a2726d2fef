// Translates between guest-physical addresses, which KVM reports, and addresses in QEMU's address
// space, which the kernel's files and calls use. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "guests/model/ram.hpp"

namespace vnuma {

class GuestPhysicalMap {
  public:
    GuestPhysicalMap() = default;
    // Leaves out blocks whose guest-physical addresses are unknown.
    explicit GuestPhysicalMap(const std::vector<RamBlock>& blocks);

    bool empty() const { return pieces_.empty(); }
    // Whether the guest-physical addresses of all bytes of all blocks are known.
    bool complete() const { return complete_; }
    std::optional<std::uint64_t> host_address(std::uint64_t guest_physical) const;
    std::optional<std::uint64_t> guest_address(std::uint64_t host_virtual) const;
    // Whether any of the 2^shift bytes from `guest_physical` on is the guest's RAM.
    bool overlaps(std::uint64_t guest_physical, int shift) const;

  private:
    struct Piece {
        std::uint64_t guest = 0, bytes = 0, host = 0;
    };
    bool complete_ = true;
    std::vector<Piece> pieces_;  // sorted by guest-physical address
};

}  // namespace vnuma
