#include "src/observe/hands_off.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <system_error>
#include <utility>

#include "guests/process/file_descriptor.hpp"
#include "guests/process/files.hpp"
#include "guests/process/life.hpp"
#include "guests/process/process.hpp"
#include "policy/model/number_list.hpp"
#include "policy/model/uuid.hpp"

namespace vnuma {
namespace {

using nlohmann::json;

constexpr std::size_t max_guests = 65536;
constexpr std::size_t max_file_bytes = 4096;

std::string describe_change(const GuestThread& thread) {
    return "someone else changed the CPUs of " + thread.name + " to " +
           format_number_list(thread.sample->affinity);
}

// libvirt's configuration of the guest was changed (virsh vcpupin), to whatever CPUs.
std::string describe_configured(const GuestThread& thread) {
    return "its owner has configured the CPUs of " + thread.name + ": " +
           (thread.configured.empty() ? "all" : format_number_list(thread.configured));
}

std::string describe_unconfirmed(const GuestThread& thread) {
    return "libvirt has not pinned " + thread.name + " in " + std::to_string(1 + max_reapplied) +
           " attempts";
}

// Whether libvirt's configuration is neither ours nor, while libvirt has not answered, the one from
// before.
bool is_configured_anew(const GuestThread& thread, const Pin& pin) {
    return thread.configured != pin.configured &&
           !(pin.is_unconfirmed() && thread.configured == pin.libvirt->unconfirmed);
}

ThreadIdentity process_of(const GuestSample& guest) {
    return guest.process ? ThreadIdentity{guest.process->pid(), guest.process->start_time()}
                         : ThreadIdentity{};
}

// Somebody has removed the file. Asks without a descriptor: there may be none left.
bool is_removed(const std::string& file) {
    return ::faccessat(AT_FDCWD, file.c_str(), F_OK, AT_SYMLINK_NOFOLLOW) != 0 && errno == ENOENT;
}

bool has_ended(const ThreadIdentity& process) {
    return process != ThreadIdentity() && find_life(process.id, process.start_time) == ESRCH;
}

// Of a file with this name.
std::string uuid_of(const std::string& name) {
    const std::size_t suffix = std::min(name.find('%'), name.size());
    std::string rest = name.substr(suffix);
    std::replace(rest.begin(), rest.end(), '%', '/');
    return normalize_guest_name(name.substr(0, suffix)) + rest;
}

std::string last_error(const std::string& file) {
    return file + ": " + std::generic_category().message(errno);
}

}  // namespace

ForeignChange find_foreign_change(const GuestSample& guest, const KnownPins& pins,
                                  const Host& host) {
    ForeignChange change;
    if (pins.all().empty()) return change;
    const std::vector<int> online = host.online();
    const std::vector<GuestThread> threads = threads_of(guest);
    const bool by_libvirt = std::any_of(threads.begin(), threads.end(), [&](const auto& thread) {
        return pins.find_or_none(*thread.sample).libvirt.has_value();
    });
    for (const GuestThread& thread : threads) {
        const Pin* pin = pins.find(*thread.sample);
        if (!pin) continue;
        std::string what;
        // Where libvirt does not answer, its description of the guest may be older than our pin.
        const bool is_recent = guest.domain && guest.state != RunState::unknown;
        // What is configured for threads that follow the emulator is vnumad's, if libvirt pins.
        const bool has_wish = pin->libvirt || !by_libvirt;
        const bool anew = is_recent && has_wish && is_configured_anew(thread, *pin);
        if (anew)
            what = describe_configured(thread);
        else if (pins.changed_by_someone_else(*thread.sample, online, host.forgets_affinities))
            what = pin->is_unconfirmed() ? describe_unconfirmed(thread) : describe_change(thread);
        if (what.empty()) continue;
        if (change.what.empty()) change.what = std::move(what);
        // A call that has not returned may still pin it, and then it has to be undone.
        if (anew || !pin->is_unconfirmed()) change.threads.push_back(identity_of(*thread.sample));
    }
    return change;
}

std::string forget_hands_off(const std::string& directory, const std::string& uuid) {
    for (const std::string& name : list_directory(AT_FDCWD, directory, max_guests)) {
        std::string file = directory;
        file.append("/").append(name);
        if (uuid_of(name) == uuid && ::unlink(file.c_str()) != 0 && errno != ENOENT)
            return last_error(file);
    }
    return "";
}

void HandsOffGuests::refresh(const Sample& sample) {
    problem_.clear();
    if (!directory_.empty()) {
        std::erase_if(guests_, [&](const auto& known) {
            return known.second.on_file && is_removed(known.second.file);
        });
        for (const std::string& name : list_directory(AT_FDCWD, directory_, max_guests)) {
            Guest& guest = guests_[uuid_of(name)];
            // Also if nothing could be read of it so far.
            if (guest.process == ThreadIdentity()) guest = read(directory_ + "/" + name);
        }
        for (auto& [uuid, guest] : guests_)
            if (!guest.on_file) write(uuid, guest);
    }
    for (const GuestSample& guest : sample.guests) {
        const auto known = guests_.find(guest.uuid);
        if (known == guests_.end() || !guest.process || known->second.process == ThreadIdentity())
            continue;
        // The guest has been started anew, with all that its owner has configured.
        if (known->second.process != process_of(guest)) forget(known);
    }
    for (auto next = guests_.begin(); next != guests_.end();) {
        const auto guest = next++;
        if (has_ended(guest->second.process)) forget(guest);
    }
}

void HandsOffGuests::forget(std::map<std::string, Guest>::iterator guest) {
    if (guest->second.on_file && may_write_) ::unlink(guest->second.file.c_str());
    guests_.erase(guest);
}

// A file that says nothing holds for CPUs and memory of every process of the guest.
HandsOffGuests::Guest HandsOffGuests::read(const std::string& file) {
    const FileDescriptor fd(
        ::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY));
    const auto text = fd ? read_all(fd.get(), max_file_bytes) : std::nullopt;
    std::string exists = file + " exists";
    if (!text)
        problem_ = last_error(file);
    else if (!text->empty())
        try {
            const json guest = json::parse(*text);
            return {
                {guest.at("process").get<pid_t>(), guest.at("process_start").get<std::uint64_t>()},
                guest.value("guest", ""),
                {guest.value("cpus", ""), guest.value("memory", "")},
                true,
                file};
        } catch (const json::exception& error) {
            problem_ = file + ": " + error.what();
        }
    return {{}, "", {exists, exists}, true, file};
}

