#include "policy/search/move_schedule.hpp"

#include <algorithm>
#include <map>

namespace vnuma {
namespace {

// More than any host moves; sums stay inside 64 bits.
constexpr Bytes most_pace = Bytes{1} << 40;

class Scheduler {
  public:
    Scheduler(std::vector<WantedMove> moves, const Topology& topology,
              const PlannerSettings& settings)
        : moves_(std::move(moves)), topology_(topology), settings_(settings) {
        std::stable_sort(
            moves_.begin(), moves_.end(),
            [](const WantedMove& a, const WantedMove& b) { return a.rank() > b.rank(); });
        begins_.resize(moves_.size());
    }

    MoveSchedule run() {
        choose();
        MoveSchedule schedule;
        Bytes before = 0;
        for (std::size_t i = 0; i < moves_.size(); ++i) {
            const Bytes bytes = moves_[i].move.bytes;
            if (begins_[i])
                schedule.begin.push_back(std::move(moves_[i].move));
            else
                schedule.wait.push_back({moves_[i].verdict, before});
            before += bytes;
        }
        return schedule;
    }

  private:
    // Who comes after one that waits does so, too: or many small ones would starve a large one.
    void choose() {
        const Bytes most = std::min(settings_.pace, most_pace) / 1000 * settings_.horizon;
        Bytes before = 0;
        for (std::size_t i = 0; i < moves_.size(); ++i) {
            const Bytes bytes = moves_[i].move.bytes;
            if (before > 0 && before + bytes > most) return;
            before += bytes;
            if (!begins_[i]) begin(i);
        }
    }

    static Bytes leaves(const WantedMove& wanted, std::size_t n) {
        return n < wanted.from.size() ? wanted.from[n] : 0;
    }

    // What a node has left for such pages as it is now.
    Bytes& room(Bytes huge_page, std::size_t n) {
        const auto [known, is_new] = rooms_.try_emplace({huge_page, n}, 0);
        const HostNode& node = topology_.nodes[n];
        const auto pool = node.huge_available.find(huge_page);
        if (is_new && huge_page == 0)
            known->second =
                filled_at_most(node, settings_) - (node.memory_total - node.memory_available);
        else if (is_new && pool != node.huge_available.end())
            known->second = pool->second;
        return known->second;
    }

    // With those that make room for it where there is too little, and for these, the best first.
    void begin(std::size_t first) {
        begins_[first] = true;
        for (std::vector<std::size_t> begun{first}; !begun.empty();) {
            const WantedMove& wanted = moves_[begun.back()];
            begun.pop_back();
            const NodeIndex to = wanted.move.to;
            room(wanted.huge_page, to) -= wanted.move.bytes;
            for (std::size_t n = 0; n < topology_.nodes.size(); ++n)
                if (NodeIndex(n) != to) room(wanted.huge_page, n) += leaves(wanted, n);
            Bytes missing = -room(wanted.huge_page, to);
            for (std::size_t i = 0; i < moves_.size() && missing > 0; ++i) {
                const WantedMove& other = moves_[i];
                if (begins_[i] || other.huge_page != wanted.huge_page || other.move.to == to ||
                    leaves(other, to) <= settled_bytes)
                    continue;
                begins_[i] = true;
                begun.push_back(i);
                missing -= leaves(other, to);
            }
        }
    }

    std::vector<WantedMove> moves_;
    const Topology& topology_;
    const PlannerSettings& settings_;
    std::vector<bool> begins_;
    std::map<std::pair<Bytes, std::size_t>, Bytes> rooms_;  // by pool and node
};

}  // namespace

MoveSchedule schedule_moves(std::vector<WantedMove> moves, const Topology& topology,
                            const PlannerSettings& settings) {
    return Scheduler(std::move(moves), topology, settings).run();
}

}  // namespace vnuma
