// Where a guest's heat is, and what of its memory one vCPU alone uses: on which host nodes.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <vector>

#include "guests/memory/page_nodes.hpp"
#include "guests/model/access_matrix.hpp"
#include "guests/model/tracking_sample.hpp"
#include "guests/process/process.hpp"
#include "guests/model/access_matrix.hpp"
#include "guests/tracking/heat/heat_table.hpp"

namespace vnuma {

// Chunks whose node is asked for in one look, evenly chosen: about 25 ms of move_pages(2).
inline constexpr std::size_t max_chunks_asked = 64 * 1024;

// One page of each chunk stands for it, another one in each pass. `owner` is the cell of each of
// the grid's ranges. Throws std::system_error; ends early when the process has ended.
std::map<int, BytesByNode> read_heat_by_cell(const Process& process, PageReader& reader,
                                             const HeatTable& table, std::span<const int> owner,
                                             std::uint64_t pass);

// The same for memory that was seen touched, by whom. Groups are those of the matrix.
OwnedBytes read_owned_bytes(const Process& process, PageReader& reader, const HeatTable& table,
                            const AccessMatrix& access_matrix, std::uint64_t pass);

// Chunks whose accessor is known, neighbours of one accessor and group together. Pure.
std::vector<OwnRange> own_ranges(const HeatTable& table, const AccessMatrix& access_matrix);

}  // namespace vnuma
