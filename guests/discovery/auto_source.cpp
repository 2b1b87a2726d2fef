#include "guests/discovery/auto_source.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <optional>

#include "guests/process/files.hpp"

namespace vnuma {
namespace {

constexpr std::size_t max_pid_files = 16384;

// Whether a process is that of a guest of libvirt's, by what its command line says of its UUID.
// libvirt's pid file may be out of reach, but libvirt always puts the UUID there.
bool is_same(const ListedGuest& by_libvirt, const ListedGuest& other) {
    const std::string uuid = other.domain ? other.domain->uuid : std::string();
    if (by_libvirt.pid)
        return by_libvirt.pid == other.pid && (uuid.empty() || uuid == by_libvirt.uuid);
    return uuid == by_libvirt.uuid;
}

// Of all domains that libvirt has started and that have not ended.
std::set<pid_t> read_pid_files(const std::string& directory) {
    const std::string prefix = directory + "/";
    std::set<pid_t> pids;
    for (const std::string& name : list_directory(AT_FDCWD, directory, max_pid_files)) {
        if (!name.ends_with(".pid")) continue;
        const auto text = read_small_file(prefix + name);
        pid_t pid = 0;
        if (text &&
            std::from_chars(text->data(), text->data() + text->size(), pid).ec == std::errc())
            pids.insert(pid);
    }
    return pids;
}

}  // namespace

bool may_have_libvirt(const std::string& uri, const std::string& run) {
    if (!uri.starts_with("qemu:///system") || uri.find("socket=") != std::string::npos) return true;
    for (const char* socket : {"/libvirt/libvirt-sock", "/libvirt/virtqemud-sock"})
        if (::access((run + socket).c_str(), F_OK) == 0) return true;
    return false;
}

AutoSource::AutoSource(Libvirt libvirt, std::unique_ptr<ProcSource> proc)
    : libvirt_(std::move(libvirt)), proc_(std::move(proc)) {}

std::string AutoSource::list_libvirt() {
    try {
        by_libvirt_ = libvirt_.source->list();
        for (ListedGuest& guest : by_libvirt_)
            guest.source = libvirt_.source->name();
        return "";
    } catch (const SourceError& error) {
        return error.what();
    }
}

std::vector<ListedGuest> AutoSource::list_others() {
    std::map<std::string, std::shared_ptr<const Process>> found;
    std::map<pid_t, std::uint64_t> known;
    const auto add = [&](ListedGuest& guest, const std::shared_ptr<const Process>& process) {
        found[guest.uuid] = process;
        // A process that libvirt does not tell.
        if (!guest.pid) {
            guest.pid = process->pid();
            guest.process = process;
        }
    };
    for (ListedGuest& guest : by_libvirt_) {
        const auto before = processes_.find(guest.uuid);
        if (before == processes_.end() || !before->second->alive() ||
            guest.pid.value_or(before->second->pid()) != before->second->pid())
            continue;
        add(guest, before->second);
        known.emplace(before->second->pid(), before->second->start_time());
    }
    std::vector<ListedGuest> others = proc_->list_others(known);
    for (ListedGuest& guest : by_libvirt_) {
        const auto same = std::find_if(others.begin(), others.end(), [&](const ListedGuest& other) {
            return is_same(guest, other);
        });
        if (found.contains(guest.uuid) || same == others.end()) continue;
        add(guest, same->process);
        others.erase(same);
    }
    processes_ = std::move(found);
    return others;
}

bool AutoSource::remove_started(std::vector<ListedGuest>& others) const {
    if (others.empty()) return false;
    const std::set<pid_t> started = read_pid_files(libvirt_.pid_directory);
    return std::erase_if(others, [&](const ListedGuest& other) {
               return other.pid && started.contains(*other.pid);
           }) > 0;
}

std::vector<ListedGuest> AutoSource::list() {
    const bool is_there = libvirt_.is_there();
    std::string failure = is_there ? list_libvirt() : "";
    std::vector<ListedGuest> others = list_others();
    // A domain may have started since libvirt was asked, or while libvirt was not there. Its
    // metadata, which may forbid to act on it, is not known yet.
    const bool unnamed = remove_started(others);
    if (!is_there && (unnamed || !by_libvirt_.empty()))
        failure = "libvirt has started guests, but it is not there now";
    if (!failure.empty() && others.empty()) throw SourceError(failure);
    incomplete_ = failure.empty() && unnamed ? "libvirt has started guests that it does not tell of"
                                             : failure;
    std::vector<ListedGuest> guests = by_libvirt_;
    sources_.clear();
    for (ListedGuest& guest : guests) {
        if (!failure.empty()) guest.unsteady = "libvirt does not tell of it now: " + failure;
        sources_[guest.uuid] = {libvirt_.source.get(), guest.uuid};
    }
    for (ListedGuest& other : others) {
        const std::string key = other.uuid;
        if (sources_.contains(key)) other.uuid += process_suffix(*other.process);
        if (!*other.source) other.source = proc_->name();
        sources_[other.uuid] = {proc_.get(), key};
        guests.push_back(std::move(other));
    }
    return guests;
}

std::pair<GuestSource*, std::string> AutoSource::find(const std::string& uuid) const {
    const auto at = sources_.find(uuid);
    if (at == sources_.end()) throw MonitorError("it is not listed");
    return at->second;
}

RunState AutoSource::read_state(const std::string& uuid) {
    const auto [source, key] = find(uuid);
    return source->read_state(key);
}

RamView AutoSource::read_ram_view(const std::string& uuid) {
    const auto [source, key] = find(uuid);
    return source->read_ram_view(key);
}

bool AutoSource::start_write_measurement(const std::string& uuid, std::chrono::seconds duration) {
    const auto [source, key] = find(uuid);
    return source->start_write_measurement(key, duration);
}

WriteMeasurement AutoSource::read_write_measurement(const std::string& uuid) {
    const auto [source, key] = find(uuid);
    return source->read_write_measurement(key);
}

}  // namespace vnuma
