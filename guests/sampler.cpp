#include "guests/sampler.hpp"

#include <fcntl.h>
#include <sched.h>

#include <algorithm>
#include <charconv>
#include <system_error>

#include "guests/domain_xml.hpp"
#include "guests/proc.hpp"

namespace vnuma {
namespace {

std::optional<Process> open_domain_process(const std::string& pid_directory,
                                           const RunningDomain& domain) {
    const auto text = read_small_file(AT_FDCWD, pid_directory + "/" + domain.name + ".pid");
    pid_t pid = 0;
    if (!text || std::from_chars(text->data(), text->data() + text->size(), pid).ec != std::errc())
        return std::nullopt;
    auto process = Process::open(pid);
    // A pid file may outlive its process; the uuid on the command line tells whose process this is.
    const auto command_line = process ? process->read("cmdline") : std::nullopt;
    if (!command_line || command_line->find(domain.uuid) == std::string::npos) return std::nullopt;
    return process;
}

std::optional<VcpuSample> sample_thread(const Process& process, pid_t task, int vcpu) {
    const std::string directory = "task/" + std::to_string(task) + "/";
    const auto stat_text = process.read(directory + "stat");
    const auto sched_text = process.read(directory + "schedstat");
    const auto status = process.read(directory + "status");
    const auto stat = stat_text ? parse_stat(*stat_text) : std::nullopt;
    const auto sched = sched_text ? parse_schedstat(*sched_text) : std::nullopt;
    const auto cpus = status ? find_status_field(*status, "Cpus_allowed_list") : std::nullopt;
    const auto affinity = cpus ? parse_number_list(*cpus) : std::nullopt;
    if (!stat || !sched || !affinity) return std::nullopt;
    return VcpuSample{vcpu,          task,           stat->start_time, stat->last_cpu,
                      sched->run_ns, sched->wait_ns, *affinity};
}

void sample_vcpus(const Process& process, const Domain& domain, GuestSample& guest) {
    for (const pid_t task : process.tasks()) {
        const auto name = process.read("task/" + std::to_string(task) + "/comm");
        const auto vcpu = name ? parse_vcpu_name(*name) : std::nullopt;
        if (!vcpu) continue;
        const auto sample = sample_thread(process, task, *vcpu);
        for (std::size_t i = 0; sample && i < domain.cells.size(); ++i) {
            const auto& ids = domain.cells[i].vcpus;
            if (std::find(ids.begin(), ids.end(), *vcpu) != ids.end())
                guest.cells[i].vcpus.push_back(*sample);
        }
    }
    for (CellSample& cell : guest.cells)
        std::sort(cell.vcpus.begin(), cell.vcpus.end(),
                  [](const VcpuSample& a, const VcpuSample& b) { return a.id < b.id; });
}

// Returns why the memory cannot be told, or nothing.
std::string sample_memory(const Process& process, const Domain& domain, GuestSample& guest) {
    const auto maps = process.read("maps");
    const auto numa_maps = process.read("numa_maps");
    if (!maps || !numa_maps || maps->empty())
        return "its memory cannot be read (CAP_SYS_PTRACE is needed)";
    const auto memory = find_cell_memory(domain.cells, parse_maps(*maps));
    const auto mappings = parse_numa_maps(*numa_maps);
    for (std::size_t i = 0; i < memory.size(); ++i) {
        if (!memory[i].unknown.empty())
            return "the memory of cell " + std::to_string(domain.cells[i].id) +
                   " cannot be found: " + memory[i].unknown;
        guest.cells[i].ranges = memory[i].ranges;
        guest.cells[i].residency = sum_residency(memory[i].ranges, mappings);
        if (!guest.cells[i].residency.forbidden.empty()) return guest.cells[i].residency.forbidden;
    }
    return "";
}

}  // namespace

GuestSample sample_guest(const RunningDomain& running, std::optional<Process> process) {
    GuestSample guest{running.uuid, running.name, running.unsteady, {}, nullptr, {}, {}};
    const auto blame = [&](std::string why) {
        if (guest.unsteady.empty()) guest.unsteady = std::move(why);
        return guest;
    };
    std::string error;
    const auto domain = parse_domain(running.xml, error);
    if (!domain) return blame("its XML cannot be used: " + error);
    for (const DomainCell& cell : domain->cells)
        guest.cells.push_back({cell.id, {}, {}, {}, cell.bytes});
    guest.immovable = domain->immovable;
    if (!process)
        return blame("its process cannot be found (libvirt's pid file is not readable, or stale)");
    guest.process = std::make_shared<const Process>(std::move(*process));

    const auto status = guest.process->read("status");
    const auto nodes = status ? find_status_field(*status, "Mems_allowed_list") : std::nullopt;
    guest.memory_nodes =
        nodes ? parse_number_list(*nodes).value_or(std::vector<int>{}) : std::vector<int>{};
    sample_vcpus(*guest.process, *domain, guest);
    const std::string unknown = sample_memory(*guest.process, *domain, guest);
    if (!unknown.empty()) return blame(unknown);
    for (const CellSample& cell : guest.cells)
        if (cell.vcpus.empty()) return blame("its vCPU threads cannot be found");
    if (!guest.process->alive()) return blame("it has just ended");
    return guest;
}

Sampler::Sampler(std::string uri, std::string pid_directory)
    : libvirt_(std::move(uri)), pid_directory_(std::move(pid_directory)) {}

Sample Sampler::sample() {
    Sample sample;
    const std::vector<RunningDomain> domains = libvirt_.list();
    sample.time = std::chrono::steady_clock::now();
    for (const RunningDomain& domain : domains)
        sample.guests.push_back(sample_guest(domain, open_domain_process(pid_directory_, domain)));
    return sample;
}

}  // namespace vnuma
