#include "src/observe/privileges.hpp"

#include <cap-ng.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <stdexcept>

namespace vnuma {
namespace {

bool always(const Config&, bool) {
    return true;
}

bool acts(const Config& config, bool) {
    return config.mode == Mode::act;
}

bool reads_monitors(const Config& config, bool) {
    return source_in_use(config) == SourceChoice::qmp;
}

bool uses_damon(const Config& config, bool) {
    const HeatChoice heat = tracking_settings(config).heat;
    return heat == HeatChoice::damon || heat == HeatChoice::automatic;
}

bool uses_damon_as_a_user(const Config& config, bool as_root) {
    return !as_root && uses_damon(config, as_root);
}

bool uses_idle_pages(const Config& config, bool) {
    return tracking_settings(config).heat == HeatChoice::idle_page;
}

bool uses_idle_pages_as_a_user(const Config& config, bool as_root) {
    return !as_root && uses_idle_pages(config, as_root);
}

bool uses_soft_dirty(const Config& config, bool) {
    const TrackingSettings tracking = tracking_settings(config);
    return tracking.heat == HeatChoice::soft_dirty && tracking.may_disturb;
}

// Faults are counted only for guests that vnumad may act on.
bool attributes(const Config& config, bool) {
    const TrackingSettings tracking = tracking_settings(config);
    return tracking.attribution && tracking.may_disturb;
}

bool starts_programs(const Config& config, bool) {
    return !config.seccomp;
}

bool reads_frame_numbers(const Config& config, bool) {
    return config.pagemap;
}

constexpr const char* attribution = "`tracking.attribution = \"auto\"` in mode `act`";
constexpr const char* damon = "`tracking.heat` = `\"auto\"` or `\"damon\"`";
constexpr const char* damon_as_a_user =
    "`tracking.heat` = `\"auto\"` or `\"damon\"`, unless as root";
constexpr const char* clears_refs = "write to `/proc/PID/clear_refs` of other users' processes";
constexpr const char* no_heat = "that tracker is not used";
constexpr const char* no_bpf =
    "accesses are not attributed to vCPUs, and of guests that nobody tells of less is known";

constexpr std::array<CapabilityUse, 14> all_uses{{
    {CAP_SYS_PTRACE, "always", always,
     "read the memory maps and open files of other processes, and move their memory",
     "guests' memory cannot be seen", true},
    {CAP_DAC_READ_SEARCH, "always", always,
     "list the open files of other users' processes, and read files that only their owner may read",
     "devices of other users' guests are not seen, and their monitors are not trusted"},
    {CAP_SYS_NICE, "`mode = \"act\"`", acts, "pin threads of other processes",
     "nothing can be pinned or moved in mode \"act\"", true},
    {CAP_SYS_NICE, damon, uses_damon, "give kdamonds nice 10",
     "kdamonds have nice 0 and interrupt vCPUs"},
    {CAP_DAC_OVERRIDE, "`source = \"qmp\"`, unless in mode `observe`", reads_monitors,
     "connect to monitor sockets of other users",
     "guests whose sockets belong to other users are not found"},
    {CAP_DAC_OVERRIDE, attribution, attributes, clears_refs,
     "there are no rounds: only faults that happen anyway are counted"},
    {CAP_DAC_OVERRIDE, "`tracking.heat = \"soft-dirty\"` in mode `act`", uses_soft_dirty,
     clears_refs, no_heat},
    {CAP_DAC_OVERRIDE, damon_as_a_user, uses_damon_as_a_user, "write to DAMON's files", no_heat},
    {CAP_DAC_OVERRIDE, "`tracking.heat = \"idle-page\"`, unless as root", uses_idle_pages_as_a_user,
     "write to the bitmap of idle pages", no_heat},
    {CAP_BPF, attribution, attributes, "load the programs that count page faults and read KVM",
     no_bpf},
    {CAP_PERFMON, attribution, attributes, "let these programs read the kernel's memory", no_bpf},
    {CAP_SETPCAP, "`seccomp = false`", starts_programs,
     "let libvirt's client take capabilities from programs that it starts",
     "no program is started for `libvirt.uri`"},
    {CAP_SYS_ADMIN, "`memory.pagemap = true`", reads_frame_numbers,
     "read page frame numbers in `/proc/PID/pagemap`",
     "the kernel is asked with `move_pages`, which takes longer"},
    {CAP_SYS_ADMIN, "`tracking.heat = \"idle-page\"`", uses_idle_pages,
     "read page frame numbers in `/proc/PID/pagemap`", no_heat},
}};

}  // namespace

std::span<const CapabilityUse> capability_uses() {
    return all_uses;
}

std::vector<CapabilityUse> enabled_uses(const Config& config, bool as_root) {
    std::vector<CapabilityUse> enabled;
    for (const CapabilityUse& use : all_uses)
        if (use.is_enabled(config, as_root)) enabled.push_back(use);
    return enabled;
}

std::string capability_name(int capability) {
    std::string name = ::capng_capability_to_name(static_cast<unsigned>(capability));
    std::transform(name.begin(), name.end(), name.begin(),
                   [](unsigned char letter) { return static_cast<char>(std::toupper(letter)); });
    return "CAP_" + name;
}

std::vector<int> held_capabilities() {
    std::vector<int> held;
    ::capng_get_caps_process();
    for (int capability = 0; capability <= CAP_LAST_CAP; ++capability)
        if (::capng_have_capability(CAPNG_EFFECTIVE, static_cast<unsigned>(capability)) != 0)
            held.push_back(capability);
    return held;
}

void keep_capabilities(const std::vector<CapabilityUse>& uses) {
    const std::vector<int> held = held_capabilities();
    const auto is_held = [&](int capability) {
        return std::find(held.begin(), held.end(), capability) != held.end();
    };
    ::capng_clear(CAPNG_SELECT_ALL);
    const auto kept =
        static_cast<capng_type_t>(CAPNG_EFFECTIVE | CAPNG_PERMITTED | CAPNG_BOUNDING_SET);
    for (const CapabilityUse& use : uses)
        if (is_held(use.capability))
            ::capng_update(CAPNG_ADD, kept, static_cast<unsigned>(use.capability));
    const auto sets = static_cast<capng_select_t>(CAPNG_SELECT_CAPS | CAPNG_SELECT_AMBIENT |
                                                  (is_held(CAP_SETPCAP) ? CAPNG_SELECT_BOUNDS : 0));
    if (const int error = ::capng_apply(sets); error != 0)
        throw std::runtime_error("capabilities that vnumad does not need cannot be given up (" +
                                 std::to_string(error) + " of capng_apply)");
}

}  // namespace vnuma
