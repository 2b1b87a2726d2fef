#include "guests/guest_reader.hpp"

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <system_error>
#include <utility>

#include "guests/discovery/guest_source.hpp"
#include "guests/model/listed_guest.hpp"
#include "guests/process/devices.hpp"
#include "guests/process/guest_threads.hpp"
#include "guests/process/parse_proc.hpp"
#include "guests/process/process.hpp"
#include "policy/model/number_list.hpp"

namespace vnuma {
namespace {

constexpr std::int64_t max_status_kib = std::int64_t{1} << 42;  // 4 PiB; no host has more

// Where so much memory has come or gone, in pages, its residency is read again.
constexpr std::int64_t least_resident_change = 4096, resident_change_divisor = 64;

// A balloon that always breathes a little does not keep its guest from being balanced.
constexpr std::int64_t least_memory_change = std::int64_t{16} << 20;  // from one look to the next

// A size of /proc/PID/status, such as "VmLck"; 0 if it is missing.
std::int64_t status_bytes(std::string_view status, std::string_view name) {
    const auto field = find_status_field(status, name);
    std::int64_t kib = 0;
    if (!field ||
        std::from_chars(field->data(), field->data() + field->size(), kib).ec != std::errc() ||
        kib < 0 || kib > max_status_kib)
        return 0;
    return kib * 1024;
}

// Whether the process has locked at least half of the guest's RAM. VmLck of /proc/PID/status also
// counts what VFIO has pinned.
bool is_locked(std::string_view status, const Domain& domain) {
    std::int64_t ram = 0;
    for (const DomainCell& cell : domain.cells)
        ram += cell.bytes;
    return ram > 0 && status_bytes(status, "VmLck") >= ram / 2;
}

// Why the memory cannot be moved if at least half of what the process has in use is pinned; empty
// otherwise. Nothing tells which pages VmPin counts, and it counts a page once for each holder.
std::string why_pinned(std::string_view status) {
    const std::int64_t pinned = status_bytes(status, "VmPin");
    const std::int64_t resident =
        status_bytes(status, "VmRSS") + status_bytes(status, "HugetlbPages");
    if (pinned == 0 || pinned < resident / 2) return "";
    return std::to_string(pinned >> 20) + " MiB of its memory are pinned (VmPin)";
}

// Null if it has ended.
std::shared_ptr<const Process> open_process(const Roots& roots, const ListedGuest& listed) {
    if (listed.process) return listed.process->alive() ? listed.process : nullptr;
    auto process = roots.is_recording()
                       ? Process::open_recorded(roots.proc + "/" + std::to_string(*listed.pid))
                       : Process::open(*listed.pid);
    return process ? std::make_shared<const Process>(std::move(*process)) : nullptr;
}

// The sample of a guest as its source lists it, with its cells.
GuestSample begin_sample(const ListedGuest& listed, const GuestSource& source) {
    GuestSample sample;
    sample.uuid = listed.uuid;
    sample.name = listed.name;
    sample.id = listed.id;
    sample.cgroup = listed.cgroup;
    sample.source = *listed.source ? listed.source : source.name();
    sample.certainty = listed.certainty;
    sample.state = listed.state;
    sample.read_at = listed.read_at;
    sample.job_known = listed.job_known;
    sample.unsteady = listed.unsteady;
    sample.domain = listed.domain;
    if (!listed.domain) return sample;
    sample.problems = listed.domain->problems;
    for (const DomainCell& described : listed.domain->cells) {
        CellSample& cell = sample.cells.emplace_back();
        cell.id = described.id;
        cell.size = dram_bytes(*listed.domain, described);
    }
    return sample;
}

// The index of the cell that the domain has the vCPU in; nothing if it is in none. A guest without
// vNUMA has all vCPUs in its one cell, whatever the description says.
std::optional<std::size_t> cell_of(int vcpu, const std::vector<DomainCell>& cells) {
    if (cells.size() == 1) return 0;
    for (std::size_t i = 0; i < cells.size(); ++i) {
        const std::vector<int>& ids = cells[i].vcpus;
        if (std::find(ids.begin(), ids.end(), vcpu) != ids.end()) return i;
    }
    return std::nullopt;
}

// Moves each vCPU to the cell that the domain has it in.
void assign_vcpus(std::vector<VcpuSample> vcpus, GuestSample& sample) {
    if (sample.cells.empty()) return;
    std::vector<int> homeless;
    for (VcpuSample& vcpu : vcpus)
        if (const auto cell = cell_of(vcpu.id, sample.domain->cells))
            sample.cells[*cell].vcpus.push_back(std::move(vcpu));
        else
            homeless.push_back(vcpu.id);
    if (!homeless.empty())
        sample.problems.push_back("no cell has the vCPUs " + format_number_list(homeless) +
                                  "; they are left alone");
}

// Whether a source tells of a guest what it has told before, but for the time.
bool tells_the_same(const ListedGuest& a, const ListedGuest& b) {
    return a.domain == b.domain && a.memory == b.memory && a.process == b.process &&
           a.pid == b.pid && a.id == b.id && a.name == b.name && a.state == b.state &&
           a.unsteady == b.unsteady && a.cgroup == b.cgroup && a.certainty == b.certainty &&
           a.vcpu_threads == b.vcpu_threads && a.iothreads == b.iothreads;
}

bool have_the_same_cpus(const ThreadSample& a, const ThreadSample& b) {
    return a.thread == b.thread && a.start_time == b.start_time && a.affinity == b.affinity &&
           a.cpuset == b.cpuset;
}

bool have_the_same_cpus(const std::vector<ThreadSample>& a, const std::vector<ThreadSample>& b) {
    return std::equal(
        a.begin(), a.end(), b.begin(), b.end(),
        [](const ThreadSample& x, const ThreadSample& y) { return have_the_same_cpus(x, y); });
}

// Takes over the run times of the vCPUs. False if there are other threads than the sample has, or
// if one may use other CPUs.
bool take_times(const GuestThreads& threads, GuestSample& sample) {
    std::size_t taken = 0;
    for (CellSample& cell : sample.cells)
        for (VcpuSample& vcpu : cell.vcpus) {
            const auto now =
                std::lower_bound(threads.vcpus.begin(), threads.vcpus.end(), vcpu.id,
                                 [](const VcpuSample& one, int id) { return one.id < id; });
            if (now == threads.vcpus.end() || !have_the_same_cpus(*now, vcpu)) return false;
            vcpu.last_cpu = now->last_cpu;
            vcpu.run_ns = now->run_ns;
            vcpu.wait_ns = now->wait_ns;
            ++taken;
        }
    return taken == threads.vcpus.size() && have_the_same_cpus(threads.emulator, sample.emulator) &&
           have_the_same_cpus(threads.iothreads, sample.iothreads) &&
           have_the_same_cpus(threads.vhost, sample.vhost);
}

}  // namespace

std::string identity_mismatch(std::string_view command_line, const std::string& uuid) {
    // libvirt always puts the uuid on QEMU's command line. Its pid file may outlive the process, so
    // the pid may be another process' by now. The name of the binary tells nothing: distributions
    // wrap and rename emulators.
    if (command_line.find(uuid) != std::string_view::npos) return "";
    return "its uuid is not on the command line of the process with its pid";
}

GuestSample GuestReader::read(const ListedGuest& listed, GuestSource& source, Depth depth) {
    if (depth == Depth::quiet && last_) {
        GuestSample sample = *last_;
        if (read_quietly(listed, sample)) return sample;
    }
    // Without the memory, which fill() adds to each sample.
    last_ = read_fully(listed, source, depth == Depth::rare);
    last_listed_ = listed;
    note_resident_pages();
    if (depth == Depth::rare) last_rare_ = std::chrono::steady_clock::now();
    return *last_;
}

// False if something may have changed that takes a full reading.
bool GuestReader::read_quietly(const ListedGuest& listed, GuestSample& sample) {
    const bool may_be_quiet = process_ && !process_->is_recording() && listed.unsteady.empty() &&
                              sample.unsteady.empty() && tells_the_same(listed, last_listed_);
    if (!may_be_quiet || !process_->alive()) return false;
    const GuestThreads threads = threads_.read(*process_, listed, false);
    if (!take_times(threads, sample)) return false;
    sample.read_at = listed.read_at;
    sample.job_known = listed.job_known;
    sample.processes.clear();
    sample.helpers.clear();
    add_cpu_time(*process_, sample);
    helpers_.read(*process_, false, sample);
    note_resident_pages();
    return true;
}

// Where memory has come or gone, it may be on another node than the rest.
void GuestReader::note_resident_pages() {
    if (!process_ || process_->is_recording()) return;
    const auto text = statm_.read(*process_, "statm");
    const auto pages = text ? parse_resident_pages(*text) : std::nullopt;
    if (!pages) return;
    const std::int64_t change = std::abs(*pages - resident_pages_);
    if (change < std::max(least_resident_change, resident_pages_ / resident_change_divisor)) return;
    resident_pages_ = *pages;
    memory_.set_outdated();
}

GuestSample GuestReader::read_fully(const ListedGuest& listed, GuestSource& source, bool rare_too) {
    GuestSample sample = begin_sample(listed, source);
    const auto before = process_;
    if (!find_process(listed, sample)) return sample;
    rare_too = rare_too || process_ != before;
    read_process(listed, sample, rare_too);
    if (!listed.domain) {
        mark_unsteady(sample, "its description cannot be used");
        return sample;
    }
    mark_changing_memory(*listed.domain, sample);
    memory_.read_map(*process_, listed, source, rare_too);
    const auto has_vcpus = [](const CellSample& cell) { return !cell.vcpus.empty(); };
    if (std::none_of(sample.cells.begin(), sample.cells.end(), has_vcpus))
        mark_unsteady(sample, "its vCPU threads cannot be found");
    if (!process_->alive()) mark_unsteady(sample, "its process has just ended");
    return sample;
}

bool GuestReader::find_process(const ListedGuest& listed, GuestSample& sample) {
    const bool another = listed.process && process_ != listed.process;
    if (!process_ || process_->pid() != listed.pid || another || !process_->alive()) {
        *this = GuestReader(Roots(roots_));
        if (!listed.pid) {
            mark_unsteady(sample,
                          "its process cannot be found: libvirt's pid file is stale or cannot be "
                          "read");
            return false;
        }
        const auto process = open_process(roots_, listed);
        if (!process) {
            mark_unsteady(sample, "its process has ended");
            return false;
        }
        // Others than libvirt have the pid from the process itself.
        const bool certain = listed.process || std::string_view(sample.source) != "libvirt";
        const std::string mismatch =
            certain ? "" : identity_mismatch(process->read("cmdline").value_or(""), listed.uuid);
        if (!mismatch.empty()) {
            mark_unsteady(sample, "its process cannot be found: " + mismatch);
            return false;
        }
        process_ = process;
        executable_ = process->read_link("exe");
    }
    sample.process = process_;
    sample.executable = executable_;
    return true;
}

void GuestReader::read_process(const ListedGuest& listed, GuestSample& sample, bool rare_too) {
    const auto status = process_->read("status");
    const auto nodes = status ? find_status_field(*status, "Mems_allowed_list") : std::nullopt;
    if (nodes) sample.memory_nodes = parse_number_list(*nodes).value_or(std::vector<int>{});
    read_devices_if_changed(listed, rare_too);
    sample.devices = devices_.devices;
    sample.uses_vhost = devices_.uses_vhost;
    if (devices_.uses_userfaultfd)
        mark_unsteady(sample, "a userfaultfd is open: its memory is being brought or watched");
    if (listed.domain) sample.immovable = listed.domain->immovable;
    if (sample.immovable.empty()) sample.immovable = devices_.immovable;
    if (sample.immovable.empty() && status && listed.domain && is_locked(*status, *listed.domain))
        sample.immovable = "its memory is locked";
    if (status) sample.pinned_bytes = status_bytes(*status, "VmPin");
    if (status && sample.immovable.empty()) sample.immovable = why_pinned(*status);

    GuestThreads threads = threads_.read(*process_, listed, rare_too);
    sample.emulator = std::move(threads.emulator);
    sample.iothreads = std::move(threads.iothreads);
    sample.vhost = std::move(threads.vhost);
    assign_vcpus(std::move(threads.vcpus), sample);
    add_cpu_time(*process_, sample);
    helpers_.read(*process_, rare_too, sample);
}

// A balloon or a memory device on its way allocates and frees pages meanwhile.
void GuestReader::mark_changing_memory(const Domain& domain, GuestSample& sample) {
    std::int64_t now = domain.balloon_bytes.value_or(0);
    for (const MemoryDevice& device : domain.memory_devices)
        now += device.plugged;
    if (std::abs(std::exchange(present_bytes_, now).value_or(now) - now) >= least_memory_change)
        mark_unsteady(sample, "its memory changes by a balloon or a memory device");
}

// What a file is does not change while its number is in use. A file that took the number of another
// one since the last look is noticed at the next rare reading.
void GuestReader::read_devices_if_changed(const ListedGuest& listed, bool rare_too) {
    auto fds = process_->open_files();
    if (rare_too || fds != fds_)
        devices_ = read_devices(*process_, listed.domain.get(), roots_.sysfs);
    fds_ = std::move(fds);
}

}  // namespace vnuma
