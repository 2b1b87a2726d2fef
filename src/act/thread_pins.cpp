#include "src/act/thread_pins.hpp"

#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <iterator>
#include <set>
#include <string_view>
#include <system_error>

#include "policy/model/number_list.hpp"

namespace vnuma {
namespace {

std::vector<int> intersect(const std::vector<int>& a, const std::vector<int>& b) {
    std::vector<int> both;
    std::set_intersection(a.begin(), a.end(), b.begin(), b.end(), std::back_inserter(both));
    return both;
}

// Guests that never come back leave at most so many pins in the journal.
constexpr std::size_t max_left = 4096;

std::string describe_failure(const GuestThread& thread, const std::string& error) {
    return thread.name + ": " + error;
}

// In the unit of a thread's start time.
std::uint64_t clock_ticks_since_boot() {
    timespec now{};
    ::clock_gettime(CLOCK_BOOTTIME, &now);
    const auto per_second = static_cast<std::uint64_t>(::sysconf(_SC_CLK_TCK));
    return static_cast<std::uint64_t>(now.tv_sec) * per_second +
           static_cast<std::uint64_t>(now.tv_nsec) * per_second / 1'000'000'000;
}

// Nobody has set an affinity, as far as can be seen: the thread may use all of its cpuset, and
// libvirt has no pin for it. The kernel does not tell which affinity was set.
bool is_unset(const GuestThread& thread, const std::vector<int>& online) {
    const ThreadSample& sample = *thread.sample;
    const std::vector<int>& usable = sample.cpuset.empty() ? online : sample.cpuset;
    return thread.configured.empty() &&
           std::includes(sample.affinity.begin(), sample.affinity.end(), usable.begin(),
                         usable.end());
}

}  // namespace

std::string ThreadPins::pin(const GuestSample& guest, const std::vector<GuestThread>& threads,
                            const std::vector<int>& cpus, const std::vector<int>& online,
                            const WhyNot& why_not) {
    const std::lock_guard lock(mutex_);
    std::vector<Step> steps;
    std::vector<JournalEntry> entries;
    for (const GuestThread& thread : threads) {
        auto step = plan(guest, thread, cpus, online, why_not);
        if (!step) continue;
        if (!step->problem.empty()) return step->problem;
        entries.push_back(step->entry);
        steps.push_back(std::move(*step));
    }
    try {
        journal_.begin(std::move(entries));
    } catch (const std::system_error& error) {
        return std::string("nothing is changed, because the journal cannot be written: ") +
               error.what();
    }
    for (std::size_t i = 0; i < steps.size(); ++i) {
        std::string problem = why_not();
        if (problem.empty()) problem = take(guest, steps[i]);
        if (problem.empty()) continue;
        take_back(steps, i, why_not);
        return problem;
    }
    return "";
}

bool ThreadPins::is_in_force(const GuestSample& guest, const GuestThread& thread,
                             const std::vector<int>& cpus, const std::vector<int>& online) const {
    const ThreadSample& sample = *thread.sample;
    const Pin* known = pins_.find(sample);
    const std::vector<int> ours = ours_of(pins_.owners_choice(sample), cpus);
    if (!known) return sample.affinity == ours && !pins_.find_inherited(guest, sample);
    std::vector<int> usable = online;
    if (!sample.cpuset.empty()) remove_others(usable, sample.cpuset);
    // The kernel takes CPUs that are not usable any more out of the affinity.
    return known->ours == ours && !known->is_unconfirmed() &&
           (sample.affinity == ours || sample.affinity == intersect(ours, usable));
}

std::vector<int> ThreadPins::ours_of(const std::vector<int>& allowed,
                                     const std::vector<int>& cpus) const {
    std::vector<int> spread;
    std::set_difference(allowed.begin(), allowed.end(), isolated_.begin(), isolated_.end(),
                        std::back_inserter(spread));
    return intersect(spread.empty() ? allowed : spread, cpus);
}

std::optional<ThreadPins::Step> ThreadPins::plan(const GuestSample& guest,
                                                 const GuestThread& thread,
                                                 const std::vector<int>& cpus,
                                                 const std::vector<int>& online,
                                                 const WhyNot& why_not) {
    if (is_in_force(guest, thread, cpus, online)) return std::nullopt;
    const ThreadSample& sample = *thread.sample;
    Step step;
    step.thread = &thread;
    step.entry = {guest.uuid,           guest.name,
                  guest.process->pid(), guest.process->start_time(),
                  identity_of(sample),  {}};
    Pin& pin = step.entry.pin;
    const Pin* known = pins_.find(sample);
    const Pin* inherited = known ? nullptr : pins_.find_inherited(guest, sample);
    pin.before = inherited ? inherited->before : pins_.owners_choice(sample);
    pin.ours = ours_of(pin.before, cpus);
    pin.since = clock_ticks_since_boot();
    if (known) {
        step.former = *known;
        pin.reapplied = known->ours == pin.ours ? known->reapplied + 1 : 0;
        pin.since = known->since;
    }
    pin.unset = known ? known->unset : inherited ? inherited->unset : is_unset(thread, online);
    pin.configured = known ? known->configured : thread.configured;
    if (known) pin.libvirt = known->libvirt;
    const bool is_libvirts = std::string_view(guest.source) == "libvirt";
    if (!known && by_libvirt_ && is_libvirts && thread.libvirt)
        pin.libvirt = {*thread.libvirt, {}, {}};
    if (pin.ours.empty())
        step.problem = thread.name + " may not use that node";
    else if (pin.libvirt && (step.problem = why_not()).empty())
        step.problem = read_before(step, inherited);
    return step;
}

// What libvirt allows the thread until now. A vCPU that is plugged in has the pin that libvirt has
// kept for it, which is ours if one was inherited.
std::string ThreadPins::read_before(Step& step, const Pin* inherited) {
    Pin& pin = step.entry.pin;
    const PinReply now = kernel_.read_libvirt_pin(step.entry.uuid, pin.libvirt->thread);
    if (!now.error.empty()) return describe_failure(*step.thread, now.error);
    if (now.cpus.empty()) return step.thread->name + " is being unplugged";
    if (step.former && !step.former->is_unconfirmed() && now.cpus != step.former->ours)
        return "someone has just changed the CPUs of " + step.thread->name;
    const bool is_kept = inherited && inherited->libvirt && now.cpus == inherited->ours;
    if (!step.former) pin.libvirt->before = is_kept ? inherited->libvirt->before : now.cpus;
    pin.libvirt->unconfirmed.reset();
    pin.configured = pin.ours;
    return "";
}

std::string ThreadPins::take(const GuestSample& guest, const Step& step) {
    const ThreadIdentity& thread = step.entry.thread;
    if (!kernel_.is_alive(*guest.process)) return "the guest has ended";
    const auto now = kernel_.read_cpus(thread);
    if (!now && kernel_.find_life(thread) == ESRCH) return "";  // since the sample
    if (!now) return "the CPUs of " + step.thread->name + " cannot be read";
    if (now->affinity != step.thread->sample->affinity)
        return "someone has just changed the CPUs of " + step.thread->name;
    if (step.entry.pin.libvirt) return take_by_libvirt(step);
    const CallResult result = kernel_.set_affinity(thread, step.entry.pin.ours);
    if (result.error == 0)
        pins_.set(thread, step.entry.pin);
    else if (result.error != ESRCH)
        return describe_failure(
            *step.thread, "sched_setaffinity: " + std::generic_category().message(result.error));
    return "";
}

std::string ThreadPins::take_by_libvirt(const Step& step) {
    Pin pin = step.entry.pin;
    const PinReply reply = kernel_.set_libvirt_pin(step.entry.uuid, pin.libvirt->thread, pin.ours);
    if (!reply.returned) pin.libvirt->unconfirmed = step.thread->configured;
    if (reply.error.empty() || !reply.returned) pins_.set(step.entry.thread, std::move(pin));
    return reply.error.empty() ? "" : describe_failure(*step.thread, reply.error);
}

// Undoes what this attempt has changed: every thread runs where it did before. What libvirt has
// pinned stays where nothing may be done any more, since taking it back takes as long again; the
// kernel does it at once.
void ThreadPins::take_back(const std::vector<Step>& steps, std::size_t taken,
                           const WhyNot& why_not) {
    std::vector<ThreadIdentity> over;
    std::vector<JournalEntry> back;
    for (std::size_t i = 0; i < steps.size(); ++i) {
        const Step& step = steps[i];
        const ThreadIdentity& thread = step.entry.thread;
        JournalEntry entry = step.entry;
        if (step.former) {
            // What was there before is our own pin, and stays journalled.
            entry.pin.before = step.former->ours;
            entry.pin.unset = false;
            if (entry.pin.libvirt) entry.pin.libvirt->before = step.former->ours;
        }
        const auto known = pins_.all().find(thread);
        if (known != pins_.all().end() && known->second.is_unconfirmed()) continue;
        if (i < taken && entry.pin.libvirt && !why_not().empty()) continue;
        if (i < taken && put_back(kernel_, entry).outcome == PutBack::failed) continue;
        if (step.former) {
            pins_.set(thread, *step.former);
            entry.pin = *step.former;
            back.push_back(std::move(entry));
        } else {
            pins_.erase(thread);
            over.push_back(thread);
        }
    }
    end(over);
    begin(std::move(back));  // the entries that are there name both pins
}

std::string ThreadPins::release(const std::vector<GuestThread>& threads, const WhyNot& why_not) {
    const std::lock_guard lock(mutex_);
    std::vector<Named> entries;
    for (const GuestThread& thread : threads) {
        const auto entry = journal_.entries().find(identity_of(*thread.sample));
        if (entry != journal_.entries().end()) entries.emplace_back(thread.name, entry->second);
    }
    return release(entries, why_not);
}

std::string ThreadPins::release_guest(const std::string& uuid, const WhyNot& why_not) {
    const std::lock_guard lock(mutex_);
    std::vector<Named> entries;
    for (const auto& [thread, entry] : journal_.entries())
        if (entry.uuid == uuid && !entry.left)
            entries.emplace_back("thread " + std::to_string(thread.id), entry);
    return release(entries, why_not);
}

std::string ThreadPins::release(const std::vector<Named>& entries, const WhyNot& why_not) {
    std::string failure;
    std::vector<ThreadIdentity> over;
    JournalEntries released;
    for (const auto& [name, entry] : entries) {
        if (std::string why = why_not(); !why.empty()) {
            failure = std::move(why);
            break;
        }
        released.emplace(entry.thread, entry);
        const Restored restored = put_back(kernel_, entry);
        if (restored.outcome == PutBack::failed) {
            failure = name + ": " + restored.error;
            if (!restored.returned) {
                Pin pin = entry.pin;
                pin.libvirt->unconfirmed = pin.libvirt->before;
                pins_.set(entry.thread, std::move(pin));
            }
        } else {
            pins_.erase(entry.thread);
            over.push_back(entry.thread);
        }
    }
    // Threads that were born since the look.
    for (const JournalEntry& heir : find_heirs(kernel_, released))
        if (!journal_.entries().contains(heir.thread)) put_back(kernel_, heir);
    end(over);
    return failure;
}

void ThreadPins::forget(const std::vector<ThreadIdentity>& threads) {
    const std::lock_guard lock(mutex_);
    for (const ThreadIdentity& thread : threads)
        pins_.erase(thread);
    end(threads);
}

void ThreadPins::follow(const Sample& sample, const std::vector<int>& online,
                        const WhyNotGuest& why_not, std::vector<int> isolated) {
    const std::lock_guard lock(mutex_);
    isolated_ = std::move(isolated);
    // A pin that is in force although its CPUs were offline was not dropped, and what somebody
    // changes from now on is their will.
    for (const GuestSample& guest : sample.guests)
        for_each_thread(guest, [&](const ThreadSample& thread) {
            Pin pin = pins_.find_or_none(thread);
            if (!pin.lost || pin.ours != thread.affinity) return;
            pin.lost = false;
            pins_.set(identity_of(thread), std::move(pin));
        });
    pins_.mark_lost(online);
    std::set<std::string> away;
    for (const auto& [thread, entry] : journal_.entries())
        if (entry.left) away.insert(entry.uuid);
    for (const GuestSample& guest : sample.guests) {
        if (guest.state == RunState::migrating || guest.state == RunState::saving)
            leaving_.insert(guest.uuid);
        if (!guest.unsteady.empty() || !guest.process) continue;
        leaving_.erase(guest.uuid);
        if (away.contains(guest.uuid)) take_up(guest);
    }
    forget_ended(sample, why_not);
}

// libvirt keeps its pins of a guest that it saves or migrates.
void ThreadPins::forget_ended(const Sample& sample, const WhyNotGuest& why_not) {
    std::set<ThreadIdentity> seen;
    for (const GuestSample& guest : sample.guests)
        for_each_thread(guest,
                        [&](const ThreadSample& thread) { seen.insert(identity_of(thread)); });
    std::vector<ThreadIdentity> over;
    std::vector<JournalEntry> left;
    std::set<std::string> pinned;
    std::size_t away = 0;
    for (const auto& [thread, entry] : journal_.entries()) {
        if (entry.left) {
            ++away;
            continue;
        }
        pinned.insert(entry.uuid);
        if (seen.contains(thread) || kernel_.find_life(thread) != ESRCH) continue;
        const bool runs = entry.pin.libvirt && kernel_.find_life(process_of(entry)) != ESRCH;
        if (runs && entry.pin.libvirt->thread.role == DomainThread::Role::vcpu &&
            !put_back_unplugged(entry, sample, why_not))
            continue;
        pins_.erase(thread);
        if (entry.pin.libvirt && !runs && leaving_.contains(entry.uuid)) {
            left.push_back(entry);
            left.back().left = true;
        } else {
            over.push_back(thread);
        }
    }
    std::erase_if(leaving_, [&](const std::string& uuid) { return !pinned.contains(uuid); });
    if (away + left.size() > max_left) {
        for (const JournalEntry& entry : left)
            over.push_back(entry.thread);
        left.clear();
    }
    end(over);
    begin(std::move(left));
}

// libvirt keeps its pin of a vCPU that is unplugged. Returns whether nothing is left to put back.
bool ThreadPins::put_back_unplugged(const JournalEntry& entry, const Sample& sample,
                                    const WhyNotGuest& why_not) {
    const auto guest = std::find_if(sample.guests.begin(), sample.guests.end(),
                                    [&](const auto& one) { return one.uuid == entry.uuid; });
    return guest != sample.guests.end() && why_not(*guest).empty() &&
           put_back(kernel_, entry).outcome != PutBack::failed;
}

// The guest has come back, from an image or from another host, with what libvirt had pinned.
void ThreadPins::take_up(const GuestSample& guest) {
    std::vector<JournalEntry> ours;
    std::vector<ThreadIdentity> over;
    const std::vector<GuestThread> threads = threads_of(guest);
    for (const auto& [former, entry] : journal_.entries()) {
        if (!entry.left || entry.uuid != guest.uuid) continue;
        over.push_back(former);
        for (const GuestThread& thread : threads)
            if (thread.libvirt == entry.pin.libvirt->thread && thread.configured == entry.pin.ours)
                ours.push_back({guest.uuid, guest.name, guest.process->pid(),
                                guest.process->start_time(), identity_of(*thread.sample),
                                entry.pin});
    }
    if (!begin(ours)) return;
    for (JournalEntry& entry : ours)
        pins_.set(entry.thread, std::move(entry.pin));
    end(over);
}

std::optional<std::vector<Restored>> ThreadPins::undo() {
    const std::unique_lock lock(mutex_, undo_patience);
    if (!lock) return std::nullopt;
    pins_ = {};
    return restore(kernel_, journal_);
}

bool ThreadPins::begin(std::vector<JournalEntry> entries) {
    try {
        journal_.begin(std::move(entries));
    } catch (const std::system_error&) {
        return false;
    }
    return true;
}

// An entry that stays by mistake does no harm: only an affinity that is still ours is put back.
void ThreadPins::end(const std::vector<ThreadIdentity>& threads) {
    try {
        journal_.end(threads);
    } catch (const std::system_error&) {
    }
}

}  // namespace vnuma
