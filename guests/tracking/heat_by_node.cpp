#include "guests/tracking/heat_by_node.hpp"

#include <algorithm>
#include <array>

#include "guests/chunks.hpp"
#include "guests/residency.hpp"

namespace vnuma {

std::map<int, HeatByNode> read_heat_by_cell(const Process& process, PageReader& reader,
                                            const HeatTable& table, std::span<const int> owner,
                                            std::uint64_t pass) {
    const ChunkGrid& grid = table.grid();
    const std::size_t step = grid.size() / max_chunks_asked + 1;
    std::array<int, max_pages_asked> nodes;
    std::map<int, HeatByNode> heat;
    for (std::size_t r = 0; r < grid.ranges().size(); ++r) {
        const RamRange& range = grid.ranges()[r];
        const std::uint64_t stride = grid.chunk_bytes() * step;
        const std::uint64_t offset =
            std::min(static_cast<std::uint64_t>(sampled_page(pass)) * small_page_bytes,
                     range.size - std::min(range.size, small_page_bytes));
        for (std::uint64_t at = offset; at < range.size;) {
            const std::size_t count =
                std::min<std::uint64_t>((range.size - at - 1) / stride + 1, nodes.size());
            const std::span<int> asked(nodes.data(), count);
            if (reader.page_nodes(process, range.start + at, stride, asked).gone) return heat;
            for (std::size_t i = 0; i < count; ++i) {
                const std::size_t chunk =
                    grid.first_chunk(r) + (at + i * stride) / grid.chunk_bytes();
                if (asked[i] < 0 || table.heat(chunk) == 0) continue;
                // Those that were not asked are taken to be like the one that was.
                const std::uint64_t bytes = std::min(range.size - (at + i * stride), stride);
                heat[owner[r]][asked[i]] +=
                    static_cast<std::int64_t>(bytes * table.heat(chunk) / max_level);
            }
            at += count * stride;
        }
    }
    return heat;
}

}  // namespace vnuma