void HandsOffGuests::add(const GuestSample& guest, const HandsOff& why) {
    Guest& known =
        guests_.try_emplace(guest.uuid, Guest{process_of(guest), guest.name, {}, false, ""})
            .first->second;
    const HandsOff before = known.why;
    if (known.why.cpus.empty()) known.why.cpus = why.cpus;
    if (known.why.memory.empty()) known.why.memory = why.memory;
    if (known.why != before && !directory_.empty()) write(guest.uuid, known);
}

void HandsOffGuests::write(const std::string& uuid, Guest& guest) {
    if (!may_write_) return;
    const std::string file = file_of(uuid), fresh = directory_ + "/.new";
    ::mkdir(directory_.c_str(), 0755);
    const FileDescriptor fd(
        ::open(fresh.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0644));
    const json text = {{"guest", guest.name},
                       {"process", guest.process.id},
                       {"process_start", guest.process.start_time},
                       {"cpus", guest.why.cpus},
                       {"memory", guest.why.memory}};
    guest.on_file =
        fd &&
        write_all(fd.get(), text.dump(2, ' ', false, json::error_handler_t::replace) + '\n') &&
        ::fdatasync(fd.get()) == 0 && std::rename(fresh.c_str(), file.c_str()) == 0;
    if (guest.on_file)
        guest.file = file;
    else
        problem_ = last_error(file);
}

// The UUID of a guest that has another's has a slash (QmpSource), which no name of a file may have.
std::string HandsOffGuests::file_of(const std::string& uuid) const {
    std::string name = uuid;
    std::replace(name.begin(), name.end(), '/', '%');
    return directory_ + "/" + name;
}

std::map<std::string, HandsOff> HandsOffGuests::all() const {
    std::map<std::string, HandsOff> all;
    for (const auto& [uuid, guest] : guests_)
        all.emplace(uuid, guest.why);
    return all;
}

const HandsOff* HandsOffGuests::find(const std::string& uuid) const {
    const auto known = guests_.find(uuid);
    return known == guests_.end() ? nullptr : &known->second.why;
}

}  // namespace vnuma
