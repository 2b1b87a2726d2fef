#include "src/config/config_keys.hpp"

#include "src/config/metrics_address.hpp"

namespace vnuma::config_text {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;

std::vector<Key> top_keys(Config& config) {
    return {
        {"mode", word(config.mode, words_of(modes, {Mode::observe, Mode::advise, Mode::act})),
         "`observe` and `advise` change nothing, and `advise` tells what would be done; `act` pins "
         "vCPUs and moves memory. The installed file has `observe`."},
        {"interval", duration(config.interval, milliseconds(100), minutes(10)),
         "Time from one look at the host and its guests to the next, while something changes."},
        {"interval_max", duration(config.interval_max, milliseconds(100), minutes(10)),
         "The same while nothing changes: the time doubles with each look up to this one, and is "
         "`interval` again when anything does. Not less than `interval`."},
        {"pin", word<bool>(config.pin_by_libvirt, {{false, "affinity"}, {true, "libvirt"}}),
         "`affinity`: threads are pinned by their affinity. `libvirt`: by libvirt, as `virsh "
         "vcpupin --live` does, wherever libvirt can; see [pins by libvirt](#pins-by-libvirt)."},
        {"on_stop", word<bool>(config.restore_at_stop, {{true, "restore"}, {false, "keep"}}),
         "`restore`: when vnumad ends, after `--once` too, threads get back the CPUs that their "
         "owners allow. `keep`: pins stay until the next start or `vnumad --restore`. Memory stays "
         "where it is."},
        {"state_directory", text(config.state_directory),
         "What has to survive vnumad: the journal, the lock, `freeze`, guests that are left alone "
         "([safety](safety.md))."},
        {"seccomp", flag(config.seccomp),
         "Have the kernel refuse system calls that vnumad does not need "
         "([security](security.md#system-calls)). `false` is for a `libvirt.uri` that starts a "
         "program or uses the network."},
        {"source",
         word<SourceChoice>(config.source, {{SourceChoice::automatic, "auto"},
                                            {SourceChoice::libvirt, "libvirt"},
                                            {SourceChoice::qmp, "qmp"},
                                            {SourceChoice::proc, "proc"}}),
         "Who lists the guests. `auto`: libvirt where it is, and every other process that holds a "
         "KVM virtual machine is a guest too. `libvirt`: libvirt only. `qmp`: QEMU's monitors in "
         "`qmp_dir`; with `mode = \"observe\"` the same as `proc`. `proc`: nobody, all guests are "
         "found in `/proc`; see [guests that nobody tells of](#guests-that-nobody-tells-of)."},
        {"qmp_dir", text(config.qmp_dir),
         "With `source = \"qmp\"`: a directory with the QMP socket of each QEMU that was started "
         "without libvirt. vnumad connects, asks and disconnects, since QEMU serves one client a "
         "socket; see [guests without libvirt](#guests-without-libvirt)."},
        {"qmp_pattern", text_list(config.qmp_pattern, "a list of shell patterns"),
         "Which names of sockets in `qmp_dir` are QMP's. No other socket is connected to."},
        {"run_time_policy", text_or_empty(config.run_time_policy),
         "File with the policy of guests and groups until the host restarts ([guest "
         "policy](guest-policy.md#at-run-time)); `\"\"` for none."},
    };
}

std::vector<Key> libvirt_keys(LibvirtSettings& libvirt) {
    return {
        {"uri", text(libvirt.uri), "Connection URI, as for `virsh -c`."},
        {"pid_directory", text(libvirt.pid_directory),
         "Where libvirt keeps `NAME.pid` for each running domain."},
        {"monitor", word<bool>(libvirt.ask_monitor, {{true, "auto"}, {false, "never"}}),
         "Whether the monitor of a guest that vnumad acts on may be asked where the memory of its "
         "cells is, when the sizes do not tell. libvirt marks such a domain as tainted "
         "(`custom-monitor`), which changes nothing else. With `never` the memory of such "
         "a guest stays, and its vCPUs go to it, if three quarters of it are on one node; "
         "otherwise the guest is left alone."},
    };
}

std::vector<Key> planner_keys(PlannerSettings& planner) {
    return {
        {"horizon", duration_ms(planner.horizon, milliseconds(1000), hours(1)),
         "A new home must pay back within this time."},
        {"margin", share(planner.margin), "A new home must save this share of the cell's cost."},
        {"cool_down", duration_ms(planner.cool_down, milliseconds(0), hours(24)),
         "Time between two changes of home within a guest, or within a group that has one home. It "
         "doubles with each failure in a row."},
        {"imbalance", share(planner.imbalance),
         "Load is no reason to move between two nodes whose load differs by less than this."},
        {"changes_per_hour", whole(planner.changes_per_hour, 1, max_changes_per_hour),
         "Changes of home within a guest in any hour. Changes that relieve a full node, or that "
         "its "
         "policy demands, count and are made all the same."},
    };
}

std::vector<Key> memory_keys(Config& config) {
    constexpr Bytes tebi = 1024 * 1024 * mib;
    return {
        {"rate", size(config.planner.pace, mib, tebi),
         "Memory that is moved in a second, for all guests together."},
        {"guest_rate", size(config.guest_rate, mib, tebi),
         "Memory that is moved in a second for one guest, within `rate`. The default is no limit "
         "of "
         "its own."},
        {"call_time", duration(config.call_time, milliseconds(1), milliseconds(1000)),
         "How long one call that moves memory should take. Batches are sized by measured time. A "
         "huge page is moved in one call: pages that take longer than four times this at 1 GiB a "
         "second are not moved, so those of 1 GiB need `\"250ms\"`."},
        {"felt", share(config.felt),
         "How much longer vCPUs may wait for a CPU while memory of their guest moves, as a share "
         "of "
         "their run time; see below."},
        {"watermark", share(config.planner.watermark),
         "Share of each node's memory that is never filled."},
        {"residency", word(config.residency, words_of(residency_modes)),
         "How vnumad finds out where memory is; see below."},
        {"pagemap", flag(config.pagemap),
         "Read single pages from `/proc/PID/pagemap` instead of asking the kernel with "
         "`move_pages`: several times faster, but it takes `CAP_SYS_ADMIN`."},
    };
}

std::vector<Key> tracking_keys(TrackingSettings& tracking) {
    return {
        {"heat", word(tracking.heat, words_of(heat_choices)),
         "How vnumad finds out which memory is accessed; see [tracking](tracking.md)."},
        {"attribution", word<bool>(tracking.attribution, {{true, "auto"}, {false, "never"}}),
         "Whether vnumad finds out which vCPU accesses which memory, for guests without vNUMA that "
         "fit no node, or are busier than any; and whether it may ask KVM itself about "
         "[guests that nobody tells of](#guests-that-nobody-tells-of)."},
        {"overhead", share(tracking.overhead_permille),
         "Share of a guest's own CPU time that tracking its accesses may take."},
        {"longest_stall", duration(tracking.longest_stall, milliseconds(1), minutes(1)),
         "A guest that a round of attribution, or a scan by `soft-dirty`, would hold up for longer "
         "than this has none. The last round or scan tells, or the guest's size before the first "
         "(above some 12 GiB of small pages for a round, above 40 GiB for a scan)."},
        {"min_period", duration(tracking.period.least, milliseconds(100), hours(1)),
         "Shortest time from one scan of a guest's memory, or one round, to the next."},
        {"max_period", duration(tracking.period.most, milliseconds(100), hours(1)),
         "Longest time from one scan of a guest's memory, or one round, to the next."},
    };
}

std::vector<Key> coexist_keys(Coexistence& coexist) {
    const auto key = [](const char* name, Handling& handling, const char* meaning) {
        return Key{name, word(handling, words_of(handlings)), meaning};
    };
    return {
        key("numa_balancing", coexist.numa_balancing,
            "What vnumad does while the kernel's NUMA balancing is on; see [other "
            "balancers](#other-balancers)."),
        key("numad", coexist.numad, "The same while numad runs."),
        key("ksm", coexist.ksm, "The same while KSM merges pages of different nodes."),
        key("kubelet", coexist.kubelet,
            "The same while Kubernetes' CPU manager or memory manager has the static policy."),
        key("tuned", coexist.tuned, "The same while tuned runs."),
        key("irqbalance", coexist.irqbalance, "The same while irqbalance runs."),
    };
}

std::vector<Key> control_keys(Config& config) {
    const config_text::Words<std::string> modes{
        {"0600", "0600"}, {"0660", "0660"}, {"0666", "0666"}};
    return {
        {"sockets", flag(config.control_sockets),
         "Whether vnumad can be asked and told by `vnumactl`: see [control](control.md)."},
        {"read_mode", word<std::string>(config.control_read_mode, modes),
         "Who may ask, but not act: the mode of `control-ro.sock`, which belongs to the group "
         "`vnumad`, or to root's where there is none."},
    };
}

std::vector<Key> history_keys(Config& config) {
    return {
        {"file", text_or_empty(config.history_file),
         "What happened in the last 24 h, and a sample of every guest each minute, for `vnumactl`. "
         "Its directory is made if it is missing. Empty: none is kept."},
        {"size", size(config.history_size, mib, 64 * 1024 * mib),
         "Size of that file at most. The oldest minutes are removed first."},
    };
}

Key metrics_listen(std::string& target) {
    Value value = text_or_empty(target);
    value.set = [&target, read = value.set](const toml::node& node) {
        std::string problem = read(node);
        if (problem.empty() && !target.empty()) problem = MetricsAddress{target}.problem();
        return problem;
    };
    return {
        "listen", value,
        "Where Prometheus finds the [metrics](metrics.md): an address of the loopback "
        "interface with a port, `\"127.0.0.1:9177\"`, or the path of a socket. Empty: nowhere."};
}

}  // namespace

std::vector<Section> sections_of(Config& config) {
    return {{"", top_keys(config)},
            {"libvirt", libvirt_keys(config.libvirt)},
            {"planner", planner_keys(config.planner)},
            {"memory", memory_keys(config)},
            {"coexist", coexist_keys(config.coexist)},
            {"tracking", tracking_keys(config.tracking)},
            {"control", control_keys(config)},
            {"history", history_keys(config)},
            {"metrics", {metrics_listen(config.metrics_listen)}},
            {"report",
             {{"heat_map", flag(config.tracking.heat_map),
               "Put every chunk of every guest into the report."}}}};
}

}  // namespace vnuma::config_text
