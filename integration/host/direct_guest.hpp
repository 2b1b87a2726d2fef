// A KVM guest of a lab host whose QEMU was started by hand: no libvirt, no names of threads, a
// monitor socket where vnumad looks for them.
#pragma once

#include "integration/host/running_guest.hpp"

namespace vnuma::lab {

// For vnumad's configuration.
inline constexpr const char* qmp_config = "source = \"qmp\"\nqmp_dir = \"/run/lab/qmp\"\n";

class DirectGuest final : public RunningGuest {
  public:
    // Of the shape's XML nothing is used. Throws std::runtime_error.
    explicit DirectGuest(GuestShape shape);
    ~DirectGuest() override;  // kills QEMU

    std::map<int, pid_t> vcpu_threads() const override { return threads_; }
    const std::string& uuid() const { return uuid_; }

    // A command to its monitor, and what that returns. Throws std::runtime_error.
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
    std::string uuid_;
    std::map<int, pid_t> threads_;
    JsonSocket monitor_;  // a second one: a monitor serves one client
};

}  // namespace vnuma::lab
