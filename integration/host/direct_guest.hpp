// A KVM guest of a lab host whose QEMU is started directly, without libvirt.
#pragma once

#include "integration/host/container.hpp"
#include "integration/host/running_guest.hpp"

namespace vnuma::lab {

// Lines for vnumad's configuration.
inline constexpr const char* qmp_config = "source = \"qmp\"\nqmp_dir = \"/run/lab/qmp\"\n";

// Who starts a QEMU.
enum class Starter {
    script,   // its threads have no names; its monitor socket is in the directory of qmp_config
    proxmox,  // Proxmox VE, which needs the monitor socket for itself
};

struct QemuStart {
    Starter by = Starter::script;
    uid_t user = 0;
    const Container* container = nullptr;  // that QEMU runs in; outlives it
    bool has_tpm = false;                  // which a program of its own emulates (swtpm)
};

class DirectGuest final : public RunningGuest {
  public:
    // The XML elements of the shape are ignored. Throws std::runtime_error.
    explicit DirectGuest(GuestShape shape, QemuStart how = {});
    ~DirectGuest() override;  // kills QEMU

    std::map<int, pid_t> vcpu_threads() const override { return threads_; }
    const std::string& uuid() const { return uuid_; }
    // The monitor socket for whoever has started QEMU. The scenario uses another one.
    std::string starters_monitor() const;
    // The program that emulates its TPM; -1 if it has none.
    pid_t tpm() const { return tpm_; }

    // Executes a QMP command and returns its result. Throws std::runtime_error.
    nlohmann::json execute(const std::string& command,
                           const nlohmann::json& arguments = nlohmann::json::object());

  private:
    void create() override;
    void resume_vcpus() override;
    void destroy() override;
    bool was_reset() override;
    std::string log() override;
    std::string describe_vcpus() override;

    std::vector<std::string> launcher() const;
    std::vector<std::string> identity() const;
    std::vector<std::string> machine() const;
    std::vector<std::string> boot_and_devices() const;
    std::vector<std::string> command_line() const;
    std::string file(const std::string& suffix) const;
    void start_tpm();

    QemuStart start_;
    std::string uuid_;
    pid_t tpm_ = -1;
    pid_t launcher_ = -1;  // our child: QEMU, or what has started it in its container
    std::map<int, pid_t> threads_;
    JsonSocket monitor_;  // of the scenario, since a monitor serves one client
};

}  // namespace vnuma::lab
