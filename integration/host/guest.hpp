// A KVM guest of a lab host, run by libvirt, with the workload as its only program.
#pragma once

#include <chrono>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "integration/host/libvirt_host.hpp"

namespace vnuma::lab {

struct GuestCell {
    int vcpus = 0;
    int mib = 0;
};

struct GuestShape {
    std::string name;
    std::vector<GuestCell> cells;  // one: a guest without vNUMA
    // Host node whose CPUs the threads of vCPU i use while its buffer is touched first, by
    // repetition; this is where its memory lands. Afterwards every thread may run everywhere.
    std::vector<int> first_touch_nodes;
    int buffer_mib = 0;  // for each vCPU
    int duty_percent = 20;
    bool write = true;
    std::string numatune{};  // XML of the <numatune> element, or nothing
};

class Guest {
  public:
    // Starts the guest and returns once its workload has touched all its buffers. One that dies
    // while it boots is started again, and stderr says so.
    // Throws std::runtime_error.
    Guest(const LibvirtHost& host, GuestShape shape);
    ~Guest();  // destroys the domain
    Guest(const Guest&) = delete;
    Guest& operator=(const Guest&) = delete;

    const std::string& name() const { return shape_.name; }
    const GuestShape& shape() const { return shape_; }
    pid_t pid() const { return pid_; }

    // One line to the workload, see integration/guest/workload.cpp.
    void send(const nlohmann::json& pattern);

    // The next report of a second, or null when none came within the limit.
    nlohmann::json next_report(std::chrono::seconds limit);

  private:
    bool start(const LibvirtHost& host, bool last_attempt);
    void boot(const LibvirtHost& host);
    void destroy();
    void connect_workload();
    nlohmann::json read_message(std::chrono::seconds limit);
    void confine(bool to_first_touch_nodes) const;
    void touch_everything();

    GuestShape shape_;
    virDomainPtr domain_ = nullptr;
    pid_t pid_ = -1;
    int port_ = -1;
    std::string input_;
};

// The domain XML a shape stands for.
std::string domain_xml(const GuestShape& shape, const std::string& kernel,
                       const std::string& initramfs, const std::string& socket);

}  // namespace vnuma::lab
