// Finds which mappings of a QEMU process are the RAM of which guest cell, and where they are in
// guest-physical memory. Pure.
#pragma once

#include <vector>

#include "guests/model/domain.hpp"
#include "guests/model/ram.hpp"
#include "guests/process/parse_proc.hpp"

namespace vnuma {

// Whether all of the range is mapped with write permission.
bool is_mapped(const std::vector<Mapping>& mappings, const RamRange& range);

// Finds RAM blocks by their sizes. QEMU maps each memory backend as one block of exactly its size,
// so /proc suffices unless blocks of one size belong to different cells. The map has all blocks
// that were found, and says what of the others is known.
RamMap map_by_size(const Domain& domain, const std::vector<Mapping>& mappings);

// Takes the RAM blocks that QEMU's monitor lists, and checks them against what is mapped. Backends
// that the domain has no use for are those of other devices, or of nothing.
RamMap map_by_view(const Domain& domain, const RamView& view, const std::vector<Mapping>& mappings);

// Where the cells of a PC are in guest-physical memory, in the order of the domain's cells: RAM
// from 0 to the hole below 4 GiB, and from 4 GiB on. The layout of a machine type never changes,
// since guests migrate between versions of QEMU (hw/i386/pc_q35.c and pc_piix.c). Empty for other
// machines, for guests whose cells' sizes are not all known, and for guests that are so large that
// QEMU may leave the hole below 1 TiB which AMD's IOMMU needs.
std::vector<std::vector<GuestRange>> pc_layout(const Domain& domain);

}  // namespace vnuma
