#include "guests/discovery/kvm_processes.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <cstddef>
#include <memory>
#include <optional>
#include <string_view>
#include <system_error>
#include <utility>

#include "guests/discovery/guest_source.hpp"
#include "guests/process/files.hpp"
#include "guests/process/parse_proc.hpp"

namespace vnuma {
namespace {

constexpr std::size_t max_open_files = 8192;

struct CloseDirectory {
    void operator()(DIR* directory) const { ::closedir(directory); }
};

// The processes and the inodes of their directories. Throws SourceError.
std::map<pid_t, std::uint64_t> list_processes(const std::string& proc) {
    std::map<pid_t, std::uint64_t> processes;
    const std::unique_ptr<DIR, CloseDirectory> directory(::opendir(proc.c_str()));
    if (!directory) throw SourceError(proc + ": " + std::generic_category().message(errno));
    while (const dirent* entry = processes.size() < KvmProcesses::max_processes
                                     ? ::readdir(directory.get())
                                     : nullptr)
        if (const auto pid = parse_pid(entry->d_name)) processes.emplace(*pid, entry->d_ino);
    return processes;
}

// 0 if the process has ended.
std::uint64_t count_links(const std::string& directory) {
    struct stat status {};
    return ::stat(directory.c_str(), &status) == 0 ? status.st_nlink : 0;
}

}  // namespace

void throw_if_exhausted(const std::string& directory) {
    if (errno == EMFILE || errno == ENFILE)
        throw SourceError(directory + ": " + std::generic_category().message(errno));
}

KvmFiles read_kvm_files(const std::string& process) {
    KvmFiles files;
    const std::string directory = process + "/fd/";
    std::array<char, PATH_MAX> target{};
    errno = 0;
    const auto names = list_directory(AT_FDCWD, directory, max_open_files);
    if (names.empty()) throw_if_exhausted(directory);
    for (const std::string& name : names) {
        const ssize_t size = ::readlink((directory + name).c_str(), target.data(), target.size());
        if (size > 0)
            add_file(files, name, std::string_view(target.data(), static_cast<std::size_t>(size)));
    }
    return files;
}

std::string KvmProcesses::file(pid_t pid, const char* name) const {
    return proc_ + "/" + std::to_string(pid) + name;
}

const std::vector<pid_t>& KvmProcesses::find(Time now) {
    if (!is_walk_due(now)) return guests_;
    walk(now);
    guests_.clear();
    for (const auto& [pid, known] : known_)
        if (known.is_guest && !is_copy(pid)) guests_.push_back(pid);
    return guests_;
}

// The number that the kernel gave away last is the last word of /proc/loadavg (proc(5)).
bool KvmProcesses::is_walk_due(Time now) {
    const std::string loads = read_small_file(proc_ + "/loadavg").value_or("");
    std::string newest = loads.substr(loads.rfind(' ') + 1);
    if (walked_ && newest == newest_ && now < next_walk_) return false;
    newest_ = std::move(newest);
    next_walk_ = now + walk_interval;
    return true;
}

void KvmProcesses::walk(Time now) {
    const auto processes = list_processes(proc_);
    std::erase_if(known_, [&](const auto& entry) {
        const auto process = processes.find(entry.first);
        return process == processes.end() || process->second != entry.second.inode;
    });
    Due due;
    for (const auto& [pid, inode] : processes) {
        const auto [at, is_new] = known_.try_emplace(pid);
        Known& known = at->second;
        if (is_new) {
            known.inode = inode;
            // Those that are there when vnumad starts are settled.
            known.first = walked_ ? now : now - settle_time;
        }
        const std::uint64_t threads = count_links(file(pid, "/task"));
        const bool changed = std::exchange(known.threads, threads) != threads;
        if (is_new || changed || now - known.first < settle_time)
            look(pid, known, now);
        else if (now - known.looked >= look_interval)
            due.emplace_back(known.looked, pid);
    }
    look_again(std::move(due), now);
    walked_ = true;
}

// All processes that were there at the start were looked at together, and are due together.
void KvmProcesses::look_again(Due due, Time now) {
    const auto count = static_cast<std::ptrdiff_t>(std::min(due.size(), looks_again_at_once));
    std::partial_sort(due.begin(), due.begin() + count, due.end());
    due.resize(static_cast<std::size_t>(count));
    for (const auto& [looked, pid] : due)
        look(pid, known_.at(pid), now);
}

void KvmProcesses::look(pid_t pid, Known& known, Time now) const {
    known.is_guest = read_kvm_files(file(pid, "")).is_guest();
    known.looked = now;
}

bool KvmProcesses::is_copy(pid_t pid) const {
    const std::string status = read_small_file(file(pid, "/status")).value_or("");
    const auto parent = parse_pid(find_status_field(status, "PPid").value_or(""));
    const auto known = parent ? known_.find(*parent) : known_.end();
    return known != known_.end() && known->second.is_guest &&
           read_small_file(file(pid, "/cmdline")) == read_small_file(file(*parent, "/cmdline"));
}

}  // namespace vnuma
