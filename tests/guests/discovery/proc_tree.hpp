// A /proc, and a debugfs, with the processes of VMMs (tests/golden/vmm).
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <filesystem>
#include <map>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "guests/model/settings.hpp"
#include "tests/guests/golden.hpp"
#include "tests/temporary.hpp"

namespace vnuma::test {

struct VmmProcess {
    pid_t pid = 1000, parent = 1;
    std::uint64_t start = 1;
    std::string exe, comm, cgroup = "0::/";
    std::vector<std::string> words{};
    std::map<int, std::string> files{};    // by descriptor
    std::map<pid_t, std::string> tasks{};  // names
    std::string maps{};
};

inline VmmProcess read_vmm(const std::string& shape) {
    const auto lines_of = [&](const std::string& file) {
        std::istringstream text(read_golden("vmm/" + shape + "/" + file));
        std::vector<std::string> lines;
        for (std::string line; std::getline(text, line);)
            lines.push_back(line);
        return lines;
    };
    const auto pairs_of = [&](const std::string& file) {
        std::vector<std::pair<std::string, std::string>> pairs;
        for (const std::string& line : lines_of(file))
            pairs.emplace_back(line.substr(0, line.find(' ')), line.substr(line.find(' ') + 1));
        return pairs;
    };
    VmmProcess process;
    const auto facts = pairs_of("process.txt");
    std::map<std::string, std::string> fact(facts.begin(), facts.end());
    process.pid = std::stoi(fact["pid"]);
    process.parent = std::stoi(fact["parent"]);
    process.start = std::stoull(fact["start"]);
    process.exe = fact["exe"];
    process.comm = fact["comm"];
    process.cgroup = fact["cgroup"];
    process.words = lines_of("cmdline.txt");
    for (const auto& [descriptor, target] : pairs_of("fd.txt"))
        process.files[std::stoi(descriptor)] = target;
    for (const auto& [task, name] : pairs_of("tasks.txt"))
        process.tasks[std::stoi(task)] = name;
    process.maps = read_golden("vmm/" + shape + "/maps.txt");
    return process;
}

class ProcTree {
  public:
    ProcTree() { set_newest(1); }

    Roots roots() const {
        return {files.path("proc"), files.path("sys/fs/cgroup"), files.path("sys")};
    }

    // Adds a process, or replaces the one with its pid. The kernel has made something new then.
    void add(const VmmProcess& process) {
        remove(process.pid);
        const std::string directory = directory_of(process.pid);
        std::string line;
        for (const std::string& word : process.words)
            line += word + '\0';
        files.write(directory + "cmdline", line);
        files.write(directory + "cgroup", process.cgroup + "\n");
        files.write(directory + "maps", process.maps);
        files.write(directory + "statm", std::to_string(process.maps.size()) + " 1 1 1 0 1 0\n");
        files.write(directory + "stat", stat_of(process.pid, process.comm, process.start));
        files.write(directory + "comm", process.comm + "\n");
        files.write(directory + "status", status_of(process));
        files.link(process.exe, directory + "exe");
        std::filesystem::create_directories(files.path(directory + "fd"));
        for (const auto& [descriptor, target] : process.files)
            files.link(target, directory + "fd/" + std::to_string(descriptor));
        for (const auto& [task, name] : process.tasks)
            add_task(process, task, name);
        set_newest(++newest_);
    }
    void add(const std::string& shape) { add(read_vmm(shape)); }

    void add_task(const VmmProcess& process, pid_t task, const std::string& name) {
        const std::string directory =
            directory_of(process.pid) + "task/" + std::to_string(task) + "/";
        files.write(directory + "comm", name + "\n");
        files.write(directory + "stat", stat_of(task, name, process.start));
        files.write(directory + "status", status_of(process));
        files.write(directory + "cgroup", process.cgroup + "\n");
        run(process, task, 1000);
        set_newest(++newest_);
    }
    // Sets how long a thread has run since its start.
    void run(const VmmProcess& process, pid_t task, std::uint64_t run_ns) const {
        files.write(directory_of(process.pid) + "task/" + std::to_string(task) + "/schedstat",
                    std::to_string(run_ns) + " 0 1\n");
    }
    // All threads of the guest that may be vCPUs run.
    void run_all(const VmmProcess& process, std::uint64_t run_ns) const {
        for (const auto& [task, name] : process.tasks)
            run(process, task, run_ns);
    }
    void remove(pid_t pid) const {
        std::filesystem::remove_all(files.path("proc/" + std::to_string(pid)));
    }
    // The kernel has given this number to a process or thread.
    void set_newest(long number) const {
        files.write("proc/loadavg", "0.10 0.20 0.30 1/200 " + std::to_string(number) + "\n");
    }
    std::string directory_of(pid_t pid) const { return "proc/" + std::to_string(pid) + "/"; }

    TemporaryDirectory files;

  private:
    static std::string stat_of(pid_t task, const std::string& name, std::uint64_t start) {
        return std::to_string(task) + " (" + name + ") S 1 1 1 0 -1 0 1 0 0 0 5 5 0 0 20 0 4 0 " +
               std::to_string(start) +
               " 1000 100 7 8 9 10 11 12 13 14 15 16 17 18 19 17 2 0 0 0 0 0\n";
    }
    static std::string status_of(const VmmProcess& process) {
        return "Name:\t" + process.comm + "\nPPid:\t" + std::to_string(process.parent) +
               "\nUid:\t0\t0\t0\t0\nCpus_allowed_list:\t0-3\nMems_allowed_list:\t0-1\n";
    }

    long newest_ = 1000;
};

}  // namespace vnuma::test
