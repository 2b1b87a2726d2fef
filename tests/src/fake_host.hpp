// A host in memory for tests of the loop: what is read of it, and the calls that change it.
#pragma once

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <functional>
#include <iterator>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <system_error>
#include <vector>

#include "src/act/kernel_calls.hpp"
#include "src/observe/observer.hpp"
#include "tests/src/fake_clock.hpp"
#include "tests/src/fake_guest.hpp"

namespace vnuma::test {

class FakeHost final : public Observer, public Kernel {
  public:
    // Nodes of equal size.
    FakeHost(FakeClock& clock, std::size_t nodes, int cpus, Bytes memory) : clock_(clock) {
        int cpu = 0;
        for (std::size_t n = 0; n < nodes; ++n) {
            HostNode node;
            node.id = static_cast<int>(n);
            node.cpus = cpus;
            node.cpu_capacity = cpus * 1000;
            host.topology.nodes.push_back(node);
            host.topology.distances.emplace_back(nodes, 21)[n] = local_distance;
            host.cpus.emplace_back();
            for (int c = 0; c < cpus; ++c)
                host.cpus.back().push_back(cpu++);
        }
        memory_.assign(nodes, memory);
        used_by_others.assign(nodes, 0);
        pools.assign(nodes, 0);
    }

    // What is there.
    Host host;
    std::map<std::string, FakeGuest> guests;  // by uuid
    std::vector<Bytes> used_by_others;        // by node
    std::string list_problem;                 // why guests may be missing
    RivalReading rivals;
    std::vector<Bytes> pools;  // of huge pages, by node
    Bytes pool_page = 2 * mib;
    Bytes reserved = 0;        // of all pools
    Bytes high_watermark = 0;  // of each node
    HostPressure pressure;
    bool real = true;  // false: a dry run

    // Faults: errno, 0 for none. They are called for each call.
    std::function<int(const ThreadIdentity&)> fail_affinity = [](const auto&) { return 0; };
    std::function<int(int node_id)> fail_move = [](int) { return 0; };
    std::function<int()> fail_query = [] { return 0; };
    int why_unreadable = 0;                                          // of all threads
    std::function<void()> on_read_available = [] {};                 // may throw
    std::function<void()> on_list = [] {};                           // may throw, or let time pass
    std::function<void()> on_sample = [] {};                         // the same
    std::chrono::milliseconds move_time{5};                          // of each moving call
    std::chrono::nanoseconds wait_per_call{0};                       // of the guest's first vCPU
    std::optional<Pressure> stalls;                                  // of each vCPU
    std::function<PinReply()> fail_pin = [] { return PinReply(); };  // of libvirt
    // What libvirt pins: CPUs by uuid and vCPU.
    std::map<std::pair<std::string, int>, std::vector<int>> vcpupin;
    bool jobs_known = true;                       // whether the list tells of jobs
    std::function<void()> on_read_state = [] {};  // may change states
    std::size_t affinity_calls = 0, move_calls = 0, refused_pages = 0, states_read = 0;
    std::size_t pages_in_last_call = 0;

    Bytes memory_on(const std::string& uuid, int node_id) const {
        Bytes bytes = 0;
        for (const FakeGuest::Cell& cell : guests.at(uuid).cells)
            bytes += chunk * std::count(cell.chunk_nodes.begin(), cell.chunk_nodes.end(), node_id);
        return bytes;
    }
    // What stands for one of the guest's emulator threads where a vCPU is asked for.
    static constexpr int emulator_thread(int index) { return -1 - index; }
    static constexpr int iothread(int id) { return -100 - id; }

    std::vector<int> affinity_of(const std::string& uuid, int vcpu) {
        return affinities_[thread_of(uuid, vcpu)];
    }
    void set_affinity_of(const std::string& uuid, int vcpu, const std::vector<int>& cpus) {
        affinities_[thread_of(uuid, vcpu)] = cpus;
    }

