#include "guests/sampler.hpp"

#include <algorithm>
#include <charconv>
#include <functional>
#include <string_view>
#include <tuple>

#include "guests/discovery/guest_source.hpp"
#include "guests/memory/page_nodes.hpp"
#include "guests/model/listed_guest.hpp"
#include "guests/process/cpu_time.hpp"
#include "guests/process/files.hpp"
#include "guests/process/kernel_vhost_threads.hpp"
#include "guests/process/parse_proc.hpp"
#include "guests/process/process.hpp"

namespace vnuma {
namespace {

using std::chrono::duration_cast;
using std::chrono::microseconds;
using std::chrono::nanoseconds;

constexpr std::chrono::steady_clock::time_point never{};

// What is not of one guest but of the host, and rarely changes, is read so often.
constexpr std::chrono::seconds host_wide_interval{30};

std::chrono::milliseconds resync_of(const std::string& uuid) {
    constexpr auto span = std::chrono::milliseconds(latest_resync - soonest_resync);
    const auto part = static_cast<std::int64_t>(std::hash<std::string>()(uuid) % 1024);
    return soonest_resync + span * part / 1024;
}

// Pages of the whole host that were moved from one place to another since it has started, by
// anybody: migratepages(8), the kernel's balancing, compaction. Nothing if the kernel moves none.
std::optional<std::uint64_t> read_moved_pages(const std::string& proc) {
    constexpr std::string_view field = "\npgmigrate_success ";
    const std::string text = read_small_file(proc + "/vmstat").value_or("");
    const std::size_t at = text.find(field);
    std::uint64_t pages = 0;
    if (at == std::string::npos ||
        std::from_chars(text.data() + at + field.size(), text.data() + text.size(), pages).ec !=
            std::errc())
        return std::nullopt;
    return pages;
}

// Empty if it is not known. Policies are by it, so it is read before anything is done.
std::string read_cgroup(const ListedGuest& guest, const Roots& roots) {
    if (!guest.pid) return "";
    const auto text =
        guest.process ? guest.process->read("cgroup")
                      : read_small_file(roots.proc + "/" + std::to_string(*guest.pid) + "/cgroup");
    const auto cgroup = text ? parse_cgroup(*text) : std::nullopt;
    return cgroup ? cgroup->path : "";
}

}  // namespace

Sampler::Sampler(GuestSource& source, AccessTracking* tracking, SamplerSettings settings)
    : source_(source),
      tracking_(tracking),
      settings_(std::move(settings)),
      sharers_(settings_.roots.proc) {}

std::vector<ListedGuest> Sampler::list() {
    const nanoseconds before = process_cpu_time();
    const auto begin = std::chrono::steady_clock::now();
    std::vector<ListedGuest> listed;
    try {
        listed = source_.list();
    } catch (...) {
        // As long as there is no list, nobody would end the scans that are under way.
        if (tracking_) tracking_->abandon_scans();
        throw;
    }
    // The planner goes over guests in this order too: memory that is used together is together.
    std::sort(listed.begin(), listed.end(),
              [](const ListedGuest& a, const ListedGuest& b) { return a.uuid < b.uuid; });
    for (ListedGuest& guest : listed) {
        if (guest.read_at == never) guest.read_at = begin;
        set_cgroup(guest);
    }
    list_cpu_time_ = process_cpu_time() - before;
    return listed;
}

Sample Sampler::sample(const std::vector<ListedGuest>& listed, const SampleRequest& request) {
    const nanoseconds before = process_cpu_time();
    Sample sample;
    sample.time = now_ = std::chrono::steady_clock::now();
    host_wide_due_ = host_wide_ == never || now_ - host_wide_ >= host_wide_interval;
    if (host_wide_due_) host_wide_ = now_;
    source_.permit_monitors(request.acts_on);
    renew_pagemap();
    sample.pagemap_problem = pagemap_problem_;
    std::set<std::string> seen;
    for (const ListedGuest& guest : listed) {
        seen.insert(guest.uuid);
        sample.guests.push_back(read(guest, request.quiet.contains(guest.uuid)));
    }
    std::erase_if(readers_, [&](const auto& entry) { return !seen.contains(entry.first); });
    std::erase_if(cgroups_, [&](const auto& entry) { return !seen.contains(entry.first); });
    add_kernel_vhost_threads(sample);
    notice_moved_pages();
    read_residencies(sample, request);
    for (GuestSample& guest : sample.guests)
        readers_.at(guest.uuid).memory().fill(guest, std::chrono::steady_clock::now());
    find_memory_sharers(sample, request.complete);
    sample.cpu_time = duration_cast<microseconds>(process_cpu_time() - before + list_cpu_time_);
    if (tracking_) tracking_->update(sample, request.hints, request.may_begin);
    return sample;
}

void Sampler::set_cgroup(ListedGuest& guest) {
    const auto now = std::chrono::steady_clock::now();
    KnownCgroup& known = cgroups_[guest.uuid];
    if (known.read_at == never || known.pid != guest.pid.value_or(0) ||
        now - known.read_at >= resync_of(guest.uuid))
        known = {guest.pid.value_or(0), read_cgroup(guest, settings_.roots), now};
    guest.cgroup = known.path;
}

// Where memory has moved, nobody has told which: the residency of all guests is read again, within
// what that may cost.
void Sampler::notice_moved_pages() {
    const auto now = read_moved_pages(settings_.roots.proc);
    const bool moved = now && moved_pages_ && *now - *moved_pages_ >= moved_pages_noticed;
    moved_pages_ = now;
    if (!moved) return;
    for (auto& [uuid, reader] : readers_)
        reader.memory().set_outdated();
}

Depth Sampler::depth_for(const ListedGuest& guest, const GuestReader& reader, bool quiet) const {
    if (now_ - reader.last_rare() >= resync_of(guest.uuid)) return Depth::rare;
    return quiet ? Depth::quiet : Depth::full;
}

// Whatever goes wrong with one guest costs that guest only.
GuestSample Sampler::read(const ListedGuest& guest, bool quiet) {
    GuestReader& reader = readers_.try_emplace(guest.uuid, settings_.roots).first->second;
    try {
        return reader.read(guest, source_, depth_for(guest, reader, quiet));
    } catch (const std::exception& error) {
        GuestSample failed;
        failed.uuid = guest.uuid;
        failed.name = guest.name;
        failed.source = *guest.source ? guest.source : source_.name();
        failed.read_at = guest.read_at;
        failed.unsteady = error.what();
        return failed;
    }
}

// Memory may have been added to the host since the table was made.
void Sampler::renew_pagemap() {
    if (!settings_.pagemap || !host_wide_due_) return;
    pagemap_problem_.clear();
    pagemap_ = make_pagemap_reader(pagemap_problem_);
}

void Sampler::add_kernel_vhost_threads(Sample& sample) {
    const auto lacks = [](const GuestSample& guest) {
        return guest.process && guest.uses_vhost && guest.vhost.empty();
    };
    if (std::none_of(sample.guests.begin(), sample.guests.end(), lacks)) return;
    if (host_wide_due_) kernel_vhost_ = read_kernel_vhost_threads();
    for (GuestSample& guest : sample.guests) {
        if (!lacks(guest)) continue;
        const auto [begin, end] = kernel_vhost_.equal_range(guest.process->pid());
        for (auto at = begin; at != end; ++at) {
            const auto thread = read_again(at->second);
            if (!thread) continue;
            guest.vhost.push_back(*thread);
            // A kernel thread is a process by itself.
            if (const auto time = process_cpu_time(thread->thread))
                guest.processes.push_back({thread->thread, thread->start_time,
                                           static_cast<std::uint64_t>(time->count())});
        }
    }
}

// That of a guest to which nothing is to be done is read when something says that it may have
// changed, and again and again for what nobody has told.
bool Sampler::is_residency_due(const GuestSample& guest, const SampleRequest& request) {
    const MemoryReader& memory = readers_.at(guest.uuid).memory();
    return request.complete || memory.is_outdated() || request.urgent.contains(guest.uuid) ||
           !request.quiet.contains(guest.uuid) ||
           now_ - memory.residency_time() >= resync_of(guest.uuid);
}

void Sampler::read_residencies(const Sample& sample, const SampleRequest& request) {
    std::vector<const GuestSample*> order;
    for (const GuestSample& guest : sample.guests)
        if (guest.process && guest.domain && is_residency_due(guest, request))
            order.push_back(&guest);
    // First the guests that were never read, then those whose memory we move, then by age.
    const auto rank = [&](const GuestSample* guest) {
        const auto time = readers_.at(guest->uuid).memory().residency_time();
        return std::tuple(time != never, !request.urgent.contains(guest->uuid), time);
    };
    std::stable_sort(order.begin(), order.end(),
                     [&](const GuestSample* a, const GuestSample* b) { return rank(a) < rank(b); });
    const PageReaders readers{move_pages_,
                              pagemap_ ? static_cast<PageReader&>(*pagemap_) : move_pages_};
    const nanoseconds begin = thread_cpu_time();
    for (const GuestSample* guest : order) {
        if (guest != order.front() && thread_cpu_time() - begin >= settings_.residency_time &&
            !request.complete)
            break;
        readers_.at(guest->uuid)
            .memory()
            .read_residency(*guest->process, readers, settings_.residency, request.complete);
    }
}

// Only shared memory can be another process's too.
void Sampler::find_memory_sharers(Sample& sample, bool complete) {
    const auto for_each_file = [&](const auto& visit) {
        for (GuestSample& guest : sample.guests)
            for (const CellSample& cell : guest.cells)
                for (const RamBlock& block : cell.blocks)
                    if (guest.process && guest.immovable.empty() && block.file != MappedFile())
                        visit(guest, block.file);
    };
    std::vector<MappedFile> files;
    for_each_file([&](GuestSample&, const MappedFile& file) { files.push_back(file); });
    sharers_.look(files, complete);
    for_each_file([&](GuestSample& guest, const MappedFile& file) {
        guest.immovable = sharers_.find(file, guest.process->pid());
    });
}

}  // namespace vnuma
