#include "guests/discovery/proc_source.hpp"

#include <algorithm>
#include <optional>
#include <set>
#include <system_error>
#include <tuple>
#include <utility>

namespace vnuma {
namespace {

constexpr const char* not_asked =
    "its memory is not found by the sizes of its mappings, and nobody is asked about this guest";

std::shared_ptr<const Process> open_process(const Roots& roots, pid_t pid) {
    try {
        auto process = roots.is_recording()
                           ? Process::open_recorded(roots.proc + "/" + std::to_string(pid))
                           : Process::open(pid);
        return process ? std::make_shared<const Process>(std::move(*process)) : nullptr;
    } catch (const std::system_error& error) {
        throw SourceError(error.what());
    }
}

}  // namespace

std::string process_suffix(const Process& process) {
    return '/' + std::to_string(process.pid()) + '-' + std::to_string(process.start_time());
}

ProcSource::ProcSource(Roots roots, Now now, KvmAccess::Load load)
    : roots_(std::move(roots)),
      now_(std::move(now)),
      processes_(roots_.proc),
      kvm_(std::move(load), now_) {}

void ProcSource::follow_processes() {
    const std::vector<pid_t>& pids = processes_.find(now_());
    std::erase_if(guests_, [&](const auto& entry) {
        return !std::binary_search(pids.begin(), pids.end(), entry.first) ||
               !entry.second.proc.process().alive();
    });
    for (const pid_t pid : pids) {
        if (guests_.contains(pid) || guests_.size() >= max_guests) continue;
        if (auto process = open_process(roots_, pid))
            guests_.emplace(pid, Guest{ProcGuest(std::move(process), roots_, kvm_)});
    }
}

// Keys are kept for guests that are not listed now, too: libvirt may cease to tell of them.
void ProcSource::tell_apart(std::vector<Found>& found) {
    const auto age = [](const Found& one) {
        return std::tuple(one.listed.process->start_time(), one.listed.process->pid());
    };
    std::sort(found.begin(), found.end(),
              [&](const Found& a, const Found& b) { return age(a) < age(b); });
    std::set<std::string> keys, names;
    for (const auto& [pid, guest] : guests_)
        keys.insert(guest.key);
    for (auto& [listed, guest] : found) {
        if (guest->key.empty()) {
            guest->key = listed.uuid;
            if (!keys.insert(guest->key).second) guest->key += process_suffix(*listed.process);
        }
        listed.uuid = guest->key;
        if (!names.insert(listed.name).second && guest->proc.is_named_by_group())
            listed.name += '-' + std::to_string(listed.process->pid());
    }
}

std::vector<ListedGuest> ProcSource::list_others(const std::map<pid_t, std::uint64_t>& known) {
    follow_processes();
    std::vector<Found> found;
    for (auto at = guests_.begin(); at != guests_.end();) {
        const auto other = known.find(at->first);
        if (other != known.end() && other->second == at->second.proc.process().start_time()) {
            ++at;
            continue;
        }
        auto listed = at->second.proc.list(now_());
        if (!listed) {
            at = guests_.erase(at);
            continue;
        }
        found.push_back({std::move(*listed), &at->second});
        ++at;
    }
    tell_apart(found);
    std::vector<ListedGuest> guests;
    pids_.clear();
    for (Found& one : found) {
        pids_.emplace(one.listed.uuid, *one.listed.pid);
        guests.push_back(std::move(one.listed));
    }
    return guests;
}

RunState ProcSource::read_state(const std::string& uuid) {
    const auto pid = pids_.find(uuid);
    const auto guest = pid == pids_.end() ? guests_.end() : guests_.find(pid->second);
    if (guest == guests_.end()) throw MonitorError("its process is gone");
    return guest->second.proc.read_state();
}

RamView ProcSource::read_ram_view(const std::string&) {
    throw MonitorError(not_asked);
}

bool ProcSource::start_write_measurement(const std::string&, std::chrono::seconds) {
    throw MonitorError("nobody is asked about this guest");
}

WriteMeasurement ProcSource::read_write_measurement(const std::string&) {
    throw MonitorError("nobody is asked about this guest");
}

}  // namespace vnuma
