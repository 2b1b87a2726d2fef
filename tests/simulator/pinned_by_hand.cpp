#include "tests/simulator/pinned_by_hand.hpp"

#include <algorithm>
#include <numeric>
#include <optional>

#include "policy/search/cost.hpp"
#include "policy/units/coupling.hpp"

namespace vnuma::simulator {
namespace {

const PlannerSettings settings;

// All placements are tried up to this number. Beyond it there are searches from random starting
// points.
constexpr std::size_t max_exhaustive = 100'000;
constexpr int random_starts = 100;
constexpr int max_rounds = 100;

// The homes of the new cells, under search.
class Assignment {
  public:
    struct Cell {
        const CellState* state = nullptr;
        PinnedByHand::Need need;
        std::size_t guest = 0;
        int siblings = 1;  // other cells of the guest, at least 1
    };

    Assignment(const Snapshot& host, const std::map<CellKey, PinnedByHand::Need>& needs)
        : topology_(&host.topology) {
        for (const HostNode& node : topology_->nodes) {
            memory_.push_back(node.memory_total - node.memory_available);
            use_.push_back(node.other_use);
        }
        for (const GuestState& guest : host.guests)
            for (const CellState& cell : guest.cells)
                if (cell.confined_to) {
                    const PinnedByHand::Need& need = needs.at(cell.key);
                    memory_[*cell.confined_to] += need.size - cell.residency[*cell.confined_to];
                    use_[*cell.confined_to] += need.use;
                }
    }

    void add(const Cell& cell) {
        cells_.push_back(cell);
        homes_.emplace_back();
    }
    std::size_t cells() const { return cells_.size(); }
    std::size_t nodes() const { return topology_->nodes.size(); }
    const std::vector<std::optional<std::size_t>>& homes() const { return homes_; }

    bool may_go(std::size_t cell, std::size_t node) const {
        return cells_[cell].state->allowed.contains(NodeIndex(node)) &&
               memory_[node] + cells_[cell].need.size <=
                   max_used_memory(topology_->nodes[node], settings);
    }

    void put(std::size_t cell, std::optional<std::size_t> node) {
        const PinnedByHand::Need& need = cells_[cell].need;
        if (homes_[cell]) memory_[*homes_[cell]] -= need.size, use_[*homes_[cell]] -= need.use;
        homes_[cell] = node;
        if (node) memory_[*node] += need.size, use_[*node] += need.use;
    }

    Cost cost() const {
        constexpr Cost homeless = Cost{1} << 40;
        Cost cost = 0;
        for (std::size_t n = 0; n < nodes(); ++n)
            cost += node_cost(topology_->nodes[n], use_[n], settings);
        for (std::size_t a = 0; a < cells(); ++a) {
            if (!homes_[a]) cost += homeless;
            for (std::size_t b = 0; b < a; ++b)
                if (cells_[a].guest == cells_[b].guest && homes_[a] && homes_[b])
                    cost += between(cells_[a], cells_[b], *homes_[a], *homes_[b]);
        }
        return cost;
    }

  private:
    Cost between(const Cell& a, const Cell& b, std::size_t at_a, std::size_t at_b) const {
        if (at_a == at_b)
            return sibling_cost(std::max(use_as_sibling(a.need.use, a.state->vcpus),
                                         use_as_sibling(b.need.use, b.state->vcpus)),
                                settings);
        return traffic_cost((a.need.use + b.need.use) * a.need.cross_cell_share / a.siblings / 1000,
                            excess_of(topology_->distances[at_a][at_b]), settings);
    }

