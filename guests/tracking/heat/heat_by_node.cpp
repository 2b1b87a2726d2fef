#include "guests/tracking/heat/heat_by_node.hpp"

#include <algorithm>
#include <array>

#include "guests/memory/chunk_residency.hpp"
#include "guests/memory/residency_scan.hpp"

namespace vnuma {
namespace {

// Calls visit(range, chunk, node, bytes) for each queried chunk that has a page. If a guest has
// more than max_chunks_queried chunks, one of `step` chunks is queried, another in each pass, and
// `bytes` includes the chunks it stands for.
template <typename Visit>
void visit_nodes(const Process& process, PageReader& reader, const ChunkGrid& grid,
                 std::uint64_t pass, Visit visit) {
    const std::size_t step = grid.size() / max_chunks_queried + 1;
    const std::uint64_t stride = grid.chunk_bytes() * step;
    const std::uint64_t offset_in_stride =
        pass % step * grid.chunk_bytes() +
        static_cast<std::uint64_t>(sampled_page(pass)) * small_page_bytes;
    std::array<int, max_pages_per_read> nodes;
    for (std::size_t r = 0; r < grid.ranges().size(); ++r) {
        const RamRange& range = grid.ranges()[r];
        const std::uint64_t offset =
            std::min(offset_in_stride, range.size - std::min(range.size, small_page_bytes));
        for (std::uint64_t at = offset; at < range.size;) {
            const std::size_t count =
                std::min<std::uint64_t>((range.size - at - 1) / stride + 1, nodes.size());
            const std::span<int> queried(nodes.data(), count);
            if (reader.read_nodes(process, range.start + at, stride, queried).gone) return;
            for (std::size_t i = 0; i < count; ++i) {
                const std::uint64_t page = at + i * stride;
                if (queried[i] >= 0)
                    visit(r, grid.first_chunk(r) + page / grid.chunk_bytes(), queried[i],
                          std::min(range.size - page / stride * stride, stride));
            }
            at += count * stride;
        }
    }
}

}  // namespace

std::map<int, BytesByNode> read_heat_by_cell(const Process& process, PageReader& reader,
                                             const HeatTable& table,
                                             std::span<const int> cell_of_range,
                                             std::uint64_t pass) {
    std::map<int, BytesByNode> heat;
    visit_nodes(process, reader, table.grid(), pass,
                [&](std::size_t range, std::size_t chunk, int node, std::uint64_t bytes) {
                    if (table.heat(chunk) > 0)
                        heat[cell_of_range[range]][node] +=
                            static_cast<std::int64_t>(bytes * table.heat(chunk) / max_level);
                });
    return heat;
}

OwnedBytes read_owned_bytes(const Process& process, PageReader& reader, const HeatTable& table,
                            const AccessMatrix& access_matrix, std::uint64_t pass) {
    OwnedBytes owned;
    visit_nodes(process, reader, table.grid(), pass,
                [&](std::size_t, std::size_t chunk, int node, std::uint64_t bytes) {
                    const Accessor accessor = table.accessor(chunk);
                    if (accessor.kind == Accessor::unknown) return;
                    BytesByNode& nodes = accessor.kind == Accessor::one
                                             ? owned.by_vcpu[accessor.vcpu]
                                             : owned.shared[access_matrix.extent_of(chunk)];
                    nodes[node] += static_cast<std::int64_t>(bytes);
                });
    return owned;
}

std::vector<OwnRange> own_ranges(const HeatTable& table, const AccessMatrix& access_matrix) {
    std::vector<OwnRange> ranges;
    for (std::size_t chunk = 0; chunk < table.grid().size(); ++chunk) {
        const Accessor accessor = table.accessor(chunk);
        if (accessor.kind == Accessor::unknown) continue;
        const int vcpu = accessor.kind == Accessor::one ? accessor.vcpu : OwnRange::shared;
        const OwnRange here{table.grid().chunk(chunk), vcpu, access_matrix.extent_of(chunk)};
        const OwnRange* last = ranges.empty() ? nullptr : &ranges.back();
        if (last && last->vcpu == here.vcpu && last->extent == here.extent &&
            last->memory.start + last->memory.size == here.memory.start)
            ranges.back().memory.size += here.memory.size;
        else
            ranges.push_back(here);
    }
    return ranges;
}

}  // namespace vnuma
