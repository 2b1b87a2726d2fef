#include "tests/simulator/without_vnuma.hpp"

#include <algorithm>
#include <numeric>

namespace vnuma::simulator {
namespace {

std::size_t accessor_count(const Phase& phase, std::size_t buffer) {
    std::size_t count = 0;
    for (std::size_t v = 0; v < phase.cells.size(); ++v)
        count += buffer_of(phase, v) == buffer ? 1 : 0;
    return count;
}

// Any count serves: only who accesses a buffer matters here.
constexpr std::uint32_t access_count = 1000;

WideUse use_of(const std::vector<CellState>& vcpus, const Phase& phase) {
    const std::size_t count = vcpus.size(), nodes = vcpus.front().residency.size();
    WideUse use;
    use.extents = count;
    use.accesses.resize(count * count);
    use.own.assign(count, std::vector<Bytes>(nodes));
    use.shared.assign(count, std::vector<Bytes>(nodes));
    for (std::size_t v = 0; v < count; ++v) {
        use.cpu_use.push_back(vcpus[v].cpu_use);
        use.confined_to.push_back(vcpus[v].confined_to);
        const std::size_t buffer = buffer_of(phase, v);
        const std::vector<Bytes>& residency = vcpus[buffer].residency;
        if (std::accumulate(residency.begin(), residency.end(), Bytes{0}) == 0) continue;
        use.accesses[v * count + buffer] = access_count;
        (sole_accessor(phase, buffer) ? use.own[v] : use.shared[buffer]) = residency;
    }
    return use;
}

}  // namespace

std::optional<std::size_t> sole_accessor(const Phase& phase, std::size_t buffer) {
    if (accessor_count(phase, buffer) != 1) return std::nullopt;
    for (std::size_t v = 0; v < phase.cells.size(); ++v)
        if (buffer_of(phase, v) == buffer) return v;
    return std::nullopt;
}

GuestState as_one_cell(GuestState vcpus, const Phase& phase) {
    CellState all = vcpus.cells.front();
    for (std::size_t v = 1; v < vcpus.cells.size(); ++v) {
        const CellState& one = vcpus.cells[v];
        all.vcpus += one.vcpus;
        all.cpu_use += one.cpu_use;
        all.size += one.size;
        for (std::size_t n = 0; n < all.residency.size(); ++n)
            all.residency[n] += one.residency[n], all.heat[n] += one.heat[n];
        if (one.confined_to != all.confined_to) all.confined_to.reset();
        all.pinned |= one.pinned;
    }
    vcpus.wide = use_of(vcpus.cells, phase);
    vcpus.cells = {std::move(all)};
    return vcpus;
}

std::vector<std::size_t> buffers_of(const Phase& phase, const std::vector<std::size_t>& vcpus,
                                    const std::vector<std::size_t>& extents) {
    std::vector<std::size_t> buffers = extents;
    for (const std::size_t vcpu : vcpus)
        if (const std::size_t buffer = buffer_of(phase, vcpu); sole_accessor(phase, buffer))
            buffers.push_back(buffer);
    if (vcpus.empty()) {
        buffers.resize(phase.cells.size());
        std::iota(buffers.begin(), buffers.end(), std::size_t{0});
    }
    std::sort(buffers.begin(), buffers.end());
    buffers.erase(std::unique(buffers.begin(), buffers.end()), buffers.end());
    return buffers;
}

}  // namespace vnuma::simulator