    // Observer
    std::vector<ListedGuest> list() override {
        on_list();
        std::vector<ListedGuest> listed;
        for (const auto& [uuid, guest] : guests) {
            ListedGuest& one = listed.emplace_back();
            one.uuid = uuid;
            one.name = guest.name;
            one.state = guest.state;
            one.unsteady = why_not_running(guest.state);
            one.read_at = clock_.now();
            one.job_known = jobs_known;
            one.cgroup = guest.cgroup;
            one.domain = domain_of(uuid, guest);
        }
        return listed;
    }
    std::string why_incomplete() override { return list_problem; }
    Sample sample(const std::vector<ListedGuest>& listed, const SampleRequest& request) override {
        last_request = request;
        on_sample();
        Sample sample;
        sample.time = clock_.now();
        run_time_ += sample.time - std::exchange(sampled_at_, sample.time);
        for (const ListedGuest& guest : listed)
            sample.guests.push_back(sample_of(guest));
        return sample;
    }
    std::string why_unsteady(const std::string& uuid) override {
        ++states_read;
        on_read_state();
        return why_not_running(guests.at(uuid).state);
    }
    Host follow(const Host&) override { return host; }
    HostReading read(const Host&) override {
        HostReading reading{host.topology, {}};
        for (std::size_t n = 0; n < memory_.size(); ++n) {
            HostNode& node = reading.topology.nodes[n];
            if (node.cpus > 0) node.memory_total = memory_[n];
            node.memory_available = node.cpus > 0 ? available(node.id) : 0;
            if (pools[n] > 0) node.huge_available[pool_page] = free_huge(node.id);
            reading.busy.emplace_back(0);
        }
        return reading;
    }
    RivalReading read_rivals(const std::vector<ListedGuest>&) override { return rivals; }
    std::size_t hung_calls() const override { return 0; }
    void end() override {}
    SampleRequest last_request;

    // Kernel
    bool acts() const override { return real; }
    bool is_alive(const Process&) override { return acting_on_living_; }
    std::optional<ThreadCpus> read_cpus(const ThreadIdentity& thread) override {
        const auto found = affinities_.find(thread);
        if (found == affinities_.end() || why_unreadable != 0) return std::nullopt;
        return ThreadCpus{found->second, {}};
    }
    int find_life(const ThreadIdentity& thread) override {
        if (thread.id == ::getpid()) return why_unreadable;  // the process of all guests
        return affinities_.contains(thread) ? why_unreadable : ESRCH;
    }
    std::vector<ThreadIdentity> read_threads(const ThreadIdentity&) override { return {}; }
    int read_page_nodes(const Process&, std::span<const std::uint64_t> addresses,
                        std::span<int> nodes) override {
        if (const int error = fail_query()) return error;
        for (std::size_t i = 0; i < addresses.size(); ++i) {
            const auto [cell, index, uuid] = find_chunk(addresses[i]);
            nodes[i] = cell ? cell->chunk_nodes[index] : -ENOENT;
        }
        return 0;
    }
    Bytes read_available(int node_id) override {
        on_read_available();
        return available(node_id);
    }
    CallResult set_affinity(const ThreadIdentity& thread, const std::vector<int>& cpus) override {
        ++affinity_calls;
        if (const int error = fail_affinity(thread)) return {error, {}};
        std::vector<int>& set = affinities_[thread];
        set.clear();
        const std::vector<int> online = host.online();
        std::set_intersection(cpus.begin(), cpus.end(), online.begin(), online.end(),
                              std::back_inserter(set));
        return {};
    }
    CallResult move_pages(const Process&, std::span<const std::uint64_t> addresses,
                          int node_id) override {
        ++move_calls;
        pages_in_last_call = addresses.size();
        clock_.pass(move_time);
        if (const int error = fail_move(node_id)) return {error, move_time};
        for (const std::uint64_t address : addresses) {
            const auto [cell, index, uuid] = find_chunk(address);
            if (!cell) continue;
            if (address == addresses.front()) waited_[uuid] += wait_per_call;
            if (cell->held.contains(index))
                ++refused_pages;
            else
                move_page(*cell, index, node_id);
        }
        return {0, move_time};
    }
    Bytes read_high_watermark(int) override { return high_watermark; }
    Bytes read_unreserved_huge(int node_id, Bytes) override {
        return std::max<Bytes>(free_huge(node_id) - reserved, 0);
    }
    HostPressure read_host_pressure() override { return pressure; }
    std::optional<SchedStat> read_times(const Process&, pid_t thread) override {
        for (const auto& [key, id] : threads_)
            if (id == thread) return times_of(key.first, key.second, clock_.now());
        return std::nullopt;
    }
    std::optional<Pressure> read_stalls(const Process&, pid_t) override { return stalls; }
    PinReply read_libvirt_pin(const std::string& uuid, DomainThread thread) override {
        const auto pin = vcpupin.find({uuid, thread.id});
        return {"", true, pin == vcpupin.end() ? host.online() : pin->second};
    }
    PinReply set_libvirt_pin(const std::string& uuid, DomainThread thread,
                             const std::vector<int>& cpus) override {
        PinReply reply = fail_pin();
        if (!reply.error.empty()) return reply;
        vcpupin[{uuid, thread.id}] = cpus;
        set_affinity_of(uuid, thread.id, cpus);
        return reply;
    }
    // What is_alive() says while something is done to a guest.
    void kill_before_next_call() { acting_on_living_ = false; }
    void revive() { acting_on_living_ = true; }

