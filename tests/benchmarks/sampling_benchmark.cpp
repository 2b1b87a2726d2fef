// The cost of sampling guests once, from recorded files and from live processes.
// libvirt is left out. So is nearly all residency, which has its own benchmark and its own time
// limit.
#include <benchmark/benchmark.h>
#include <malloc.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <thread>

#include "guests/discovery/guest_source.hpp"
#include "guests/model/listed_guest.hpp"
#include "guests/sampler.hpp"
#include "tests/temporary.hpp"

namespace vnuma {
namespace {

constexpr int guest_count = 100;
constexpr int vcpu_count = 8;
constexpr std::int64_t ram_bytes = 64 << 20;

std::shared_ptr<const Domain> make_domain(int guest) {
    Domain domain;
    domain.uuid = "guest-" + std::to_string(guest);
    domain.name = domain.uuid;
    domain.machine = "pc-q35-7.2";
    domain.emulator = std::filesystem::read_symlink("/proc/self/exe");
    domain.cells.push_back({0, {}, ram_bytes});
    for (int vcpu = 0; vcpu < vcpu_count; ++vcpu)
        domain.cells[0].vcpus.push_back(vcpu);
    return std::make_shared<const Domain>(std::move(domain));
}

// Lists the same guests each time.
class FixedSource : public GuestSource {
  public:
    explicit FixedSource(const std::vector<pid_t>& pids) {
        for (const pid_t pid : pids) {
            ListedGuest guest;
            guest.domain = make_domain(static_cast<int>(guests_.size()));
            guest.uuid = guest.name = guest.domain->uuid;
            guest.state = RunState::running;
            guest.pid = pid;
            guests_.push_back(std::move(guest));
        }
    }
    const char* name() const override { return "qmp"; }
    std::vector<ListedGuest> list() override { return guests_; }
    RunState read_state(const std::string&) override { return RunState::running; }
    bool may_ask_monitor() const override { return false; }
    void permit_monitors(std::set<std::string>) override {}
    RamView read_ram_view(const std::string&) override { throw MonitorError("none"); }
    bool start_write_measurement(const std::string&, std::chrono::seconds) override {
        throw MonitorError("none");
    }
    WriteMeasurement read_write_measurement(const std::string&) override {
        throw MonitorError("none");
    }
    std::size_t hung_calls() const override { return 0; }

  private:
    std::vector<ListedGuest> guests_;
};

// The files of such guests, made from those of a guest that was recorded on a lab host.
class RecordedTree {
  public:
    RecordedTree() {
        namespace fs = std::filesystem;
        const std::string process = std::string(VNUMA_GOLDEN) + "/lab/helpers/process/";
        std::string vcpu_task;
        for (const auto& entry : fs::directory_iterator(process + "task")) {
            std::string name;
            std::getline(std::ifstream(entry.path() / "comm"), name);
            if (name == "CPU 0/KVM") vcpu_task = entry.path();
        }
        std::string stat;
        std::getline(std::ifstream(vcpu_task + "/stat"), stat);
        const std::size_t digit = stat.find("CPU 0") + 4;
        for (int guest = 0; guest < guest_count; ++guest) {
            pids.push_back(1000 + guest);
            const std::string directory = "proc/" + std::to_string(pids.back()) + "/";
            for (const char* file : {"status", "cmdline", "numa_maps"})
                files.link(process + file, directory + file);
            files.write(directory + "maps", "7f0000000000-7f0004000000 rw-p 00000000 00:00 0 \n");
            files.write(directory + "stat",
                        std::to_string(pids.back()) + stat.substr(stat.find(' ')));
            files.link(fs::read_symlink("/proc/self/exe"), directory + "exe");
            for (int vcpu = 0; vcpu < vcpu_count; ++vcpu) {
                const std::string task = directory + "task/" + std::to_string(2000 + vcpu) + "/";
                stat[digit] = static_cast<char>('0' + vcpu);
                files.write(task + "stat", stat);
                for (const char* file : {"schedstat", "status", "cgroup"})
                    files.link(vcpu_task + "/" + file, task + file);
            }
        }
    }
    Roots roots() const { return {files.path("proc"), files.path("cgroup"), files.path("sys")}; }

