// A container as Kubernetes runs it: processes with namespaces of their own, for pids, mounts and
// cgroups, in a cgroup whose cpuset is delegated to them.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

namespace vnuma::lab {

class Container {
  public:
    // Makes its cgroup in that of a pod, which is named "podUID". They allow all CPUs. Throws
    // std::system_error.
    explicit Container(const std::string& pod);
    ~Container();  // after its processes have ended
    Container(const Container&) = delete;
    Container& operator=(const Container&) = delete;

    // The words to put before a command that is to run in the container. The process that is
    // started like that is the launcher: the parent of the command's process, whose exit status it
    // takes over, and which it takes along when it is killed. It ignores SIGTERM.
    std::vector<std::string> launcher() const;

    // Confines the container to these CPUs, as the kubelet does while it runs. Throws
    // std::system_error.
    void set_cpus(const std::vector<int>& cpus) const;

  private:
    std::string pod_, group_;
};

// A control group that one VM has for itself, such as the scopes in which Proxmox VE runs them.
class Scope {
  public:
    // `path` is relative to the root of cgroups. Throws std::system_error.
    explicit Scope(const std::string& path);
    ~Scope();  // after its processes have ended
    Scope(const Scope&) = delete;
    Scope& operator=(const Scope&) = delete;

    void add(pid_t process) const;

  private:
    std::string group_;
};

// The process that a launcher has started; -1 if there is none.
pid_t child_of(pid_t launcher);

}  // namespace vnuma::lab
