#include "integration/host/container.hpp"

#include <cstdlib>
#include <filesystem>
#include <system_error>

#include "integration/host/files.hpp"

namespace vnuma::lab {
namespace {

// Those whose CPUs are exclusive are there; others are in the groups below it.
const std::string groups = "/sys/fs/cgroup/", pods = groups + "kubepods";
const std::string container_id = "0b5e4c1f9e571a2b3c4d5e6f708192a3b4c5d6e7f8091a2b3c4d5e6f70819203";

void make_parent_group(const std::string& group) {
    std::filesystem::create_directories(group);
    write_text(group + "/cgroup.subtree_control", "+cpuset +cpu +memory");
}

}  // namespace

Container::Container(const std::string& pod)
    : pod_(pods + "/" + pod), group_(pod_ + "/" + container_id) {
    make_parent_group(pods);
    make_parent_group(pod_);
    std::filesystem::create_directories(group_);
}

Container::~Container() {
    std::error_code ignored;
    for (const std::string& group : {group_, pod_})
        std::filesystem::remove(group, ignored);
}

std::vector<std::string> Container::launcher() const {
    return {"sh", "-c", "echo $$ >" + group_ + "/cgroup.procs && exec \"$@\"", "sh",
            // --kill-child forks, as a pid namespace needs it.
            "unshare", "--pid", "--mount-proc", "--cgroup", "--kill-child"};
}

void Container::set_cpus(const std::vector<int>& cpus) const {
    std::string list;
    for (const int cpu : cpus)
        list += (list.empty() ? "" : ",") + std::to_string(cpu);
    write_text(group_ + "/cpuset.cpus", list);
}

Scope::Scope(const std::string& path) : group_(groups + path) {
    std::filesystem::create_directories(group_);
}

Scope::~Scope() {
    std::error_code ignored;
    std::filesystem::remove(group_, ignored);
}

void Scope::add(pid_t process) const {
    write_text(group_ + "/cgroup.procs", std::to_string(process));
}

pid_t child_of(pid_t launcher) {
    const std::string id = std::to_string(launcher),
                      children = read_text("/proc/" + id + "/task/" + id + "/children");
    return children.empty() ? -1 : std::atoi(children.c_str());
}

}  // namespace vnuma::lab
