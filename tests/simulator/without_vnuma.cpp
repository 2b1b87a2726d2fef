#include "tests/simulator/without_vnuma.hpp"

#include <algorithm>
#include <numeric>

namespace vnuma::simulator {
namespace {

std::size_t touchers(const Phase& phase, std::size_t buffer) {
    std::size_t count = 0;
    for (std::size_t v = 0; v < phase.cells.size(); ++v)
        count += touched_by(phase, v) == buffer ? 1 : 0;
    return count;
}

// How often a buffer is looked at is of no meaning here, only by whom.
constexpr std::uint32_t seen_touching = 1000;

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
        const std::size_t buffer = touched_by(phase, v);
        const std::vector<Bytes>& there = vcpus[buffer].residency;
        if (std::accumulate(there.begin(), there.end(), Bytes{0}) == 0) continue;
        use.accesses[v * count + buffer] = seen_touching;
        (only_toucher(phase, buffer) ? use.own[v] : use.shared[buffer]) = there;
    }
    return use;
}

}  // namespace

std::optional<std::size_t> only_toucher(const Phase& phase, std::size_t buffer) {
    if (touchers(phase, buffer) != 1) return std::nullopt;
    for (std::size_t v = 0; v < phase.cells.size(); ++v)
        if (touched_by(phase, v) == buffer) return v;
    return std::nullopt;
}

GuestState seen_as_one(GuestState vcpus, const Phase& phase) {
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
                                    const std::vector<std::size_t>& groups) {
    std::vector<std::size_t> buffers = groups;
    for (const std::size_t vcpu : vcpus)
        if (const std::size_t buffer = touched_by(phase, vcpu); only_toucher(phase, buffer))
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
