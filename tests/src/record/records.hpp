// Records for tests: of random hosts, and of a small host over some ticks.
#pragma once

#include "policy/learn.hpp"
#include "src/record/record.hpp"
#include "tests/policy/hosts.hpp"

namespace vnuma::test {

// Each optional value is present or absent at random.
class RandomRecords {
  public:
    explicit RandomRecords(unsigned seed) : random_(seed) {}

    // With the plan that the planner makes.
    Record make() {
        Record record;
        record.settings = settings();
        record.snapshot = random_snapshot(random_);
        nodes_ = record.snapshot.topology.nodes.size();
        record.snapshot.now = up_to(1'000'000'000);
        if (coin()) record.snapshot.guests.push_back(wide_guest());
        for (HostNode& node : record.snapshot.topology.nodes)
            fill(node);
        pools_ = coin() ? nodes_ + static_cast<std::size_t>(up_to(3)) : 0;
        for (std::size_t p = 0; p < pools_; ++p)
            record.snapshot.topology.pools.push_back({NodeIndex(p % nodes_), up_to(8000)});
        for (GuestState& guest : record.snapshot.guests)
            fill(guest);
        record.snapshot.groups = {{"near", Arrangement::together}, {"far", Arrangement::apart}};
        record.history = history(record);
        record.plan = plan(record.snapshot, record.history, record.settings);
        return record;
    }

    // A plan that no planner makes.
    Plan nonsense(Plan plan) {
        for (Verdict& verdict : plan.verdicts) {
            verdict.home.reset();
            verdict.alternative.reset();
            if (coin()) verdict.home = nonsense_home();
            if (coin()) verdict.alternative = nonsense_alternative();
            if (coin()) verdict.vcpus = {0, count()};
            if (coin()) verdict.detail = "\"quoted\"\n\xc3\xa4";
            verdict.roaming_cost.reset();
            if (coin()) verdict.roaming_cost = up_to(1'000'000);
            verdict.unspread_vcpus = static_cast<int>(up_to(1));
            verdict.reason = reasons[static_cast<std::size_t>(up_to(reasons.size() - 1))].first;
            plan.actions.emplace_back(UnpinCell{verdict.key});
            plan.actions.emplace_back(
                MoveMemory{verdict.key, node(), up_to(gib), {count()}, {count(), 9}});
        }
        return plan;
    }

    std::int64_t up_to(std::int64_t most) {
        return std::uniform_int_distribution<std::int64_t>(0, most)(random_);
    }

  private:
    bool coin() { return up_to(1) == 1; }
    NodeIndex node() { return NodeIndex(static_cast<std::size_t>(up_to(nodes_ - 1))); }
    std::size_t count() { return static_cast<std::size_t>(1 + up_to(7)); }

    Home nonsense_home() {
        Home home{node(), -up_to(1'000'000)};
        if (coin()) home.former = FormerHome{node(), up_to(1'000'000), up_to(gib)};
        home.to_move = up_to(gib);
        home.left_away = up_to(gib);
        if (coin()) home.queued_behind = up_to(gib);
        if (coin()) home.memory = node();
        return home;
    }

    Alternative nonsense_alternative() {
        Alternative alternative{node()};
        alternative.lack = lacks[static_cast<std::size_t>(up_to(lacks.size() - 1))].first;
        if (coin()) alternative.cost = up_to(1'000'000);
        if (coin()) alternative.shortage = Shortage{up_to(gib), -up_to(gib), coin() ? 1 : 0};
        if (coin()) alternative.apart_from = "other";
        return alternative;
    }

    std::vector<Bytes> bytes_by_node(Bytes most) {
        std::vector<Bytes> bytes(nodes_);
        for (Bytes& one : bytes)
            one = up_to(most);
        return bytes;
    }

    PlannerSettings settings() {
        return {1 + up_to(100'000),
                up_to(999),
                up_to(1'000'000),
                up_to(gib),
                up_to(500),
                up_to(1000),
                1 + static_cast<int>(up_to(max_changes_per_hour - 1))};
    }

    GuestState wide_guest() {
        std::vector<std::size_t> of_vcpus(18 + count());
        for (std::size_t& one : of_vcpus)
            one = node();
        return make_wide_guest("wide", of_vcpus, nodes_);
    }

    void fill(HostNode& node) {
        node.other_use = up_to(2000);
        if (coin()) node.huge_available = {{2 * mib, up_to(gib)}, {gib, up_to(4) * gib}};
    }

    void fill(GuestState& guest) {
        if (up_to(7) == 0) guest.unsteady = "it is paused";
        if (!guest.wide && coin()) {
            guest.cells.push_back(guest.cells.front());
            guest.cells.back().key.cell = 1 + static_cast<int>(up_to(3));
            if (coin()) guest.distances = {{10, 20}, {20, 10}};
        }
        if (guest.wide)
            for (std::vector<Bytes>& shared : guest.wide->shared)
                shared = bytes_by_node(100 * mib);
        for (CellState& cell : guest.cells)
            fill(cell);
        if (coin()) guest.devices = {node(), node()};
        guest.policy.mode = modes[static_cast<std::size_t>(up_to(modes.size() - 1))].first;
        guest.policy.memory = coin() ? MemoryPolicy::eager : MemoryPolicy::lazy;
        guest.policy.priority = static_cast<int>(up_to(200)) - 100;
        if (coin()) guest.policy.group = coin() ? "near" : "far";
        if (coin()) guest.policy.nodes.emplace(count() - 1, 1);
        if (coin()) guest.policy.home = {0};
        if (coin()) guest.policy.problems = {"the metadata's home: is no node"};
    }

    void fill(CellState& cell) {
        cell.size = up_to(8) * gib;
        if (coin()) cell.heat = bytes_by_node(gib);
        if (up_to(3) == 0) cell.huge_page = 2 * mib;
        cell.movable = up_to(3) > 0;
        if (up_to(3) == 0) cell.allowed.erase(node());
        if (coin()) cell.confined_to = node();
        cell.pinned = cell.confined_to && coin();
        for (std::size_t p = 0; p < pools_; ++p)
            if (coin()) cell.cpu_pools.push_back(p);
        if (up_to(7) == 0) cell.unspread_vcpus = 1;
    }

    History history(const Record& record) {
        History history =
            learn({}, record.snapshot, plan(record.snapshot, {}, record.settings), {});
        for (auto& [key, cell] : history.cells) {
            cell.home_since = up_to(record.snapshot.now);
            if (coin()) cell.home = node();
            if (coin()) cell.failures = static_cast<int>(up_to(max_counted_failures));
            if (coin()) cell.retry_at = record.snapshot.now + up_to(100'000) - 50'000;
            cell.roams = up_to(3) == 0;
            if (coin()) history.changes[key.uuid] = {up_to(1000), 1000 + up_to(1000)};
        }
        return history;
    }

    std::mt19937 random_;
    std::size_t nodes_ = 1, pools_ = 0;
};

inline Snapshot small_host() {
    GuestState web = make_guest("web", 2, 900, {gib, gib});
    web.cells[0].heat = {gib / 8, gib / 4};
    GuestState database = make_guest("database", 2, 1500, {0, 2 * gib});
    database.cells[0].movable = false;
    database.devices = {NodeIndex(1)};
    GuestState watched = make_guest("watched", 1, 300, {gib / 2, gib / 2});
    watched.policy.mode = Mode::advise;
    GuestState first = make_guest("first", 1, 200, {gib, 0});
    GuestState second = make_guest("second", 1, 200, {gib, 0});
    first.policy.group = second.policy.group = "pair";
    GuestState cells = make_guest("cells", 1, 250, {gib / 2, 0});
    cells.cells.push_back(cells.cells[0]);
    cells.cells[1].key.cell = 1;
    cells.distances = {{10, 20}, {20, 10}};
    const GuestState wide = make_wide_guest("wide", {0, 1, 0, 1, 0, 1}, 2, {0, 1, 0, 1, 0, 1});
    Snapshot host = make_snapshot(make_topology(2, 4, 12 * gib),
                                  {web, database, watched, first, second, cells, wide});
    host.groups = {{"pair", Arrangement::apart}};
    return host;
}

// Twelve ticks of the small host. The plan of each tick is carried out before the next, but one
// action fails in the first tick. Meanwhile one guest is migrated for two ticks, one loses a node,
// and node 0 fills up.
inline std::vector<Record> records_of_small_host() {
    constexpr int ticks = 12;
    std::vector<Record> records;
    Record now;
    now.settings.cool_down = 2000;
    now.snapshot = small_host();
    for (int tick = 0; tick < ticks; ++tick) {
        now.snapshot.now += 2000;
        CellState& web = now.snapshot.guests[0].cells[0];
        web.cpu_use = 900 + tick * 50;
        if (tick == 4) now.snapshot.guests[1].unsteady = "it is being migrated";
        if (tick == 6) now.snapshot.guests[1].unsteady.clear();
        if (tick == 8) web.allowed.erase(NodeIndex(0));
        if (tick == 10) now.snapshot.topology.nodes[0].memory_available = gib / 4;
        now.plan = plan(now.snapshot, now.history, now.settings);
        records.push_back(now);
        std::vector<ActionResult> results;
        if (tick == 0 && !now.plan.actions.empty())
            results.push_back({now.plan.actions.back(), 0, "it has no time"});
        now.history = learn(now.history, now.snapshot, now.plan, results);
        if (!results.empty()) now.plan.actions.pop_back();
        now.snapshot = simulate(now.snapshot, now.plan);
    }
    return records;
}

}  // namespace vnuma::test
