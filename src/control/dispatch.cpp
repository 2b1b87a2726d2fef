#include "src/control/dispatch.hpp"

#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "policy/model/shell_pattern.hpp"
#include "policy/model/uuid.hpp"
#include "src/control/orders/device_node.hpp"
#include "src/control/orders/judge_move.hpp"
#include "src/control/protocol/json.hpp"
#include "src/control/queries/explain_guest.hpp"
#include "src/control/queries/find_guest.hpp"
#include "src/control/queries/guests.hpp"
#include "src/control/queries/heat_map.hpp"
#include "src/control/queries/view_groups.hpp"
#include "src/control/queries/view_policy.hpp"
#include "src/metrics/metrics.hpp"
#include "src/observe/hands_off.hpp"
#include "src/record/record.hpp"
#include "src/report/report.hpp"
#include "src/state_directory.hpp"

namespace vnuma::control {
namespace {

using std::chrono::duration_cast;
using std::chrono::milliseconds;

std::int64_t now_ms() {
    return duration_cast<milliseconds>(std::chrono::system_clock::now().time_since_epoch()).count();
}

// On the clock of Snapshot::now.
Millis monotonic_ms() {
    return duration_cast<milliseconds>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

std::chrono::microseconds own_cpu_time() {
    rusage usage{};
    ::getrusage(RUSAGE_SELF, &usage);
    const auto time = [](const timeval& one) {
        return std::chrono::seconds(one.tv_sec) + std::chrono::microseconds(one.tv_usec);
    };
    return time(usage.ru_utime) + time(usage.ru_stime);
}

const char* source_name(SourceChoice source) {
    constexpr const char* names[]{"auto", "libvirt", "qmp", "proc"};
    return names[static_cast<std::size_t>(source)];
}

std::string who(const Caller& caller) {
    return caller.uid == 0 ? "root" : "user " + std::to_string(caller.uid);
}

// Arguments of a command that takes none. A field is a mistake.
void expect_none(const nlohmann::json& arguments) {
    if (!arguments.empty()) throw FormatError(arguments.begin().key(), "is unknown");
}

template <typename T>
T read(const nlohmann::json& arguments) {
    return from_json<T>(arguments, true);
}

// A tick as it is before the first one.
std::shared_ptr<const Tick> first_tick(const Config& config) {
    auto tick = std::make_shared<Tick>();
    tick->mode = config.mode;
    tick->interval = config.interval;
    tick->policy = config.policy;
    tick->blind = "vnumad has just started, and has not looked at the guests yet";
    return tick;
}

}  // namespace

Dispatch::Dispatch(Parts parts)
    : parts_(std::move(parts)),
      editor_(parts_.config.run_time_policy, parts_.config.policy),
      tick_(first_tick(parts_.config)) {}

const std::vector<Dispatch::Named>& Dispatch::table() {
    static const std::vector<Named> answers{{"query-status", &Dispatch::query_status},
                                            {"query-guests", &Dispatch::query_guests},
                                            {"query-guest", &Dispatch::query_guest},
                                            {"query-heat-map", &Dispatch::query_heat_map},
                                            {"query-explanation", &Dispatch::query_explanation},
                                            {"query-events", &Dispatch::query_events},
                                            {"query-history", &Dispatch::query_history},
                                            {"query-policy", &Dispatch::query_policy},
                                            {"query-groups", &Dispatch::query_groups},
                                            {"query-report", &Dispatch::query_report},
                                            {"query-metrics", &Dispatch::query_metrics},
                                            {"query-record", &Dispatch::query_record},
                                            {"query-commands", &Dispatch::query_commands},
                                            {"query-schema", &Dispatch::query_schema},
                                            {"place", &Dispatch::place},
                                            {"set-policy", &Dispatch::set_policy},
                                            {"unset-policy", &Dispatch::unset_policy},
                                            {"move", &Dispatch::move},
                                            {"freeze", &Dispatch::freeze},
                                            {"thaw", &Dispatch::thaw},
                                            {"restore", &Dispatch::restore}};
    return answers;
}

bool Dispatch::answers(std::string_view command) {
    return std::any_of(table().begin(), table().end(),
                       [&](const Named& named) { return named.command == command; });
}

void Dispatch::set_tick(std::shared_ptr<const Tick> tick) {
    totals_.update(*tick);
    tick_ = std::move(tick);
    metrics_.clear();
}

Reply Dispatch::handle(const Command& command, const Json& arguments, const Caller& caller) {
    for (const Named& named : table())
        if (std::string_view(named.command) == command.name)
            return (this->*named.answer)(arguments, caller);
    return Refused{command_not_found, std::string("The command ") + command.name + " is not known"};
}

// ---- Queries

Reply Dispatch::query_status(const Json& arguments, const Caller&) {
    expect_none(arguments);
    return to_json(make_status(*tick_, facts()));
}

Reply Dispatch::query_guests(const Json& arguments, const Caller&) {
    expect_none(arguments);
    if (auto refused = why_blind()) return *refused;
    return to_json(summarize_guests(*tick_));
}

Reply Dispatch::query_guest(const Json& arguments, const Caller&) {
    const auto guest = find_guest(*tick_, read<GuestArgument>(arguments).guest);
    if (const auto* refused = std::get_if<Refused>(&guest)) return *refused;
    return to_json(describe_guest(*tick_, std::get<std::size_t>(guest)));
}

Reply Dispatch::query_heat_map(const Json& arguments, const Caller&) {
    const auto wanted = read<HeatMapArguments>(arguments);
    const auto guest = find_guest(*tick_, wanted.guest);
    if (const auto* refused = std::get_if<Refused>(&guest)) return *refused;
    return to_json(map_heat(*tick_, std::get<std::size_t>(guest), wanted.blocks));
}

Reply Dispatch::query_explanation(const Json& arguments, const Caller&) {
    const auto guest = find_guest(*tick_, read<GuestArgument>(arguments).guest);
    if (const auto* refused = std::get_if<Refused>(&guest)) return *refused;
    return to_json(explain_guest(*tick_, std::get<std::size_t>(guest)));
}

// A guest that has ended is in the history by its name or UUID.
std::variant<SinceArguments, Refused> Dispatch::since(const Json& arguments) const {
    auto wanted = read<SinceArguments>(arguments);
    if (!parts_.history)
        return Refused{was_refused,
                       "no history is kept: history.file is empty, or another vnumad "
                       "has the control socket"};
    if (!wanted.guest || tick_->look == nullptr) return wanted;
    const auto guest = find_guest(*tick_, *wanted.guest);
    if (const auto* index = std::get_if<std::size_t>(&guest))
        wanted.guest = tick_->snapshot.guests[*index].uuid;
    return wanted;
}

Reply Dispatch::query_events(const Json& arguments, const Caller&) {
    const auto wanted = since(arguments);
    if (const auto* refused = std::get_if<Refused>(&wanted)) return *refused;
    return to_json(parts_.history->happenings(std::get<SinceArguments>(wanted)));
}

Reply Dispatch::query_history(const Json& arguments, const Caller&) {
    const auto wanted = since(arguments);
    if (const auto* refused = std::get_if<Refused>(&wanted)) return *refused;
    return to_json(parts_.history->page(std::get<SinceArguments>(wanted)));
}

Reply Dispatch::query_policy(const Json& arguments, const Caller&) {
    const auto target = read<PolicyTarget>(arguments);
    if (auto refused = why_blind(); refused && target.guest) return *refused;
    auto view = view_policy(*tick_, target);
    if (const auto* refused = std::get_if<Refused>(&view)) return *refused;
    return to_json(std::get<PolicyView>(view));
}

Reply Dispatch::query_groups(const Json& arguments, const Caller&) {
    expect_none(arguments);
    if (auto refused = why_blind()) return *refused;
    return to_json(view_groups(*tick_));
}

Reply Dispatch::query_report(const Json& arguments, const Caller&) {
    expect_none(arguments);
    return JsonOut(make_report(*tick_));
}

Reply Dispatch::query_metrics(const Json& arguments, const Caller&) {
    expect_none(arguments);
    return JsonOut(metrics());
}

const std::string& Dispatch::metrics() {
    if (!metrics_.empty()) return metrics_;
    const std::vector<GuestSummary> guests =
        tick_->look ? summarize_guests(*tick_) : std::vector<GuestSummary>();
    metrics_ = to_text(
        make_metrics(*tick_, make_status(*tick_, facts()), guests, totals_, own_cpu_time()));
    return metrics_;
}

Reply Dispatch::query_record(const Json& arguments, const Caller&) {
    expect_none(arguments);
    if (auto refused = why_blind()) return *refused;
    return JsonOut::parse(
        to_line({parts_.config.planner, tick_->history, tick_->snapshot, tick_->plan}));
}

// As QEMU has it, for QMP shells.
Reply Dispatch::query_commands(const Json& arguments, const Caller&) {
    expect_none(arguments);
    JsonOut names = JsonOut::array();
    for (const Command& command : commands())
        names.push_back({{"name", command.name}});
    return names;
}

Reply Dispatch::query_schema(const Json& arguments, const Caller&) {
    expect_none(arguments);
    return schema();
}

Reply Dispatch::place(const Json& arguments, const Caller& caller) {
    const auto wanted = read<PlaceArguments>(arguments);
    if (auto refused = why_blind()) return *refused;
    if (wanted.reserve > 0 && !caller.may_act)
        return Refused{not_permitted,
                       "only those who may act can reserve room: connect to "
                       "control.sock, or ask without a reservation"};
    std::optional<int> near;
    if (wanted.near) {
        const DeviceNode device = find_device_node(*wanted.near);
        if (!device.problem.empty())
            return Refused{invalid_argument, "near: " + *wanted.near + " " + device.problem};
        near = device.node;
    }
    auto reply = placer_.place(
        {tick_->snapshot, tick_->history, parts_.config.planner, tick_->host, monotonic_ms()},
        wanted, near);
    if (const auto* refused = std::get_if<Refused>(&reply)) return *refused;
    return to_json(std::get<PlaceReply>(reply));
}

// ---- Orders

// What names no guest that runs may be a pattern, or have a section already. All else is a mistake
// unless the guest is said to be absent.
std::variant<PolicyTarget, Refused> Dispatch::with_section_name(PolicyTarget target,
                                                                bool absent) const {
    if (!target.guest || !tick_->look) return target;
    const auto guest = find_guest(*tick_, *target.guest);
    if (const auto* index = std::get_if<std::size_t>(&guest)) {
        const GuestState& state = tick_->snapshot.guests[*index];
        if (*target.guest != state.name) target.guest = state.uuid;
        return target;
    }
    const std::string name = normalize_guest_name(*target.guest);
    const HostPolicy& policy = tick_->policy;
    if (absent || is_pattern(name) || policy.guests.contains(name) ||
        policy.run_time.guests.contains(name))
        return target;
    Refused refused = std::get<Refused>(guest);
    refused.description += "; say \"absent\" if it does not run yet";
    return refused;
}

void Dispatch::show_policy(config_text::RunTimeSections sections) {
    const auto changed = std::make_shared<Tick>(*tick_);
    changed->policy.run_time = std::move(sections.overrides);
    changed->policy.run_time_until = std::move(sections.ends);
    tick_ = changed;
}

Reply Dispatch::view_changed(const PolicyTarget& target, PolicyEditor::Result result) {
    if (const auto* refused = std::get_if<Refused>(&result)) return *refused;
    show_policy(std::move(std::get<config_text::RunTimeSections>(result)));
    auto view = view_policy(*tick_, target);
    if (auto* shown = std::get_if<PolicyView>(&view)) return to_json(*shown);
    // What was unset was all that there was.
    PolicyView empty;
    empty.target = describe(std::get<PolicySection>(section_of(target)));
    return to_json(empty);
}

Reply Dispatch::set_policy(const Json& arguments, const Caller&) {
    auto wanted = read<SetPolicyArguments>(arguments);
    auto target = with_section_name(std::move(wanted.target), wanted.absent);
    if (const auto* refused = std::get_if<Refused>(&target)) return *refused;
    wanted.target = std::move(std::get<PolicyTarget>(target));
    const auto section = section_of(wanted.target);
    if (const auto* refused = std::get_if<Refused>(&section)) return *refused;
    return view_changed(wanted.target, editor_.set(std::get<PolicySection>(section),
                                                   wanted.settings, wanted.for_ms, now_ms()));
}

Reply Dispatch::unset_policy(const Json& arguments, const Caller&) {
    auto wanted = read<UnsetPolicyArguments>(arguments);
    auto target = with_section_name(std::move(wanted.target), false);
    if (const auto* refused = std::get_if<Refused>(&target)) return *refused;
    wanted.target = std::move(std::get<PolicyTarget>(target));
    const auto section = section_of(wanted.target);
    if (const auto* refused = std::get_if<Refused>(&section)) return *refused;
    return view_changed(wanted.target,
                        editor_.unset(std::get<PolicySection>(section), wanted.keys, now_ms()));
}

Reply Dispatch::move(const Json& arguments, const Caller& caller) {
    const auto wanted = read<MoveArguments>(arguments);
    if (auto refused = why_no_move(*tick_)) return *refused;
    const auto found = find_guest(*tick_, wanted.guest);
    if (const auto* refused = std::get_if<Refused>(&found)) return *refused;
    const auto index = std::get<std::size_t>(found);
    const GuestState& guest = tick_->snapshot.guests[index];
    auto homes = homes_of_cells(guest, wanted.home);
    if (const auto* refused = std::get_if<Refused>(&homes)) return *refused;
    const MoveOpinion opinion = judge_move(tick_->snapshot, tick_->history, parts_.config.planner,
                                           index, std::get<HomeOfCell>(homes));
    MoveReply reply{opinion.is_accepted(wanted.force), opinion.text};
    if (!reply.accepted) return to_json(reply);
    if (auto refused =
            parts_.orders.add(OrderedMove{guest.uuid, std::get<HomeOfCell>(homes), who(caller)}))
        return *refused;
    return to_json(reply);
}

Reply Dispatch::set_frozen(bool on, std::string done) {
    if (!parts_.freeze.set(on))
        return Refused{generic_error,
                       parts_.freeze.file() + ": " + std::generic_category().message(errno)};
    return to_json(Done{std::move(done)});
}

Reply Dispatch::freeze(const Json& arguments, const Caller& caller) {
    const auto wanted = read<GuestOrAll>(arguments);
    if (!wanted.guest)
        return set_frozen(true,
                          "vnumad is frozen: pins stay, and nothing is changed until the thaw");
    return leave_alone(*wanted.guest, true, caller);
}

Reply Dispatch::thaw(const Json& arguments, const Caller&) {
    const auto wanted = read<GuestOrAll>(arguments);
    if (wanted.guest) return thaw_guest(*wanted.guest);
    std::string done = "vnumad is thawed: guests are balanced again";
    if (const std::size_t left = tick_->hands_off.size(); left > 0)
        done += "; " + std::to_string(left) + (left == 1 ? " guest stays" : " guests stay") +
                " left alone until vnumactl thaw GUEST";
    return set_frozen(false, std::move(done));
}

Reply Dispatch::thaw_guest(const std::string& name) {
    const auto found = find_guest(*tick_, name);
    if (const auto* refused = std::get_if<Refused>(&found)) return *refused;
    const GuestState& guest = tick_->snapshot.guests[std::get<std::size_t>(found)];
    if (!tick_->hands_off.contains(guest.uuid))
        return Refused{was_refused, guest.name + " is not left alone" +
                                        (tick_->frozen.empty() ? "" : "; " + tick_->frozen)};
    std::string problem =
        forget_hands_off(hands_off_directory(parts_.config.state_directory), guest.uuid);
    if (!problem.empty()) return Refused{was_refused, std::move(problem)};
    return to_json(Done{"vnumad does not leave " + guest.name + " alone any more"});
}

Reply Dispatch::leave_alone(const std::string& name, bool keeps_pins, const Caller& caller) {
    if (auto refused = why_no_restore(*tick_)) return *refused;
    const auto found = find_guest(*tick_, name);
    if (const auto* refused = std::get_if<Refused>(&found)) return *refused;
    const GuestState& guest = tick_->snapshot.guests[std::get<std::size_t>(found)];
    if (auto refused = parts_.orders.add(OrderedRestore{guest.uuid, who(caller), keeps_pins}))
        return *refused;
    return to_json(Done{keeps_pins ? guest.name +
                                         " is left alone from the next tick on, and its pins stay, "
                                         "until vnumactl thaw " +
                                         guest.name
                                   : "the threads of " + guest.name +
                                         " are given back to their owner in the next tick, and "
                                         "left alone from then on"});
}

Reply Dispatch::restore(const Json& arguments, const Caller& caller) {
    const auto wanted = read<GuestOrAll>(arguments);
    if (wanted.guest) return leave_alone(*wanted.guest, false, caller);
    if (auto refused = why_no_restore(*tick_)) return *refused;
    if (!parts_.freeze.set(true))
        return Refused{generic_error,
                       parts_.freeze.file() + ": " + std::generic_category().message(errno)};
    if (auto refused = parts_.orders.add(OrderedRestore{std::nullopt, who(caller)})) {
        refused->description += "; vnumad is frozen";
        return *refused;
    }
    return to_json(
        Done{"the threads of all guests are given back to their owners in the next "
             "tick, and left alone from then on; vnumad is frozen"});
}

// ---- What they have in common

ServerFacts Dispatch::facts() const {
    ServerFacts facts;
    facts.version = parts_.version;
    facts.pid = ::getpid();
    facts.uptime_ms =
        duration_cast<milliseconds>(std::chrono::steady_clock::now() - start_).count();
    facts.source = source_name(parts_.config.source);
    facts.interval_ms = parts_.config.interval.count();
    if (!parts_.history) return facts;
    if (std::string problem = parts_.history->problem(); !problem.empty())
        facts.trouble.push_back(std::move(problem));
    return facts;
}

std::optional<Refused> Dispatch::why_blind() const {
    if (tick_->look) return std::nullopt;
    return Refused{is_blind, "nothing could be seen in the last tick: " + tick_->blind};
}

}  // namespace vnuma::control
