// A tick for tests of queries: a host of some nodes with two CPUs and 4 GiB each, and guests.
#pragma once

#include <algorithm>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "src/report/tick.hpp"

namespace vnuma::test {

inline constexpr const char* web1_uuid = "11111111-2222-3333-4444-555555555555";

class MadeUpTick {
  public:
    // The kernel's numbers of the nodes are 0, 1, ...; node N has CPUs 2N and 2N+1.
    explicit MadeUpTick(std::size_t nodes = 2) {
        for (std::size_t n = 0; n < nodes; ++n) {
            HostNode node;
            node.id = static_cast<int>(n);
            node.cpus = 2;
            node.cpu_capacity = 2000;
            node.memory_total = 4096 * mib;
            node.memory_available = 1024 * mib;
            tick.host.topology.nodes.push_back(node);
            tick.host.topology.distances.emplace_back(nodes, 21)[n] = local_distance;
            const int cpu = static_cast<int>(n) * 2;
            tick.host.cpus.push_back({cpu, cpu + 1});
        }
        tick.number = 7;
        tick.time_ms = 1'000'000;
        tick.snapshot.topology = tick.host.topology;
        tick.look = look;
    }

    // A running guest of libvirt's with one cell. Guests have to be added in the order of their
    // UUIDs. `cpus`: where its vCPUs ran last; `memory`: bytes by node.
    void add_guest(const std::string& name, const std::string& uuid, const std::vector<int>& cpus,
                   std::vector<Bytes> memory) {
        GuestSample sample;
        sample.uuid = uuid;
        sample.name = name;
        sample.state = RunState::running;
        Domain domain;
        domain.uuid = uuid;
        domain.name = name;
        domain.cells.emplace_back();
        sample.domain = std::make_shared<const Domain>(domain);
        for (const HostNode& node : tick.snapshot.topology.nodes)
            sample.memory_nodes.push_back(node.id);
        look->sample.guests.push_back(std::move(sample));
        GuestState state;
        state.uuid = uuid;
        state.name = name;
        tick.snapshot.guests.push_back(std::move(state));
        add_cell(cpus, std::move(memory));
    }

    // To the guest that was added last.
    void add_cell(const std::vector<int>& cpus, std::vector<Bytes> memory) {
        GuestSample& guest = look->sample.guests.back();
        GuestState& state = tick.snapshot.guests.back();
        CellSample& sample = guest.cells.emplace_back();
        sample.id = static_cast<int>(guest.cells.size()) - 1;
        for (const int cpu : cpus) {
            VcpuSample& vcpu = sample.vcpus.emplace_back();
            vcpu.id = vcpus_;
            vcpu.thread = 100 + vcpus_++;
            vcpu.last_cpu = cpu;
        }
        CellState& cell = state.cells.emplace_back();
        cell.key = {guest.uuid, sample.id};
        cell.vcpus = static_cast<int>(cpus.size());
        cell.cpu_use = 1000 * static_cast<MilliCpu>(cpus.size());
        for (std::size_t n = 0; n < memory.size(); ++n) {
            sample.size += memory[n];
            if (memory[n] > 0)
                sample.residency.bytes[tick.snapshot.topology.nodes[n].id] = memory[n];
        }
        cell.size = sample.size;
        cell.residency = std::move(memory);
        cell.heat.resize(cell.residency.size());
        cell.allowed = NodeSet::first(tick.snapshot.topology.nodes.size());
    }

    // Of the cell that was added last.
    Verdict& add_verdict(Reason reason) {
        Verdict verdict;
        verdict.key = tick.snapshot.guests.back().cells.back().key;
        verdict.reason = reason;
        tick.plan.verdicts.push_back(verdict);
        return tick.plan.verdicts.back();
    }
    Verdict& add_verdict(Reason reason, std::size_t home, Cost cost = 20) {
        Verdict& verdict = add_verdict(reason);
        verdict.home = Home{NodeIndex(home), cost};
        return verdict;
    }

    GuestSample& sample(std::size_t guest = 0) { return look->sample.guests.at(guest); }
    GuestState& state(std::size_t guest = 0) { return tick.snapshot.guests.at(guest); }
    CellState& cell(std::size_t guest = 0) { return state(guest).cells.front(); }

    std::shared_ptr<Look> look = std::make_shared<Look>();
    Tick tick;

  private:
    int vcpus_ = 0;
};

// One guest, "web1", with two vCPUs: one ran last on each of the first two nodes, where it has
// 1.5 GiB and 512 MiB.
inline MadeUpTick tick_of_web1(std::size_t nodes = 2) {
    MadeUpTick made(nodes);
    std::vector<Bytes> memory(nodes);
    memory[0] = 1536 * mib;
    memory[1] = 512 * mib;
    made.add_guest("web1", web1_uuid, {0, 2}, memory);
    return made;
}

}  // namespace vnuma::test
