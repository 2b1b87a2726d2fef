// A KVM guest of a lab host whose QEMU is started directly, without libvirt. Its threads have no
// names, and its monitor socket is in the directory that vnumad searches.
#pragma once

#include "integration/host/running_guest.hpp"

namespace vnuma::lab {

// Lines for vnumad's configuration.
inline constexpr const char* qmp_config = "source = \"qmp\"\nqmp_dir = \"/run/lab/qmp\"\n";

class DirectGuest final : public RunningGuest {
  public:
    // The XML elements of the shape are ignored. QEMU runs as `user`. Throws std::runtime_error.
    explicit DirectGuest(GuestShape shape, uid_t user = 0);
    ~DirectGuest() override;  // kills QEMU

    std::map<int, pid_t> vcpu_threads() const override { return threads_; }
    const std::string& uuid() const { return uuid_; }

    // Executes a QMP command and returns its result. Throws std::runtime_error.
    nlohmann::json execute(const std::string& command,
                           const nlohmann::json& arguments = nlohmann::json::object());

  private:
    void create() override;
    void resume_vcpus() override;
    void destroy() override;
    bool was_reset() override;
    std::string log() override;

    std::vector<std::string> arguments() const;
    std::string file(const std::string& suffix) const;
    uid_t user_;
    std::string uuid_;
    std::map<int, pid_t> threads_;
    JsonSocket monitor_;  // of the scenario; vnumad has another, since a monitor serves one client
};

}  // namespace vnuma::lab
