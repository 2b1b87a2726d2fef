#include "guests/guest_reader.hpp"

#include <algorithm>
#include <charconv>
#include <system_error>

#include "guests/discovery/guest_source.hpp"
#include "guests/model/listed_guest.hpp"
#include "guests/process/devices.hpp"
#include "guests/process/parse_proc.hpp"
#include "guests/process/process.hpp"
#include "policy/model/number_list.hpp"

namespace vnuma {
namespace {

constexpr std::size_t max_files = 8192;

std::string_view base_name(std::string_view path) {
    const std::size_t slash = path.rfind('/');
    return slash == std::string_view::npos ? path : path.substr(slash + 1);
}

// VFIO accounts what it pins as locked, too.
bool is_locked(std::string_view status, const Domain& domain) {
    std::int64_t ram = 0;
    for (const DomainCell& cell : domain.cells)
        ram += cell.bytes;
    const auto field = find_status_field(status, "VmLck");
    std::int64_t kib = 0;
    if (!field ||
        std::from_chars(field->data(), field->data() + field->size(), kib).ec != std::errc())
        return false;
    return ram > 0 && kib >= ram / 1024 / 2;
}

std::optional<Process> open_process(const Roots& roots, pid_t pid) {
    if (roots.is_recording()) return Process::open_recorded(roots.proc + "/" + std::to_string(pid));
    return Process::open(pid);
}

void blame(GuestSample& sample, std::string why) {
    if (sample.unsteady.empty()) sample.unsteady = std::move(why);
}

}  // namespace

std::string why_not_its_process(const std::string& executable, std::string_view command_line,
                                const ListedGuest& listed, bool uuid_on_command_line) {
    // A pid file may outlive its process; libvirt always gives QEMU the uuid.
    if (uuid_on_command_line && command_line.find(listed.uuid) == std::string_view::npos)
        return "its uuid is not on the command line of that process";
    const std::string_view name = base_name(executable);
    const bool as_configured = listed.domain && !listed.domain->emulator.empty() &&
                               name.starts_with(base_name(listed.domain->emulator));
    if (!name.starts_with("qemu") && !as_configured)
        return "that process runs " + (executable.empty() ? "nobody can tell what" : executable);
    return "";
}

GuestSample GuestReader::read(const ListedGuest& listed, GuestSource& source, bool all) {
    GuestSample sample;
    sample.uuid = listed.uuid;
    sample.name = listed.name;
    sample.source = source.name();
    sample.state = listed.state;
    sample.read_at = listed.read_at;
    sample.unsteady = listed.unsteady;
    sample.domain = listed.domain;
    if (listed.domain)
        for (const DomainCell& cell : listed.domain->cells) {
            CellSample& one = sample.cells.emplace_back();
            one.id = cell.id;
            one.size = cell.bytes;
            for (const MemoryDevice& device : listed.domain->memory_devices)
                if (device.cell == cell.id) one.size += device.plugged;
        }
    const auto before = process_;
    if (!find_process(listed, sample)) return sample;
    all = all || process_ != before;
    read_process(listed, sample, all);
    if (!listed.domain) {
        blame(sample, "its description cannot be used");
        return sample;
    }
    memory_.read_map(*process_, listed, source, all);
    const auto has_vcpus = [](const CellSample& cell) { return !cell.vcpus.empty(); };
    if (std::none_of(sample.cells.begin(), sample.cells.end(), has_vcpus))
        blame(sample, "its vCPU threads cannot be found");
    if (!process_->alive()) blame(sample, "it has just ended");
    return sample;
}

bool GuestReader::find_process(const ListedGuest& listed, GuestSample& sample) {
    if (!process_ || process_->pid() != listed.pid || !process_->alive()) {
        *this = GuestReader(Roots(roots_));
        auto process = listed.pid ? open_process(roots_, *listed.pid) : std::nullopt;
        if (!process) {
            blame(sample, listed.pid ? "its process has ended"
                                     : "its process cannot be found (libvirt's pid file is not "
                                       "readable, or stale)");
            return false;
        }
        const std::string executable = process->read_link("exe");
        const std::string problem =
            why_not_its_process(executable, process->read("cmdline").value_or(""), listed,
                                std::string_view(sample.source) == "libvirt");
        if (!problem.empty()) {
            blame(sample, "its process cannot be found: " + problem);
            return false;
        }
        process_ = std::make_shared<const Process>(std::move(*process));
        executable_ = executable;
    }
    sample.process = process_;
    sample.executable = executable_;
    return true;
}

void GuestReader::read_process(const ListedGuest& listed, GuestSample& sample, bool all) {
    const auto status = process_->read("status");
    const auto nodes = status ? find_status_field(*status, "Mems_allowed_list") : std::nullopt;
    if (nodes) sample.memory_nodes = parse_number_list(*nodes).value_or(std::vector<int>{});
    // libvirt's XML tells of a device at once; QEMU has another file open then.
    auto files = std::string_view(sample.source) == "qmp" ? process_->list("fd", max_files)
                                                          : std::vector<std::string>();
    if (all || files != files_)
        devices_ = read_devices(*process_, listed.domain.get(), roots_.sysfs);
    files_ = std::move(files);
    sample.devices = devices_.devices;
    sample.uses_vhost = devices_.uses_vhost;
    if (listed.domain) sample.immovable = listed.domain->immovable;
    if (sample.immovable.empty()) sample.immovable = devices_.immovable;
    if (sample.immovable.empty() && status && listed.domain && is_locked(*status, *listed.domain))
        sample.immovable = "its memory is locked";

    GuestThreads group = threads_.read(*process_, listed, all);
    sample.emulator = std::move(group.emulator);
    sample.iothreads = std::move(group.iothreads);
    sample.vhost = std::move(group.vhost);
    for (VcpuSample& vcpu : group.vcpus)
        for (std::size_t i = 0; i < sample.cells.size(); ++i) {
            const std::vector<int>& ids = listed.domain->cells[i].vcpus;
            if (std::find(ids.begin(), ids.end(), vcpu.id) == ids.end()) continue;
            sample.cells[i].vcpus.push_back(std::move(vcpu));
            break;
        }
}

}  // namespace vnuma
