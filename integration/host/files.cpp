#include "integration/host/files.hpp"

#include <sched.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <system_error>

namespace vnuma::lab {
namespace {

namespace fs = std::filesystem;

std::vector<int> parse_list(const std::string& text) {
    std::vector<int> numbers;
    std::istringstream parts(text);
    for (std::string part; std::getline(parts, part, ',');) {
        int first = 0, last = 0;
        const int found = std::sscanf(part.c_str(), "%d-%d", &first, &last);
        if (found < 1) continue;
        for (int n = first; n <= (found == 2 ? last : first); ++n)
            numbers.push_back(n);
    }
    return numbers;
}

// One line of numa_maps: the mapping's address, its policy, then key=value fields.
Mapping parse_numa_line(const std::string& line) {
    Mapping mapping;
    std::uint64_t page = 4096;
    std::map<int, std::uint64_t> pages;
    std::istringstream fields(line);
    fields >> std::hex >> mapping.start >> std::dec;
    for (std::string field; fields >> field;) {
        int node = 0;
        unsigned long long count = 0;
        if (std::sscanf(field.c_str(), "N%d=%llu", &node, &count) == 2) pages[node] = count;
        if (std::sscanf(field.c_str(), "kernelpagesize_kB=%llu", &count) == 1) page = count * 1024;
    }
    for (const auto& [node, count] : pages)
        mapping.bytes[node] = count * page;
    return mapping;
}

}  // namespace

std::string read_text(const std::string& file) {
    std::ostringstream text;
    text << std::ifstream(file, std::ios::binary).rdbuf();
    return text.str();
}

void write_text(const std::string& file, const std::string& text) {
    fs::create_directories(fs::path(file).parent_path());
    std::ofstream out(file, std::ios::binary | std::ios::trunc);
    out << text << std::flush;
    if (!out) throw std::system_error(errno, std::generic_category(), file);
}

std::vector<int> node_cpus(int node) {
    return parse_list(
        read_text("/sys/devices/system/node/node" + std::to_string(node) + "/cpulist"));
}

std::vector<int> online_nodes() {
    return parse_list(read_text("/sys/devices/system/node/online"));
}

std::vector<pid_t> tasks_of(pid_t pid) {
    std::vector<pid_t> tasks;
    std::error_code gone;
    for (const auto& entry : fs::directory_iterator("/proc/" + std::to_string(pid) + "/task", gone))
        tasks.push_back(std::atoi(entry.path().filename().c_str()));
    return tasks;
}

std::vector<int> affinity_of(pid_t task) {
    cpu_set_t set;
    std::vector<int> cpus;
    if (::sched_getaffinity(task, sizeof set, &set) != 0) return cpus;
    for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu)
        if (CPU_ISSET(cpu, &set)) cpus.push_back(cpu);
    return cpus;
}

void set_affinity(pid_t task, const std::vector<int>& cpus) {
    cpu_set_t set;
    CPU_ZERO(&set);
    for (int cpu : cpus)
        CPU_SET(cpu, &set);
    ::sched_setaffinity(task, sizeof set, &set);
}

void set_huge_pages(int node, int count) {
    const std::string file = "/sys/devices/system/node/node" + std::to_string(node) +
                             "/hugepages/hugepages-2048kB/nr_hugepages";
    write_text(file, std::to_string(count));
    if (std::atoi(read_text(file).c_str()) != count)
        throw std::runtime_error(file + ": is " + read_text(file));
}

std::map<int, pid_t> vcpu_threads(pid_t pid) {
    std::map<int, pid_t> threads;
    for (pid_t task : tasks_of(pid)) {
        const std::string name =
            read_text("/proc/" + std::to_string(pid) + "/task/" + std::to_string(task) + "/comm");
        int vcpu = 0;
        if (std::sscanf(name.c_str(), "CPU %d/KVM", &vcpu) == 1 ||
            std::sscanf(name.c_str(), "vcpu%d", &vcpu) == 1 ||
            std::sscanf(name.c_str(), "worker%d", &vcpu) == 1)
            threads[vcpu] = task;
    }
    return threads;
}

// NSpid has the numbers from this namespace to the innermost one.
pid_t thread_of(pid_t pid, pid_t number_inside) {
    const std::string suffix = '\t' + std::to_string(number_inside);
    for (pid_t task : tasks_of(pid)) {
        std::istringstream status(read_text("/proc/" + std::to_string(pid) + "/task/" +
                                            std::to_string(task) + "/status"));
        for (std::string line; std::getline(status, line);)
            if (line.starts_with("NSpid:") && line.ends_with(suffix)) return task;
    }
    return -1;
}

std::vector<Mapping> large_mappings(pid_t pid, std::uint64_t min_bytes) {
    std::vector<Mapping> mappings;
    const std::string directory = "/proc/" + std::to_string(pid);
    std::map<std::uint64_t, std::uint64_t> sizes;
    std::istringstream maps(read_text(directory + "/maps"));
    for (std::string line; std::getline(maps, line);) {
        unsigned long long start = 0, end = 0;
        if (std::sscanf(line.c_str(), "%llx-%llx rw", &start, &end) == 2)
            sizes[start] = end - start;
    }
    std::istringstream lines(read_text(directory + "/numa_maps"));
    for (std::string line; std::getline(lines, line);) {
        Mapping mapping = parse_numa_line(line);
        mapping.size = sizes[mapping.start];
        if (mapping.size >= min_bytes) mappings.push_back(std::move(mapping));
    }
    std::sort(mappings.begin(), mappings.end(),
              [](const Mapping& a, const Mapping& b) { return a.size > b.size; });
    return mappings;
}

}  // namespace vnuma::lab
