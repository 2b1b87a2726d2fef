#include "guests/guest_reader.hpp"

#include <algorithm>
#include <charconv>
#include <system_error>

#include "guests/proc.hpp"

namespace vnuma {
namespace {

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
    if (roots.recorded()) return Process::open_recorded(roots.proc + "/" + std::to_string(pid));
    return Process::open(pid);
}

bool same_blocks(const std::vector<MemoryDevice>& a, const std::vector<MemoryDevice>& b) {
    return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                      [](const MemoryDevice& x, const MemoryDevice& y) {
                          return x.id == y.id && x.cell == y.cell && x.bytes == y.bytes;
                      });
}

void blame(GuestSample& sample, std::string why) {
    if (sample.unsteady.empty()) sample.unsteady = std::move(why);
}

std::vector<RamRange> ranges_of(const std::vector<RamBlock>& blocks, int cell) {
    std::vector<RamRange> ranges;
    for (const RamBlock& block : blocks)
        if (block.cell == cell) ranges.push_back(block.host);
    return ranges;
}

std::vector<CellRam> scan_cells(const Domain& domain, const std::vector<RamBlock>& blocks) {
    std::vector<CellRam> cells;
    for (const DomainCell& cell : domain.cells) {
        CellRam& ram = cells.emplace_back();
        for (const RamBlock& block : blocks) {
            if (block.cell != cell.id) continue;
            ram.ranges.push_back(block.host);
            ram.page_bytes.push_back(static_cast<std::uint64_t>(block.page_bytes));
        }
    }
    return cells;
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

GuestSample GuestReader::read(const ListedGuest& listed, Source& source, bool all) {
    GuestSample sample;
    sample.uuid = listed.uuid;
    sample.name = listed.name;
    sample.source = source.name();
    sample.state = listed.state;
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
    if (!find_process(listed, sample)) return sample;
    all = all || !map_domain_;
    read_process(listed, sample, all);
    if (!listed.domain) {
        blame(sample, "its description cannot be used");
        return sample;
    }
    try {
        const bool changed = map_domain_ != listed.domain;
        if (changed || all || !map_.unknown.empty())
            read_map(*listed.domain, listed.uuid, source, all);
        map_domain_ = listed.domain;
    } catch (const MonitorError& error) {
        map_domain_.reset();
        map_ = {};
        map_.unknown = error.what();
    }
    if (!map_.unknown.empty()) blame(sample, map_.unknown);
    fill_memory(sample);
    for (const CellSample& cell : sample.cells)
        if (cell.vcpus.empty() && !listed.domain->cells[&cell - sample.cells.data()].vcpus.empty())
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
    if (all)
        devices_ = read_devices(
            *process_, listed.domain ? listed.domain->host_devices : std::vector<std::string>(),
            roots_.sysfs);
    sample.devices = devices_.devices;
    sample.uses_vhost = devices_.uses_vhost;
    if (listed.domain) sample.immovable = listed.domain->immovable;
    if (sample.immovable.empty()) sample.immovable = devices_.immovable;
    if (sample.immovable.empty() && status && listed.domain && is_locked(*status, *listed.domain))
        sample.immovable = "its memory is locked";

    ThreadGroup group = threads_.read(*process_, listed, all);
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

// Whether the map is still that of this domain and of what is mapped.
bool GuestReader::map_serves(const Domain& domain, const std::vector<Mapping>& mappings) const {
    if (!map_domain_ || !map_.unknown.empty() || map_.blocks.empty() ||
        !same_blocks(domain.memory_devices, map_domain_->memory_devices) ||
        domain.cells.size() != map_domain_->cells.size())
        return false;
    for (std::size_t i = 0; i < domain.cells.size(); ++i)
        if (domain.cells[i].bytes != map_domain_->cells[i].bytes) return false;
    return std::all_of(map_.blocks.begin(), map_.blocks.end(), [&](const RamBlock& block) {
        return std::any_of(mappings.begin(), mappings.end(), [&](const Mapping& mapping) {
            return mapping.writable && mapping.start <= block.host.start &&
                   block.host.start < mapping.end;
        });
    });
}

void GuestReader::read_map(const Domain& domain, const std::string& uuid, Source& source,
                           bool all) {
    const auto text = process_->read("maps");
    if (!text || text->empty())
        throw MonitorError("its memory cannot be read (CAP_SYS_PTRACE is needed)");
    const auto mappings = parse_maps(*text);
    if (map_serves(domain, mappings)) return;
    const bool unchanged = map_domain_.get() == &domain;
    map_ = map_by_size(domain, mappings);
    // Without a machine type it is QEMU that described the guest, and its monitor knows more. One
    // that has not helped is not asked again in every look.
    const bool wanted = !map_.unknown.empty() || domain.machine.empty();
    if (wanted && source.may_ask_monitor() && (all || !unchanged))
        map_ = map_by_view(domain, source.read_ram_view(uuid), mappings);
    residency_.clear();
    residency_source_.time = {};
    scan_.reset();
}

void GuestReader::fill_memory(GuestSample& sample) const {
    sample.map_told_by = map_.told_by;
    sample.residency = residency_source_;
    for (std::size_t i = 0; i < sample.cells.size(); ++i) {
        CellSample& cell = sample.cells[i];
        cell.blocks.clear();
        for (const RamBlock& block : map_.blocks)
            if (block.cell == cell.id) cell.blocks.push_back(block);
        if (i < residency_.size()) cell.residency = residency_[i];
        if (!cell.residency.forbidden.empty()) blame(sample, cell.residency.forbidden);
        const NodeWish* wish = find_wish(sample.domain->wishes, cell.id);
        const bool interleaved =
            (wish && wish->mode == "interleave") ||
            std::any_of(cell.blocks.begin(), cell.blocks.end(), [](const RamBlock& block) {
                return block.wish && block.wish->mode == "interleave";
            });
        if (interleaved) blame(sample, "its owner has its memory interleaved");
    }
}

void GuestReader::read_residency(GuestSample& sample, const PageReaders& readers,
                                 ResidencyMode mode) {
    if (!process_ || !map_domain_ || map_.blocks.empty()) return;
    if (mode == ResidencyMode::automatic) {
        std::int64_t small = 0;
        for (const RamBlock& block : map_.blocks)
            if (!block.hugetlb) small += static_cast<std::int64_t>(block.host.size);
        mode = small <= max_bytes_summed ? ResidencyMode::full : ResidencyMode::incremental;
    }
    residency_source_ = {name(mode), "numa_maps", std::chrono::steady_clock::now()};
    residency_trouble_.clear();
    try {
        if (mode == ResidencyMode::full)
            sum_by_numa_maps();
        else
            scan(readers, mode);
    } catch (const std::runtime_error& error) {  // the kernel refuses
        residency_trouble_ = std::string("its memory cannot be read: ") + error.what();
    } catch (const std::length_error& error) {  // a guest larger than any scan allows
        residency_trouble_ = std::string("its memory cannot be read: ") + error.what();
    }
    if (!residency_trouble_.empty()) blame(sample, residency_trouble_);
    fill_memory(sample);
}

void GuestReader::sum_by_numa_maps() {
    const auto text = process_->read("numa_maps");
    const auto mappings = parse_numa_maps(text.value_or(""));
    if (mappings.empty()) {
        residency_trouble_ = "its memory cannot be read (CAP_SYS_PTRACE is needed)";
        return;
    }
    residency_.clear();
    for (const DomainCell& cell : map_domain_->cells)
        residency_.push_back(sum_residency(ranges_of(map_.blocks, cell.id), mappings));
    for (RamBlock& block : map_.blocks)
        if (const std::int64_t bytes = page_bytes_of(block.host, mappings)) {
            block.page_bytes = bytes;
            block.hugetlb = bytes > static_cast<std::int64_t>(small_page_bytes);
        }
}

void GuestReader::scan(const PageReaders& readers, ResidencyMode mode) {
    if (!scan_) scan_.emplace(scan_cells(*map_domain_, map_.blocks));
    const bool exactly = mode == ResidencyMode::incremental && scan_->sampled_passes() > 0;
    residency_source_.way = exactly ? readers.exact_way : "move_pages";
    if (exactly)
        scan_->scan_slice(readers.exact, *process_, pages_in_slice);
    else
        scan_->sample(readers.sampling, *process_, pages_in_sample);
    if (scan_->sampled_passes() == 0) {
        residency_trouble_ = "its memory has been looked at in part only";
        return;
    }
    residency_.clear();
    for (const ChunkTable& cell : scan_->cells())
        residency_.emplace_back().bytes = cell.bytes_by_node();
}

}  // namespace vnuma
