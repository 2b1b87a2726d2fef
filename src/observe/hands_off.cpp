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
#include "guests/process/process.hpp"
#include "policy/model/number_list.hpp"

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

ThreadIdentity process_of(const GuestSample& guest) {
    return guest.process ? ThreadIdentity{guest.process->pid(), guest.process->start_time()}
                         : ThreadIdentity{};
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
    const auto check = [&](const GuestThread& thread) {
        const Pin* pin = pins.find(*thread.sample);
        if (!pin) return;
        std::string what;
        if (guest.domain && thread.configured != pin->configured)
            what = describe_configured(thread);
        else if (pins.changed_by_someone_else(*thread.sample, online, host.forgets_affinities))
            what = describe_change(thread);
        if (what.empty()) return;
        if (change.what.empty()) change.what = std::move(what);
        change.threads.push_back(identity_of(*thread.sample));
    };
    for (const CellSample& cell : guest.cells)
        for (const GuestThread& vcpu : vcpus_of(guest, cell))
            check(vcpu);
    for (const GuestThread& thread : other_threads_of(guest))
        check(thread);
    return change;
}

void HandsOffGuests::refresh(const Sample& sample) {
    problem_.clear();
    if (!directory_.empty()) {
        const std::vector<std::string> names = list_directory(AT_FDCWD, directory_, max_guests);
        std::erase_if(guests_, [&](const auto& known) {
            return known.second.on_file &&
                   std::find(names.begin(), names.end(), known.first) == names.end();
        });
        for (const std::string& uuid : names)
            if (!guests_.contains(uuid)) read(uuid);
    }
    for (const GuestSample& guest : sample.guests) {
        const auto known = guests_.find(guest.uuid);
        if (known == guests_.end() || !guest.process) continue;
        if (known->second.process == process_of(guest)) continue;
        // The guest has been started anew, with all that its owner has configured.
        if (known->second.on_file) ::unlink((directory_ + "/" + guest.uuid).c_str());
        guests_.erase(known);
    }
}

void HandsOffGuests::read(const std::string& uuid) {
    const std::string file = directory_ + "/" + uuid;
    const FileDescriptor fd(
        ::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY));
    const auto text = fd ? read_all(fd.get(), max_file_bytes) : std::nullopt;
    if (!text) {
        problem_ = last_error(file);
        return;
    }
    try {
        const json guest = json::parse(*text);
        guests_[uuid] = {
            {guest.at("process").get<pid_t>(), guest.at("process_start").get<std::uint64_t>()},
            {guest.value("cpus", ""), guest.value("memory", "")},
            true};
    } catch (const json::exception& error) {
        problem_ = file + ": " + error.what();
    }
}

void HandsOffGuests::add(const GuestSample& guest, const HandsOff& why) {
    Guest& known =
        guests_.try_emplace(guest.uuid, Guest{process_of(guest), {}, false}).first->second;
    const HandsOff before = known.why;
    if (known.why.cpus.empty()) known.why.cpus = why.cpus;
    if (known.why.memory.empty()) known.why.memory = why.memory;
    if (known.why != before && !directory_.empty()) write(guest.uuid, guest.name, known);
}

void HandsOffGuests::write(const std::string& uuid, const std::string& name, Guest& guest) {
    const std::string file = directory_ + "/" + uuid, fresh = directory_ + "/." + uuid;
    ::mkdir(directory_.c_str(), 0755);
    const FileDescriptor fd(
        ::open(fresh.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0644));
    const json text = {{"guest", name},
                       {"process", guest.process.id},
                       {"process_start", guest.process.start_time},
                       {"cpus", guest.why.cpus},
                       {"memory", guest.why.memory}};
    guest.on_file =
        fd &&
        write_all(fd.get(), text.dump(2, ' ', false, json::error_handler_t::replace) + '\n') &&
        ::fdatasync(fd.get()) == 0 && std::rename(fresh.c_str(), file.c_str()) == 0;
    if (!guest.on_file) problem_ = last_error(file);
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
