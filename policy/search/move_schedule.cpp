#include "policy/search/move_schedule.hpp"

#include <algorithm>
#include <map>

namespace vnuma {
namespace {

// Bytes per second, more than any host moves. With this limit all sums fit into 64 bits.
constexpr Bytes max_pace = Bytes{1} << 40;

class Scheduler {
  public:
    Scheduler(std::vector<MoveRequest> moves, const Topology& topology,
              const PlannerSettings& settings)
        : moves_(std::move(moves)), topology_(topology), settings_(settings) {
        std::stable_sort(
            moves_.begin(), moves_.end(),
            [](const MoveRequest& a, const MoveRequest& b) { return a.rank() > b.rank(); });
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
    void choose() {
        const Bytes most = std::min(settings_.pace, max_pace) / 1000 * settings_.horizon;
        Bytes before = 0;
        for (std::size_t i = 0; i < moves_.size(); ++i) {
            const Bytes bytes = moves_[i].move.bytes;
            if (before > 0 && before + bytes > most) return;
            before += bytes;
            if (!begins_[i]) begin(i);
        }
    }

    // Begins a move, the moves that make room for it where there is too little, the moves that make
    // room for those, and so on. Of several that could, the highest rank does.
    void begin(std::size_t first) {
        begins_[first] = true;
        for (std::vector<std::size_t> begun{first}; !begun.empty();) {
            const MoveRequest& request = moves_[begun.back()];
            begun.pop_back();
            const NodeIndex to = request.move.to;
            room(request.huge_page, to) -= request.move.bytes;
            for (std::size_t n = 0; n < topology_.nodes.size(); ++n)
                if (NodeIndex(n) != to) room(request.huge_page, n) += bytes_from(request, n);
            Bytes missing = -room(request.huge_page, to);
            for (std::size_t i = 0; i < moves_.size() && missing > 0; ++i) {
                const MoveRequest& other = moves_[i];
                if (begins_[i] || other.huge_page != request.huge_page || other.move.to == to ||
                    bytes_from(other, to) <= settled_bytes)
                    continue;
                begins_[i] = true;
                begun.push_back(i);
                missing -= bytes_from(other, to);
            }
        }
    }

    static Bytes bytes_from(const MoveRequest& request, std::size_t node) {
        return node < request.from.size() ? request.from[node] : 0;
    }

    // Bytes that a pool has left on a node once all moves that begin have ended.
    Bytes& room(Bytes huge_page, std::size_t n) {
        const auto [known, is_new] = rooms_.try_emplace({huge_page, n}, 0);
        const HostNode& node = topology_.nodes[n];
        const auto pool = node.huge_available.find(huge_page);
        if (is_new && huge_page == 0)
            known->second =
                max_used_memory(node, settings_) - (node.memory_total - node.memory_available);
        else if (is_new && pool != node.huge_available.end())
            known->second = pool->second;
        return known->second;
    }

    std::vector<MoveRequest> moves_;  // the highest rank first
    const Topology& topology_;
    const PlannerSettings& settings_;
    std::vector<bool> begins_;                              // by move
    std::map<std::pair<Bytes, std::size_t>, Bytes> rooms_;  // by page size of the pool, and node
};

}  // namespace

MoveSchedule schedule_moves(std::vector<MoveRequest> moves, const Topology& topology,
                            const PlannerSettings& settings) {
    return Scheduler(std::move(moves), topology, settings).run();
}

}  // namespace vnuma
