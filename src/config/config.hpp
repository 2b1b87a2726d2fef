// vnumad's configuration: TOML text in, plain values out.
#pragma once

#include <chrono>
#include <cstddef>
#include <stdexcept>
#include <string>
#include <vector>

#include "guests/model/settings.hpp"
#include "policy/model/guest_policy.hpp"
#include "policy/model/planner_settings.hpp"
#include "src/config/coexistence.hpp"

namespace vnuma {

// Who lists the guests.
enum class SourceChoice {
    automatic,  // libvirt, where it is, and /proc the rest
    libvirt,
    qmp,  // QEMU's monitors
    proc  // nobody: guests are the processes that hold a KVM VM
};

struct Config {
    Mode mode = Mode::act;  // a limit for all guests; never off
    std::chrono::milliseconds interval{2000};
    std::chrono::milliseconds interval_max{16'000};  // while nothing changes; at least `interval`
    bool pin_by_libvirt = false;                  // else by affinities
    bool restore_at_stop = true;                  // put pins back; memory stays where it is
    std::string state_directory = "/run/vnumad";  // the journal, the lock, hands-off guests
    bool seccomp = true;                          // refuse system calls that vnumad does not need
    // As configured; see source_in_use().
    SourceChoice source = SourceChoice::automatic;
    std::string qmp_dir;  // directory with a QMP socket for each guest
    std::vector<std::string> qmp_pattern = default_qmp_patterns();  // of its sockets' names
    LibvirtSettings libvirt;
    PlannerSettings planner;
    HostPolicy policy;
    std::string run_time_policy = "/run/vnumad/policy.toml";  // empty for none
    Bytes guest_rate = 1024 * 1024 * mib;     // memory moved per second for one guest
    std::chrono::milliseconds call_time{10};  // what one call that moves memory should take
    PerMille felt = 10;  // share of a guest's run time that its vCPUs may wait longer during moves
    ResidencyMode residency = ResidencyMode::automatic;
    bool pagemap = false;  // read residency from page frame numbers; needs CAP_SYS_ADMIN
    Coexistence coexist;
    bool control_sockets = true;             // whether there are control.sock and control-ro.sock
    std::string control_read_mode = "0666";  // of control-ro.sock, in octal
    std::string metrics_listen;              // as MetricsAddress; empty: nothing listens
    std::string history_file = "/var/lib/vnumad/history.sqlite";  // empty: none is kept
    Bytes history_size = 64 * mib;                                // of that file at most
    TrackingSettings tracking;  // as configured; see tracking_settings()
};

// With what follows from other keys: the length of scans, and whether guests may be disturbed. In
// mode observe nothing is tracked, since every tracker writes to the kernel or asks QEMU to
// measure.
TrackingSettings tracking_settings(const Config& config);

// Mode observe connects to no monitor: it finds the guests in /proc where `source` is qmp.
SourceChoice source_in_use(const Config& config);

// All problems of a file: "FILE:LINE: KEY: what is wrong".
struct ConfigError : std::runtime_error {
    explicit ConfigError(std::vector<std::string> found);
    std::vector<std::string> problems;
};

// One file of the configuration.
struct ConfigText {
    std::string text;
    std::string origin;  // names it in problems
};

// Of several texts a later one wins, key by key. All throw ConfigError.
Config parse_config(const std::vector<ConfigText>& texts);
Config parse_config(const std::string& text, const std::string& origin);

// `file`, and then the files FILE.d/*.conf in the order of their names.
inline constexpr std::size_t max_drop_ins = 256;
std::vector<ConfigText> read_config(const std::string& file);
Config load_config(const std::string& file);

// The values in effect, as the text of a configuration file.
std::string to_toml(const Config& config);

}  // namespace vnuma