    test::TemporaryDirectory files;
    std::vector<pid_t> pids;
};

// Processes with one RAM block and eight threads each, whose names are those of QEMU's vCPUs.
class LiveProcesses {
  public:
    // Each has so many small mappings beside its RAM.
    explicit LiveProcesses(int guests, int small_mappings = 0) {
        std::array<int, 2> ready{};
        if (::pipe(ready.data()) != 0) throw std::bad_alloc();
        for (int guest = 0; guest < guests; ++guest) {
            const pid_t pid = ::fork();
            if (pid == 0) run(ready[1], small_mappings);
            pids.push_back(pid);
        }
        char byte = 0;
        for (int i = 0; i < guests; ++i)
            if (::read(ready[0], &byte, 1) != 1) throw std::bad_alloc();
        ::close(ready[0]);
        ::close(ready[1]);
    }
    ~LiveProcesses() {
        for (const pid_t pid : pids)
            ::kill(pid, SIGKILL);
        for (const pid_t pid : pids)
            ::waitpid(pid, nullptr, 0);
    }
    LiveProcesses(const LiveProcesses&) = delete;
    LiveProcesses& operator=(const LiveProcesses&) = delete;

    std::vector<pid_t> pids;

  private:
    [[noreturn]] static void run(int ready, int small_mappings) {
        ::prctl(PR_SET_PDEATHSIG, SIGKILL);
        // Neighbours of different protection are not made one by the kernel.
        for (int i = 0; i < small_mappings; ++i)
            ::mmap(nullptr, 4096, i % 2 ? PROT_READ | PROT_WRITE : PROT_READ,
                   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        ::mmap(nullptr, ram_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        std::atomic<int> named{0};
        std::vector<std::thread> threads;
        for (int vcpu = 0; vcpu < vcpu_count; ++vcpu)
            threads.emplace_back([&named, vcpu] {
                ::prctl(PR_SET_NAME, ("CPU " + std::to_string(vcpu) + "/KVM").c_str());
                ++named;
                while (true)
                    ::pause();
            });
        while (named < vcpu_count)
            std::this_thread::yield();
        if (::write(ready, "", 1) == 1)
            while (true)
                ::pause();
        ::_exit(1);
    }
};

void sample_repeatedly(benchmark::State& state, const std::vector<pid_t>& pids,
                       const Roots& roots) {
    const std::size_t before = ::mallinfo2().uordblks;
    SamplerSettings settings;
    settings.residency_time = std::chrono::microseconds(0);
    settings.roots = roots;
    FixedSource source(pids);
    Sampler sampler(source, nullptr, settings);
    std::size_t vcpus = 0;
    for (const GuestSample& guest : sampler.sample(sampler.list(), {}).guests)
        for (const CellSample& cell : guest.cells)
            vcpus += cell.blocks.size() == 1 ? cell.vcpus.size() : 0;
    if (vcpus != pids.size() * vcpu_count)
        return state.SkipWithError("a vCPU or a RAM block was not found");
    state.counters["bytes_per_guest"] =
        static_cast<double>(::mallinfo2().uordblks - before) / static_cast<double>(pids.size());
    for (auto _ : state)
        benchmark::DoNotOptimize(sampler.sample(sampler.list(), {}));
}

void sample_recorded(benchmark::State& state) {
    const RecordedTree tree;
    sample_repeatedly(state, tree.pids, tree.roots());
}

void sample_live(benchmark::State& state) {
    const LiveProcesses processes(guest_count);
    sample_repeatedly(state, processes.pids, Roots());
}

// Its first sample, which finds its RAM in all of them, is not in the time.
void sample_many_mappings(benchmark::State& state) {
    const LiveProcesses processes(1, 60'000);
    sample_repeatedly(state, processes.pids, Roots());
}

BENCHMARK(sample_recorded)
    ->Name("sample 100 guests of 8 vCPUs/recorded")
    ->Unit(benchmark::kMillisecond);
BENCHMARK(sample_live)->Name("sample 100 guests of 8 vCPUs/live")->Unit(benchmark::kMillisecond);
BENCHMARK(sample_many_mappings)
    ->Name("sample a guest of 8 vCPUs and 60,000 mappings")
    ->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace vnuma
