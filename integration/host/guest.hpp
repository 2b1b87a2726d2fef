// A KVM guest of a lab host that libvirt runs.
#pragma once

#include <memory>
#include <utility>

#include "integration/host/libvirt_host.hpp"
#include "integration/host/running_guest.hpp"

namespace vnuma::lab {

class Guest final : public RunningGuest {
  public:
    // Returns when the workload has accessed all of its buffers. Throws std::runtime_error.
    Guest(const Libvirtd& host, GuestShape shape);
    ~Guest() override;  // destroys the domain

    std::map<int, pid_t> vcpu_threads() const override;

    std::string uuid() const { return uuid_; }
    // libvirt's present description of the domain, with these flags of virDomainGetXMLDesc().
    std::string xml(unsigned flags = 0) const;

    // All of these throw std::runtime_error.
    void pause() const;
    void resume() const;
    void save();     // managed save: the memory is written to a file and QEMU ends
    void restore();  // after save(): starts a new QEMU
    void migrate(const Libvirtd& to);  // live; to another libvirtd
    void set_vcpus(int count) const;
    void plug(const std::string& device_xml) const;

  private:
    struct Domain;  // libvirt's handle, looked up for each use since libvirtd may be restarted

    void create() override;
    void resume_vcpus() override { resume(); }
    void destroy() override;
    bool was_reset() override;
    std::string log() override;
    std::string describe_vcpus() override;

    const Libvirtd* host_;
    std::string uuid_;
    int migrations_ = 0;
};

// Two guests that start side by side, which takes little longer than one. Throws
// std::runtime_error.
std::pair<std::unique_ptr<Guest>, std::unique_ptr<Guest>> start_both(const Libvirtd& host,
                                                                     const GuestShape& first,
                                                                     const GuestShape& second);

}  // namespace vnuma::lab
