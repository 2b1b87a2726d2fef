#include "guests/process/memory_sharers.hpp"

#include <fcntl.h>

#include <algorithm>
#include <charconv>
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
    for (const std::string& name : list_directory(AT_FDCWD, proc_, max_processes)) {
        pid_t process = 0;
        const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), process);
        if (error == std::errc() && end == name.data() + name.size()) processes.insert(process);
    }
    std::erase_if(sharers_, [&](const auto& entry) { return !processes.contains(entry.first); });
    waiting_.assign(processes.rbegin(), processes.rend());
}

void MemorySharers::examine(pid_t process) {
    const std::string directory = proc_ + "/" + std::to_string(process);
    Sharer sharer;
    for (const Mapping& mapping : parse_maps(read_small_file(directory + "/maps").value_or("")))
        if (mapping.shared && contains(sought_, mapping.file) &&
            !contains(sharer.files, mapping.file))
            sharer.files.push_back(mapping.file);
    sharers_.erase(process);
    if (sharer.files.empty()) return;
    sharer.name = read_name(directory);
    sharers_.emplace(process, std::move(sharer));
}

void MemorySharers::look(std::vector<MappedFile> sought) {
    const bool all = std::any_of(sought.begin(), sought.end(),
                                 [&](const MappedFile& file) { return !contains(sought_, file); });
    sought_ = std::move(sought);
    if (sought_.empty()) {
        sharers_.clear();
        waiting_.clear();
        return;
    }
    if (all || waiting_.empty()) list_processes();
    const std::size_t count = all ? waiting_.size() : std::min(waiting_.size(), processes_at_once);
    for (std::size_t i = 0; i < count; ++i) {
        examine(waiting_.back());
        waiting_.pop_back();
    }
}

std::string MemorySharers::find(const MappedFile& file, pid_t vmm) const {
    for (const auto& [process, sharer] : sharers_)
        if (process != vmm && contains(sharer.files, file))
            return "process " + std::to_string(process) + " (" + sharer.name +
                   ") maps its memory too";
    return "";
}

}  // namespace vnuma