  private:
    static std::string why_not_running(RunState state) {
        return state == RunState::running ? "" : "it is not running";
    }

    // Cells of all guests lie 1 TiB apart, in the order in which they were first seen.
    static constexpr std::uint64_t cell_distance = std::uint64_t{1} << 40;

    ThreadIdentity thread_of(const std::string& uuid, int vcpu) {
        const auto [known, is_new] = threads_.try_emplace({uuid, vcpu}, 0);
        if (is_new) {
            known->second = static_cast<pid_t>(100'000 + threads_.size());
            std::vector<int>& all = affinities_[{known->second, 1}];
            for (const std::vector<int>& cpus : host.cpus)
                all.insert(all.end(), cpus.begin(), cpus.end());
        }
        return {known->second, 1};
    }
    std::uint64_t base_of(const std::string& uuid, std::size_t cell) {
        const auto [known, is_new] = bases_.try_emplace({uuid, cell}, 0);
        if (is_new) {
            cells_.push_back(known->first);
            known->second = cell_distance * cells_.size();
        }
        return known->second;
    }
    struct Chunk {
        FakeGuest::Cell* cell = nullptr;  // null if there is none
        std::size_t index = 0;
        std::string uuid{};
    };
    Chunk find_chunk(std::uint64_t address) {
        const std::uint64_t number = address / cell_distance,
                            index = address % cell_distance / chunk;
        if (number == 0 || number > cells_.size()) return {};
        const auto& [uuid, id] = cells_[number - 1];
        const auto guest = guests.find(uuid);
        if (guest == guests.end()) return {};
        FakeGuest::Cell& cell = guest->second.cells[id];
        return index < cell.chunk_nodes.size() ? Chunk{&cell, index, uuid} : Chunk();
    }
    // What guests have there of ordinary memory, or of huge pages.
    Bytes used(int node_id, bool hugetlb) const {
        Bytes bytes = 0;
        for (const auto& [uuid, guest] : guests)
            for (const FakeGuest::Cell& cell : guest.cells)
                for (std::size_t i = 0; i < cell.chunk_nodes.size(); ++i)
                    if (cell.chunk_nodes[i] == node_id && cell.is_hugetlb(i) == hugetlb)
                        bytes += chunk;
        return bytes;
    }
    Bytes available(int node_id) const {
        const auto n = static_cast<std::size_t>(node_id);
        return memory_[n] - used_by_others[n] - used(node_id, false);
    }
    Bytes free_huge(int node_id) const {
        return pools[static_cast<std::size_t>(node_id)] - used(node_id, true);
    }
    std::shared_ptr<const Domain> domain_of(const std::string& uuid, const FakeGuest& guest) const {
        Domain domain;
        domain.uuid = uuid;
        domain.name = guest.name;
        domain.policy = guest.metadata;
        domain.iothread_cells = guest.iothread_cells;
        for (const auto& [pinned, cpus] : vcpupin)
            if (pinned.first == uuid) domain.tuning.vcpupin[pinned.second] = cpus;
        int vcpu = 0;
        for (std::size_t c = 0; c < guest.cells.size(); ++c) {
            DomainCell& cell = domain.cells.emplace_back();
            cell.id = static_cast<int>(c);
            cell.bytes = size_of(guest.cells[c]);
            for (int v = 0; v < guest.cells[c].vcpus; ++v)
                cell.vcpus.push_back(vcpu++);
        }
        return std::make_shared<const Domain>(std::move(domain));
    }
    GuestSample sample_of(const ListedGuest& listed) {
        const FakeGuest& guest = guests.at(listed.uuid);
        GuestSample sample;
        sample.uuid = listed.uuid;
        sample.name = listed.name;
        sample.state = listed.state;
        sample.read_at = listed.read_at;
        sample.job_known = listed.job_known;
        sample.unsteady = listed.unsteady;
        sample.domain = listed.domain;
        if (!guest.movable) sample.immovable = "a device holds it";
        if (guest.alive) sample.process = this_process();
        for (const HostNode& node : host.topology.nodes)
            sample.memory_nodes.push_back(node.id);
        for (std::size_t c = 0; c < guest.cells.size(); ++c)
            sample.cells.push_back(cell_of(listed, guest.cells[c], c));
        if (guest.knows_accessors) add_accessors(guest, sample);
        const auto add = [&](std::vector<ThreadSample>& threads, int index) -> ThreadSample& {
            const ThreadIdentity thread = thread_of(listed.uuid, index);
            ThreadSample& added = threads.emplace_back();
            added.thread = thread.id;
            added.start_time = thread.start_time;
            added.affinity = affinities_.at(thread);
            return added;
        };
        for (int i = 0; i < guest.emulator_threads; ++i)
            add(sample.emulator, emulator_thread(i));
        for (const auto& [id, cell] : guest.iothread_cells)
            add(sample.iothreads, iothread(id)).name = "IO iothread" + std::to_string(id);
        return sample;
    }
    CellSample cell_of(const ListedGuest& listed, const FakeGuest::Cell& cell, std::size_t index) {
        CellSample sample;
        sample.id = static_cast<int>(index);
        sample.size = size_of(cell);
        add_blocks(base_of(listed.uuid, index), cell, sample);
        for (const int node : cell.chunk_nodes)
            if (node >= 0) sample.residency.bytes[node] += chunk;
        for (const int id : listed.domain->cells[index].vcpus) {
            const ThreadIdentity thread = thread_of(listed.uuid, id);
            VcpuSample& vcpu = sample.vcpus.emplace_back();
            vcpu.id = id;
            vcpu.thread = thread.id;
            vcpu.start_time = thread.start_time;
            vcpu.affinity = affinities_.at(thread);
            vcpu.last_cpu = vcpu.affinity.front();
            const SchedStat times = times_of(listed.uuid, id, sampled_at_);
            vcpu.run_ns = times.run_ns;
            vcpu.wait_ns = times.wait_ns;
        }
        return sample;
    }
    // Run and waiting time of a vCPU, all of whose guest's waiting time is its first vCPU's.
    SchedStat times_of(const std::string& uuid, int vcpu, Clock::Time now) {
        const auto run = run_time_ + (now - sampled_at_);
        int first = 0;
        for (const FakeGuest::Cell& cell : guests.at(uuid).cells) {
            if (vcpu < first + cell.vcpus)
                return {static_cast<std::uint64_t>(run.count() * (cell.use / cell.vcpus) / 1000),
                        vcpu == 0 ? static_cast<std::uint64_t>(waited_[uuid].count()) : 0};
            first += cell.vcpus;
        }
        return {};
    }
    static std::shared_ptr<const Process> this_process() {
        static const auto process =
            std::make_shared<const Process>(std::move(*Process::open(::getpid())));
        return process;
    }

    FakeClock& clock_;
    std::vector<Bytes> memory_;  // by node
    std::map<std::pair<std::string, int>, pid_t> threads_;
    std::map<ThreadIdentity, std::vector<int>> affinities_;
    std::map<std::pair<std::string, std::size_t>, std::uint64_t> bases_;
    std::vector<std::pair<std::string, std::size_t>> cells_;  // in the order of their bases
    Clock::Time sampled_at_ = clock_.now();
    std::chrono::nanoseconds run_time_{0};
    std::map<std::string, std::chrono::nanoseconds> waited_;
    bool acting_on_living_ = true;
};

}  // namespace vnuma::test
