// On which host nodes a guest's hot memory is, and the memory that one vCPU alone accesses.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <vector>

#include "guests/memory/page_nodes.hpp"
#include "guests/model/access_matrix.hpp"
#include "guests/model/tracking_sample.hpp"
#include "guests/process/process.hpp"
#include "guests/tracking/heat/heat_table.hpp"

namespace vnuma {

// At most this many chunks, evenly spaced, are queried in one pass: about 25 ms of move_pages(2).
inline constexpr std::size_t max_chunks_queried = 64 * 1024;

// The bytes of each cell on each node, every chunk weighted by its heat. One page stands for each
// chunk; successive passes query different pages. `cell_of_range` holds the cell of each range of
// the table's grid. Throws std::system_error. The result lacks memory if the process ends
// meanwhile.
std::map<int, BytesByNode> read_heat_by_cell(const Process& process, PageReader& reader,
                                             const HeatTable& table,
                                             std::span<const int> cell_of_range,
                                             std::uint64_t pass);

// The bytes on each node of chunks with a known accessor, by vCPU, and by extent of the matrix for
// chunks that several vCPUs access. Pages are queried as by read_heat_by_cell().
OwnedBytes read_owned_bytes(const Process& process, PageReader& reader, const HeatTable& table,
                            const AccessMatrix& access_matrix, std::uint64_t pass);

// The chunks with a known accessor. Neighbours with the same accessor and extent are joined. Pure.
std::vector<OwnRange> own_ranges(const HeatTable& table, const AccessMatrix& access_matrix);

}  // namespace vnuma
