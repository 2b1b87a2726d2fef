#include "integration/host/running_guest.hpp"

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <iomanip>
#include <iostream>
#include <map>
#include <stdexcept>
#include <thread>

#include "integration/host/files.hpp"
#include "integration/host/process.hpp"
#include "integration/host/workload_pattern.hpp"

namespace vnuma::lab {
namespace {

using nlohmann::json;
using std::chrono::seconds;

constexpr seconds boot_limit{240};
constexpr seconds access_limit{240};
constexpr seconds report_limit{60};
constexpr seconds verify_limit{180};
// A guest's kernel patches its code while it boots on emulated CPUs, and a guest lacks the module
// that makes this safe in the host (docs/lab.md). So a boot may fail.
constexpr int max_boot_attempts = 3;

int resets = 0;

struct BootFailure : std::runtime_error {
    using std::runtime_error::runtime_error;
};

// Appends the entries of a "truth" message. A message may continue the last entry of the one
// before.
void append_truth(json& entries, const json& more) {
    for (const json& entry : more) {
        if (entries.empty() || entries.back()["thread"] != entry["thread"] ||
            entries.back()["buffer"] != entry["buffer"]) {
            entries.push_back(entry);
            continue;
        }
        for (const json& range : entry["ranges"])
            entries.back()["ranges"].push_back(range);
    }
}

}  // namespace

int guests_reset() {
    return resets;
}

void RunningGuest::end() {
    if (was_reset()) {
        ++resets;
        std::cerr << "lab: " << name() << " has been reset:\n" << last_output();
    }
    destroy();
}

void RunningGuest::start() {
    for (int attempt = 1; !start_once(attempt == max_boot_attempts); ++attempt)
        std::cerr << "second attempt: guest " << name() << ": it did not come up\n";
}

bool RunningGuest::start_once(bool last_attempt) {
    try {
        boot();
        return true;
    } catch (const BootFailure& failure) {
        destroy();
        if (last_attempt) throw;
        std::cerr << "lab: " << failure.what() << "\n";
        return false;
    } catch (...) {
        destroy();
        throw;
    }
}

void RunningGuest::boot() {
    const auto began = std::chrono::steady_clock::now();
    const auto seconds_so_far = [&] {
        return std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
    };
    create();
    const double created = seconds_so_far();
    const Affinities before = affinities();
    confine_to_first_touch_nodes();
    resume_vcpus();
    connect_workload();
    if (workload_.receive(boot_limit).is_null())
        throw BootFailure(name() + " did not come up:\n" + describe_vcpus() + last_output());
    const double booted = seconds_so_far();
    access_all_buffers();
    if (!shape().first_touch_nodes.empty()) restore_affinities(before);
    std::cerr << std::fixed << std::setprecision(1) << "lab: " << name() << " took " << created
              << " s to create, " << booted - created << " s to boot, " << seconds_so_far() - booted
              << " s to access its memory\n";
}

RunningGuest::Affinities RunningGuest::affinities() const {
    Affinities all;
    for (pid_t task : tasks_of(pid_))
        all[task] = affinity_of(task);
    return all;
}

void RunningGuest::confine_to_first_touch_nodes() const {
    const auto& nodes = shape().first_touch_nodes;
    if (nodes.empty()) return;
    for (pid_t task : tasks_of(pid_))
        set_affinity(task, node_cpus(nodes.front()));
    for (const auto& [vcpu, task] : vcpu_threads())
        set_affinity(task, node_cpus(nodes[static_cast<std::size_t>(vcpu) % nodes.size()]));
}

// Threads that were created meanwhile get the CPUs of the process's main thread.
void RunningGuest::restore_affinities(const Affinities& before) const {
    for (pid_t task : tasks_of(pid_)) {
        const auto known = before.find(task);
        set_affinity(task, known != before.end() ? known->second : before.at(pid_));
    }
}

void RunningGuest::send(const json& pattern) {
    try {
        workload_.send(pattern);
    } catch (const std::runtime_error& error) {
        throw std::runtime_error(name() + ": " + error.what() + "\n" + last_output());
    }
}

std::string RunningGuest::last_output() {
    return read_text(console_of(shape())) + log();
}

std::string RunningGuest::describe_threads() const {
    std::string lines;
    for (const pid_t task : tasks_of(pid_)) {
        const std::string directory = "/proc/" + std::to_string(task) + "/";
        for (const char* file : {"stat", "schedstat", "wchan"})
            lines += read_text(directory + file) + " ";
        lines += "CPUs";
        for (const int cpu : affinity_of(task))
            lines += " " + std::to_string(cpu);
        lines += "\n";
    }
    return lines;
}

void RunningGuest::access_all_buffers() {
    send(own_windows(shape(), {}, shape().write ? Access::write : Access::read));
    std::map<int, std::int64_t> accessed;
    const bool done = wait_until(
        [&] {
            const json report = next_report(boot_limit);
            if (report.is_null()) throw std::runtime_error(name() + " has stopped sending reports");
            bool all =
                report["threads"].size() == static_cast<std::size_t>(online_vcpus_of(shape()));
            for (const json& thread : report["threads"]) {
                auto& count = accessed[thread["cpu"]];
                count += thread["accesses"].get<std::int64_t>();
                all = all && count >= std::int64_t{buffer_mib_of(shape(), thread["cpu"])} * 256;
            }
            return all;
        },
        access_limit);
    if (!done)
        throw std::runtime_error(name() + " did not access all of its buffers within " +
                                 std::to_string(access_limit.count()) + " s");
}

void RunningGuest::wait_for_reboot() {
    const auto end = std::chrono::steady_clock::now() + boot_limit;
    json message;
    while (!message.contains("ready")) {
        message = workload_.receive(boot_limit);
        if (message.is_null() || std::chrono::steady_clock::now() > end)
            throw std::runtime_error(name() + " did not boot anew:\n" + last_output());
    }
    access_all_buffers();
}

json RunningGuest::next_report(seconds limit) {
    while (true) {
        json message = workload_.receive(limit);
        if (message.is_null() || message.contains("second")) return message;
        throw_if_error(message);
    }
}

void RunningGuest::throw_if_error(const json& message) const {
    if (message.contains("error"))
        throw std::runtime_error(name() + ": " + message["error"].get<std::string>());
}

void RunningGuest::skip_reports() {
    while (!workload_.receive(seconds(0)).is_null()) {
    }
}

json RunningGuest::locate_windows(json pattern) {
    pattern["truth"] = true;
    send(pattern);
    json entries = json::array();
    const auto end = std::chrono::steady_clock::now() + access_limit;
    while (true) {
        const json message = workload_.receive(report_limit);
        if (message.is_null() || std::chrono::steady_clock::now() > end)
            throw std::runtime_error(name() + " did not send the addresses of its buffers");
        throw_if_error(message);
        if (!message.contains("truth")) continue;
        append_truth(entries, message["truth"]);
        if (!message.value("more", false)) return entries;
    }
}

std::string RunningGuest::verify_memory() {
    skip_reports();
    const auto end = std::chrono::steady_clock::now() + verify_limit;
    std::map<int, std::uint64_t> goals;  // pages that each vCPU will have verified, by vCPU
    while (std::chrono::steady_clock::now() < end) {
        const json report = next_report(report_limit);
        if (report.is_null())
            return name() + " has stopped sending reports\n" + describe_threads() +
                   describe_vcpus() + last_output();
        bool all = !report["threads"].empty();
        verified_pages_ = 0;
        for (const json& thread : report["threads"]) {
            const int vcpu = thread.at("cpu");
            const std::uint64_t verified = thread.at("verified"), errors = thread.at("errors");
            verified_pages_ += verified;
            has_wrong_pages_ |= errors > 0;
            if (errors > 0)
                return name() + ": vCPU " + std::to_string(vcpu) + " has found " +
                       std::to_string(errors) + " wrong pages among " + std::to_string(verified);
            const auto pages = static_cast<std::uint64_t>(buffer_mib_of(shape(), vcpu)) * 256;
            all &= verified >= goals.try_emplace(vcpu, verified + pages).first->second;
        }
        if (all) return "";
    }
    return name() + " has not verified its memory within " + std::to_string(verify_limit.count()) +
           " s\n" + describe_threads() + describe_vcpus();
}

bool RunningGuest::all_vcpus_run() const {
    constexpr std::chrono::seconds time{2};
    constexpr std::uint64_t good_part = std::chrono::nanoseconds(time).count() / 10;
    const auto run_times = [&] {
        std::map<pid_t, std::uint64_t> times;
        for (const auto& [vcpu, thread] : vcpu_threads())
            times[thread] = std::strtoull(
                read_text("/proc/" + std::to_string(thread) + "/schedstat").c_str(), nullptr, 10);
        return times;
    };
    const auto before = run_times();
    std::this_thread::sleep_for(time);
    const auto after = run_times();
    return !before.empty() && std::all_of(before.begin(), before.end(), [&](const auto& entry) {
        const auto now = after.find(entry.first);
        return now != after.end() && now->second >= entry.second + good_part;
    });
}

bool RunningGuest::is_at_work() {
    skip_reports();
    // The first report may count accesses made before this call.
    next_report(report_limit);
    const json report = next_report(report_limit);
    if (report.is_null()) return false;
    for (const json& thread : report["threads"])
        if (thread["accesses"].get<std::int64_t>() == 0) return false;
    return !report["threads"].empty();
}

}  // namespace vnuma::lab
