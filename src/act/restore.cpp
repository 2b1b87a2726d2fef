#include "src/act/restore.hpp"

#include <algorithm>
#include <cerrno>
#include <system_error>

#include "policy/model/number_list.hpp"

namespace vnuma {
namespace {

// Times that heirs are looked for: one may create another in the meantime.
constexpr int heir_searches = 3;

// A thread or process that lives, or of which that cannot be told.
std::string cannot_be_read(int life) {
    return "it cannot be read: " + std::generic_category().message(life == 0 ? EAGAIN : life);
}

Restored put_back_affinity(Kernel& kernel, const JournalEntry& entry) {
    Restored restored{entry};
    const auto now = kernel.read_cpus(entry.thread);
    const auto is_ours = [&](const std::vector<int>& cpus) {
        return !cpus.empty() && explains(cpus, now->affinity, now->cpuset);
    };
    if (!now) {
        // It is not known to have ended merely because it cannot be read.
        const int life = kernel.find_life(entry.thread);
        restored.outcome = life == ESRCH ? PutBack::ended : PutBack::failed;
        if (life != ESRCH) restored.error = cannot_be_read(life);
    } else if (!is_ours(entry.pin.ours) && !is_ours(entry.former)) {
        restored.outcome = PutBack::not_ours;
    } else {
        const std::vector<int>& cpus = entry.pin.unset ? every_cpu() : entry.pin.before;
        const int error = kernel.set_affinity(entry.thread, cpus).error;
        if (error == ESRCH) restored.outcome = PutBack::ended;
        if (error == 0 || error == ESRCH) return restored;
        restored.outcome = PutBack::failed;
        restored.error = "sched_setaffinity: " + std::generic_category().message(error);
    }
    return restored;
}

// libvirt keeps the pin of a vCPU that is not plugged in, so the thread may have ended.
Restored put_back_by_libvirt(Kernel& kernel, const JournalEntry& entry) {
    Restored restored{entry};
    const LibvirtPin& pin = *entry.pin.libvirt;
    if (const int life = kernel.find_life(process_of(entry)); life != 0) {
        restored.outcome = life == ESRCH ? PutBack::ended : PutBack::failed;
        if (life != ESRCH) restored.error = cannot_be_read(life);
        return restored;
    }
    PinReply reply = kernel.read_libvirt_pin(entry.uuid, pin.thread);
    if (reply.error.empty()) {
        const bool is_ours = reply.cpus == entry.pin.ours || reply.cpus == entry.former;
        // A call of vnumad's, even of one that has ended, may wait in libvirtd and have its effect
        // later. One that sets the pin from before waits behind it.
        const bool may_become_ours = reply.cpus == pin.before;
        // libvirt does not tell the pin of a vCPU that is not plugged in.
        const bool is_told = !reply.cpus.empty();
        if (is_ours || may_become_ours || !is_told)
            reply = kernel.set_libvirt_pin(entry.uuid, pin.thread, pin.before);
        else
            restored.outcome = PutBack::not_ours;
    }
    if (!reply.error.empty()) {
        restored.outcome = PutBack::failed;
        restored.error = std::move(reply.error);
        restored.returned = reply.returned;
    }
    return restored;
}

}  // namespace

std::vector<JournalEntry> find_heirs(Kernel& kernel, const JournalEntries& entries) {
    std::map<ThreadIdentity, std::vector<const JournalEntry*>> by_process;
    for (const auto& [thread, entry] : entries) {
        if (entry.left) continue;
        by_process[process_of(entry)].push_back(&entry);
        // The first thread of a helper has the number of its process.
        by_process[thread].push_back(&entry);
    }
    std::vector<JournalEntry> heirs;
    const auto add_if_heir = [&](const ThreadIdentity& thread, const auto& pinned) {
        const auto cpus = kernel.read_cpus(thread);
        const auto parent = std::find_if(pinned.begin(), pinned.end(), [&](const auto* entry) {
            return cpus && is_heir(thread, *cpus, entry->pin);
        });
        if (parent == pinned.end()) return;
        heirs.push_back(**parent);
        heirs.back().thread = thread;
        heirs.back().pin.libvirt.reset();
    };
    for (const auto& [process, pinned] : by_process) {
        try {
            for (const ThreadIdentity& thread : kernel.read_threads(process))
                if (!entries.contains(thread)) add_if_heir(thread, pinned);
        } catch (const std::system_error&) {
            // What cannot be read of one process does not hold up the others.
        }
    }
    return heirs;
}

Restored put_back(Kernel& kernel, const JournalEntry& entry) {
    return entry.pin.libvirt ? put_back_by_libvirt(kernel, entry)
                             : put_back_affinity(kernel, entry);
}

std::vector<Restored> restore(Kernel& kernel, Journal& journal) {
    std::vector<Restored> all;
    std::vector<ThreadIdentity> over;
    // Affinities first, so that they are those of the cpusets that libvirt widens.
    for (const bool by_libvirt : {false, true})
        for (const auto& [thread, entry] : journal.entries()) {
            if (entry.left || entry.pin.libvirt.has_value() != by_libvirt) continue;
            all.push_back(put_back(kernel, entry));
            const bool failed = all.back().outcome == PutBack::failed;
            if (failed && by_libvirt) put_back_affinity(kernel, entry);
            if (!failed) over.push_back(thread);
        }
    // After those that they were born of, which give no pin to new threads any more.
    for (int search = 0; search < heir_searches; ++search) {
        const auto heirs = find_heirs(kernel, journal.entries());
        if (heirs.empty()) break;
        for (const JournalEntry& heir : heirs)
            all.push_back(put_back(kernel, heir));
    }
    try {
        journal.end(over);
    } catch (const std::system_error&) {
        // Entries that stay do no harm: only CPUs that are still ours are put back.
    }
    return all;
}

std::string describe(const Restored& restored) {
    const JournalEntry& entry = restored.entry;
    std::string thread =
        "guest " + entry.guest + ", thread " + std::to_string(entry.thread.id) + ": ";
    switch (restored.outcome) {
        case PutBack::done:
            if (entry.pin.libvirt)
                return thread + "libvirt allows it CPUs " +
                       format_number_list(entry.pin.libvirt->before) + " again, as before";
            return thread + "may use CPUs " +
                   (entry.pin.unset ? "of all its cpuset" : format_number_list(entry.pin.before)) +
                   " again, as before";
        case PutBack::ended:
            return thread + "has ended";
        case PutBack::not_ours:
            return thread + "somebody else has changed its CPUs, and they stay as they are";
        case PutBack::failed:
            return thread + restored.error +
                   (entry.pin.libvirt ? "; once libvirt answers, vnumad --restore puts it back"
                                      : "");
    }
    return thread;
}

}  // namespace vnuma
