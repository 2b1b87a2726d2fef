// Which blocks of a QEMU process are the RAM of which guest cell, and where the guest sees them.
// Pure.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "guests/model/domain.hpp"
#include "guests/model/ram.hpp"
#include "guests/process/parse_proc.hpp"

namespace vnuma {

// Whether all of the range is mapped, writable.
bool is_mapped(const std::vector<Mapping>& mappings, const RamRange& range);

// By their sizes, which takes nothing but /proc: QEMU maps each backend as one block of exactly its
// size. Blocks of one size that belong to different cells cannot be told apart like this.
RamMap map_by_size(const Domain& domain, const std::vector<Mapping>& mappings);

// As the monitor tells, checked against what is mapped.
RamMap map_by_view(const Domain& domain, const RamView& view, const std::vector<Mapping>& mappings);

// Where a PC's cells are in guest-physical memory, in the order of the domain's cells: RAM from 0
// to the hole below 4 GiB, and from 4 GiB on. The machine types' layout never changes, since guests
// migrate between versions of QEMU (hw/i386/pc_q35.c and pc_piix.c). Empty for other machines, and
// for guests so large that the hole below 1 TiB of AMD processors may come in between.
std::vector<std::vector<GuestRange>> pc_layout(const Domain& domain);

}  // namespace vnuma