    const Topology* topology_;
    std::vector<Bytes> memory_;  // by node
    std::vector<MilliCpu> use_;
    std::vector<Cell> cells_;
    std::vector<std::optional<std::size_t>> homes_;  // by cell
};

// Tries all placements of the cells from `index` on.
void try_all(Assignment& assignment, std::size_t index, Assignment& best) {
    if (index == assignment.cells()) {
        if (assignment.cost() < best.cost()) best = assignment;
        return;
    }
    bool any = false;
    for (std::size_t n = 0; n < assignment.nodes(); ++n) {
        if (!assignment.may_go(index, n)) continue;
        any = true;
        assignment.put(index, n);
        try_all(assignment, index + 1, best);
        assignment.put(index, std::nullopt);
    }
    if (!any) try_all(assignment, index + 1, best);
}

// Places the cells in this order, each where it costs least, and then moves single cells while that
// lowers the cost.
void descend(Assignment& assignment, const std::vector<std::size_t>& order) {
    bool improves = true;
    for (int round = 0; improves && round < max_rounds; ++round) {
        improves = false;
        for (const std::size_t cell : order) {
            const auto before = assignment.homes()[cell];
            auto best = before;
            Cost best_cost = assignment.cost();
            assignment.put(cell, std::nullopt);
            for (std::size_t n = 0; n < assignment.nodes(); ++n) {
                if (!assignment.may_go(cell, n)) continue;
                assignment.put(cell, n);
                if (const Cost cost = assignment.cost(); cost < best_cost)
                    best = n, best_cost = cost;
                assignment.put(cell, std::nullopt);
            }
            assignment.put(cell, best);
            improves |= best != before;
        }
    }
}

void search_randomly(Assignment& best, std::mt19937& random) {
    const Assignment empty = best;
    std::vector<std::size_t> order(empty.cells());
    std::iota(order.begin(), order.end(), std::size_t{0});
    for (int start = 0; start < random_starts; ++start) {
        for (std::size_t i = order.size(); i > 1; --i)
            std::swap(order[i - 1], order[random() % i]);
        Assignment tried = empty;
        descend(tried, order);
        if (tried.cost() < best.cost()) best = tried;
    }
}

}  // namespace

PinnedByHand::PinnedByHand(const Trace& trace) : random_(trace.seed) {
    for (const GuestTrace& guest : trace.guests)
        for (std::size_t c = 0; c < guest.cells.size(); ++c) {
            Need need;
            const Millis life =
                std::max<Millis>(std::min(guest.departs, trace.length) - guest.arrives, 1);
            for (std::size_t p = 0; p < guest.phases.size(); ++p) {
                const Millis begins = std::min(guest.phases[p].begins, life),
                             ends = p + 1 < guest.phases.size()
                                        ? std::min(guest.phases[p + 1].begins, life)
                                        : life;
                need.use += guest.phases[p].cells[c].work * (ends - begins) / life;
                need.cross_cell_share += guest.phases[p].cross_cell_share * (ends - begins) / life;
                need.size = std::max(need.size, guest.phases[p].cells[c].size);
            }
            Need& known = needs_[{uuid_of(guest), guest.wide ? 0 : static_cast<int>(c)}];
            known.use += need.use;
            known.size += need.size;
            known.cross_cell_share += need.cross_cell_share;
        }
}

std::vector<Order> PinnedByHand::place(const Snapshot& host,
                                       const std::vector<GuestState>& newcomers) {
    Assignment assignment(host, needs_);
    std::vector<const CellState*> cells;
    for (std::size_t g = 0; g < newcomers.size(); ++g)
        for (const CellState& cell : newcomers[g].cells) {
            const int siblings = std::max(static_cast<int>(newcomers[g].cells.size()) - 1, 1);
            assignment.add({&cell, needs_.at(cell.key), g, siblings});
            cells.push_back(&cell);
        }
    std::size_t placements = 1;
    for (std::size_t i = 0; i < cells.size() && placements <= max_exhaustive; ++i)
        placements *= assignment.nodes();
    if (placements <= max_exhaustive) {
        Assignment tried = assignment;
        try_all(tried, 0, assignment);
    } else {
        search_randomly(assignment, random_);
    }
    std::vector<Order> orders;
    for (std::size_t i = 0; i < cells.size(); ++i)
        if (const auto home = assignment.homes()[i])
            orders.push_back({cells[i]->key, NodeSet::only(NodeIndex(*home))});
    return orders;
}

}  // namespace vnuma::simulator
