#include "src/ctl/whatif/locality.hpp"

#include <algorithm>
#include <numeric>

namespace vnuma::ctl {
namespace {

using Shares = std::vector<PerMille>;  // by NodeIndex

Shares on_one_node(std::size_t nodes, NodeIndex node) {
    Shares shares(nodes);
    shares[node] = 1000;
    return shares;
}

Shares spread_over(const Topology& topology, NodeSet allowed) {
    Shares shares(topology.nodes.size());
    MilliCpu all = 0;
    for (std::size_t n = 0; n < shares.size(); ++n)
        if (allowed.contains(NodeIndex(n))) all += topology.nodes[n].cpu_capacity;
    for (std::size_t n = 0; n < shares.size(); ++n)
        if (all > 0 && allowed.contains(NodeIndex(n)))
            shares[n] = topology.nodes[n].cpu_capacity * 1000 / all;
    return shares;
}

Shares shares_of(const Topology& topology, const CellState& cell,
                 const std::optional<NodeIndex>& confined_to) {
    return confined_to ? on_one_node(topology.nodes.size(), *confined_to)
                       : spread_over(topology, cell.allowed);
}

// In KiB, so that all sums and products fit into 64 bits.
std::int64_t kib_in(const std::vector<Bytes>& bytes) {
    std::int64_t sum = 0;
    for (const Bytes here : bytes)
        sum += here / 1024;
    return sum;
}

PerMille local_part(const Shares& running, const std::vector<Bytes>& accessed) {
    const std::int64_t all = kib_in(accessed);
    if (all == 0) return 1000;
    PerMille local = 0;
    for (std::size_t n = 0; n < running.size(); ++n)
        local += running[n] * (accessed[n] / 1024 * 1000 / all);
    return std::min<PerMille>(local / 1000, 1000);
}

const std::vector<Bytes>& accessed_bytes_of(const CellState& cell) {
    return kib_in(cell.heat) > 0 ? cell.heat : cell.residency;
}

// vCPUs that use no CPU weigh a little, so that an idle guest has shares too.
MilliCpu weight_of(const WideUse& wide, std::size_t vcpu) {
    return std::max<MilliCpu>(wide.cpu_use[vcpu], 1);
}

MilliCpu all_weights(const WideUse& wide) {
    MilliCpu sum = 0;
    for (std::size_t v = 0; v < wide.vcpus(); ++v)
        sum += weight_of(wide, v);
    return std::max<MilliCpu>(sum, 1);
}

// Whether the vCPUs of the cell have to be looked at one by one.
bool is_split(const GuestState& guest, const CellState& cell) {
    return guest.wide && guest.wide->vcpus() > 0 && !cell.confined_to;
}

}  // namespace

std::vector<PerMille> running_shares(const Topology& topology, const GuestState& guest,
                                     const CellState& cell) {
    if (!is_split(guest, cell)) return shares_of(topology, cell, cell.confined_to);
    Shares sum(topology.nodes.size());
    for (std::size_t v = 0; v < guest.wide->vcpus(); ++v) {
        const Shares own = shares_of(topology, cell, guest.wide->confined_to[v]);
        for (std::size_t n = 0; n < sum.size(); ++n)
            sum[n] += own[n] * weight_of(*guest.wide, v);
    }
    for (PerMille& share : sum)
        share /= all_weights(*guest.wide);
    return sum;
}

PerMille local_share(const Topology& topology, const GuestState& guest, const CellState& cell) {
    const std::vector<Bytes>& of_cell = accessed_bytes_of(cell);
    if (!is_split(guest, cell))
        return local_part(shares_of(topology, cell, cell.confined_to), of_cell);
    const WideUse& wide = *guest.wide;
    PerMille sum = 0;
    for (std::size_t v = 0; v < wide.vcpus(); ++v) {
        const std::vector<Bytes>& own = kib_in(wide.own[v]) > 0 ? wide.own[v] : of_cell;
        sum += weight_of(wide, v) * local_part(shares_of(topology, cell, wide.confined_to[v]), own);
    }
    return sum / all_weights(wide);
}

}  // namespace vnuma::ctl
