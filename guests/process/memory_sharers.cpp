#include "guests/process/memory_sharers.hpp"

#include <fcntl.h>

#include <algorithm>
#include <set>
#include <utility>

#include "guests/process/files.hpp"
#include "guests/process/parse_proc.hpp"

namespace vnuma {
namespace {

bool contains(const std::vector<MappedFile>& files, const MappedFile& file) {
    return std::find(files.begin(), files.end(), file) != files.end();
}

// The name that a process has given itself, for people.
std::string read_name(const std::string& directory) {
    std::string name = read_small_file(directory + "/comm").value_or("");
    while (name.ends_with('\n'))
        name.pop_back();
    std::replace_if(
        name.begin(), name.end(), [](char c) { return c < ' ' || c > '~'; }, '?');
    return name;
}

}  // namespace

void MemorySharers::list_processes() {
    std::set<pid_t> processes;
    for (const std::string& name : list_directory(AT_FDCWD, proc_, max_processes))
        if (const auto process = parse_pid(name)) processes.insert(*process);
    std::erase_if(sharers_, [&](const auto& entry) { return !processes.contains(entry.first); });
    waiting_.assign(processes.rbegin(), processes.rend());
}

void MemorySharers::examine(pid_t process) {
    const std::string directory = proc_ + "/" + std::to_string(process);
    Sharer sharer;
    for (const Mapping& mapping : parse_maps(read_small_file(directory + "/maps").value_or("")))
        if (mapping.shared && sought_.contains(mapping.file) &&
            !contains(sharer.files, mapping.file))
            sharer.files.push_back(mapping.file);
    sharers_.erase(process);
    if (sharer.files.empty()) return;
    sharer.name = read_name(directory);
    sharers_.emplace(process, std::move(sharer));
}

// Whether there is a file that was not looked for in all processes.
bool MemorySharers::has_unknown() const {
    return std::any_of(sought_.begin(), sought_.end(),
                       [](const auto& file) { return file.second > 0; });
}

void MemorySharers::seek(const std::vector<MappedFile>& files) {
    const bool is_new = std::any_of(files.begin(), files.end(), [&](const MappedFile& file) {
        return !sought_.contains(file);
    });
    // A new file begins a pass, unless another one waits for the end of this pass: guests that
    // start all the time would never let one end. Then it takes the rest of this pass and the next.
    if (is_new && !has_unknown()) waiting_.clear();
    const int passes = waiting_.empty() ? 1 : 2;
    Passes sought;
    for (const MappedFile& file : files) {
        const auto known = sought_.find(file);
        sought.emplace(file, known == sought_.end() ? passes : known->second);
    }
    sought_ = std::move(sought);
}

void MemorySharers::examine_next(std::size_t count) {
    if (waiting_.empty()) list_processes();
    for (count = std::min(count, waiting_.size()); count > 0; --count) {
        examine(waiting_.back());
        waiting_.pop_back();
    }
    if (!waiting_.empty()) return;
    for (auto& [file, passes] : sought_)
        passes = std::max(passes - 1, 0);
}

void MemorySharers::look(const std::vector<MappedFile>& sought, bool complete) {
    seek(sought);
    if (sought_.empty()) {
        sharers_.clear();
        waiting_.clear();
        return;
    }
    examine_next(has_unknown() ? first_processes_at_once : processes_at_once);
    while (complete && has_unknown())
        examine_next(max_processes);
}

std::string MemorySharers::find(const MappedFile& file, pid_t vmm) const {
    for (const auto& [process, sharer] : sharers_)
        if (process != vmm && contains(sharer.files, file))
            return "process " + std::to_string(process) + " (" + sharer.name +
                   ") maps its memory too";
    const auto sought = sought_.find(file);
    if (sought == sought_.end() || sought->second == 0) return "";
    return "it is not known yet who else maps its memory";
}

}  // namespace vnuma
