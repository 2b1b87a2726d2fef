// Starts one guest of each shape, one after the other, in a lab host:
//   guest-shapes picture [SHAPE...]   prints what vnumad --once --dry-run reports of each
//   guest-shapes record DIRECTORY     copies the files that vnumad reads of each (record.sh)
#include <algorithm>
#include <filesystem>
#include <functional>
#include <iostream>
#include <map>
#include <memory>
#include <set>
#include <sstream>

#include "integration/host/container.hpp"
#include "integration/host/daemon.hpp"
#include "integration/host/direct_guest.hpp"
#include "integration/host/files.hpp"
#include "integration/host/guest.hpp"
#include "integration/host/process.hpp"
#include "integration/host/small_vmm.hpp"
#include "integration/scenarios/scenario_guests.hpp"

namespace {

using namespace vnuma::lab;
using nlohmann::json;
namespace fs = std::filesystem;

constexpr std::chrono::seconds report_limit{60};
constexpr std::chrono::seconds virsh_limit{30};
constexpr std::size_t max_lines = 200;
constexpr const char* by_process = "source = \"proc\"\n";
constexpr std::uint64_t large_mapping_bytes = 4 << 20;

void copy_text(const fs::path& from, const fs::path& to) {
    if (fs::exists(from)) write_text(to, read_text(from));
}

// Chooses mappings to record, since QEMU has many hundreds: the first, the last and the large ones.
std::set<std::string> chosen_mappings(const std::string& maps) {
    std::vector<std::string> all;
    std::set<std::string> chosen;
    std::istringstream lines(maps);
    for (std::string line; std::getline(lines, line);) {
        unsigned long long start = 0, end = 0;
        std::sscanf(line.c_str(), "%llx-%llx", &start, &end);
        all.push_back(line.substr(0, line.find('-')));
        if (end - start >= large_mapping_bytes) chosen.insert(all.back());
    }
    for (std::size_t i = 0; i < all.size() && chosen.size() < max_lines; ++i)
        chosen.insert(i % 2 == 0 ? all[i / 2] : all[all.size() - 1 - i / 2]);
    return chosen;
}

void copy_lines(const fs::path& from, const fs::path& to, const std::set<std::string>& chosen) {
    std::istringstream lines(read_text(from));
    std::string text;
    for (std::string line; std::getline(lines, line);)
        if (chosen.contains(line.substr(0, line.find_first_of("- ")))) text += line + "\n";
    write_text(to, text);
}

void record_process(pid_t pid, const fs::path& to) {
    const fs::path from = "/proc/" + std::to_string(pid);
    for (const char* file : {"stat", "status", "cgroup", "schedstat", "cmdline", "comm"})
        copy_text(from / file, to / file);
    const std::set<std::string> chosen = chosen_mappings(read_text(from / "maps"));
    for (const char* file : {"maps", "numa_maps"})
        copy_lines(from / file, to / file, chosen);
    for (const pid_t task : tasks_of(pid))
        for (const char* file : {"stat", "schedstat", "status", "comm", "cgroup"}) {
            const fs::path below = fs::path("task") / std::to_string(task) / file;
            copy_text(from / below, to / below);
        }
}

// libvirt's cgroups of a guest are siblings of the one that its main thread is in.
void record_cgroups(pid_t pid, const fs::path& to) {
    std::string group = read_text("/proc/" + std::to_string(pid) + "/cgroup");
    group = group.substr(group.find("::") + 2);
    group.erase(group.find('\n'));
    for (const auto& entry :
         fs::directory_iterator(fs::path("/sys/fs/cgroup" + group).parent_path()))
        if (entry.is_directory())
            for (const char* file : {"cpuset.cpus", "cpuset.mems", "cpuset.cpus.effective",
                                     "cpuset.mems.effective", "cpu.max", "cpu.weight"})
                copy_text(entry.path() / file, to / entry.path().filename() / file);
}

void record_monitor(const std::string& guest, const fs::path& to) {
    const std::vector<std::pair<std::string, std::vector<std::string>>> questions{
        {"query-cpus-fast.json", {R"({"execute": "query-cpus-fast"})"}},
        {"query-memdev.json", {R"({"execute": "query-memdev"})"}},
        {"query-memory-devices.json", {R"({"execute": "query-memory-devices"})"}},
        {"query-hotpluggable-cpus.json", {R"({"execute": "query-hotpluggable-cpus"})"}},
        {"query-iothreads.json", {R"({"execute": "query-iothreads"})"}},
        {"info-mtree-f.txt", {"--hmp", "info mtree -f"}},
        {"info-ramblock.txt", {"--hmp", "info ramblock"}},
        {"gpa2hva-16M.txt", {"--hmp", "gpa2hva 0x1000000"}}};
    for (const auto& [file, words] : questions) {
        std::vector<std::string> argv{"virsh", "-q", "qemu-monitor-command", guest};
        argv.insert(argv.end(), words.begin(), words.end());
        fs::create_directories(to);
        const pid_t virsh = start_program(argv, to / file);
        wait_until([&] { return !fs::exists("/proc/" + std::to_string(virsh) + "/exe"); },
                   virsh_limit);
        end_program(virsh, std::chrono::seconds(1));
    }
}

void record(const Guest& guest, const fs::path& directory) {
    const fs::path to = directory / guest.name();
    write_text(to / "domain.xml", guest.xml());
    record_process(guest.pid(), to / "process");
    record_cgroups(guest.pid(), to / "cgroup");
    record_monitor(guest.name(), to / "monitor");
}

void show(const KvmGuest& guest, const std::string& config) {
    Daemon vnumad(config, {}, {"--once", "--dry-run"});
    const json report = vnumad.wait_for([](const json&) { return true; }, report_limit);
    const std::vector<json> seen = guests_of_process(report, guest.pid());
    if (seen.empty())
        throw std::runtime_error(guest.name() + ": vnumad has not reported the guest:\n" +
                                 vnumad.output());
    std::cout << seen[0].dump(2) << std::endl;
}

// Guests that libvirt does not start, by name.
const std::map<std::string, std::function<void()>> without_libvirt{
    {"direct", [] { show(DirectGuest(equal_cells("direct")), qmp_config); }},
    {"proxmox",
     [] { show(DirectGuest(equal_cells("proxmox"), {.by = Starter::proxmox}), by_process); }},
    {"container",
     [] {
         const Container pod("pod0c0ffee0-0b5e-4c1f-9e57-1a2b3c4d5e6f");
         show(DirectGuest(equal_cells("container"), {.container = &pod}), by_process);
     }},
    {"small-vmm", [] { show(SmallVmm("small-vmm", 2, 129), by_process); }}};

void with_each_shape(const std::set<std::string>& wanted,
                     const std::function<void(const Guest&)>& visit) {
    const LibvirtHost host;
    set_huge_pages(1, huge_pages_needed);
    for (const GuestShape& shape : all_shapes())
        if (wanted.empty() || wanted.contains(shape.name)) visit(Guest(host, shape));
}

}  // namespace

int main(int argc, char** argv) {
    const std::vector<std::string> words(argv + 1, argv + argc);
    try {
        if (words.size() == 2 && words[0] == "record") {
            const fs::path directory = words[1];
            with_each_shape({}, [&](const Guest& guest) { record(guest, directory); });
            record_process(DirectGuest(equal_cells("direct")).pid(), directory / "direct/process");
            return 0;
        }
        if (!words.empty() && words[0] == "picture") {
            const std::set<std::string> wanted(words.begin() + 1, words.end());
            with_each_shape(wanted, [](const Guest& guest) { show(guest, ""); });
            for (const auto& [name, show_it] : without_libvirt)
                if (wanted.empty() || wanted.contains(name)) show_it();
            return 0;
        }
        std::cerr << "guest-shapes picture [SHAPE...] | record DIRECTORY\n";
    } catch (const std::exception& error) {
        std::cerr << error.what() << "\n";
    }
    return 1;
}
