// A guest's RAM as KVM's memory slots tell it. Pure.
#pragma once

#include <cstddef>
#include <vector>

#include "guests/model/domain.hpp"
#include "guests/model/ram.hpp"
#include "guests/process/kvm_reader.hpp"
#include "guests/process/parse_proc.hpp"

namespace vnuma {

// The mappings that memory slots are in, at least in part. No other mapping is the guest's memory,
// but these may be firmware and memory of devices as well as RAM. Slots are by guest-physical
// address.
std::vector<Mapping> mappings_with_slots(const std::vector<Mapping>& mappings,
                                         const std::vector<KvmMemorySlot>& slots);

// Where the RAM is (find_ram_mappings()), with a region for each mapping: "ram0", "ram1" and so on,
// by guest-physical address; without those whose slots leave something open. Names the regions that
// are the domain's memory devices: VMMs place the cells first, and then devices of one size in
// their order. Names none if not all are found.
RamView view_of_slots(const std::vector<KvmMemorySlot>& slots, const std::vector<Mapping>& mappings,
                      const Domain& domain);

// How many blocks of RAM the domain has: those of cells, and those of memory devices.
std::size_t count_blocks(const Domain& domain);

}  // namespace vnuma
