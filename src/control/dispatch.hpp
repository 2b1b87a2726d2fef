// Answers the requests of the control socket from the last tick, and hands orders on. None waits
// for a tick.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <variant>

#include "src/act/freeze.hpp"
#include "src/config/config.hpp"
#include "src/control/orders/orders.hpp"
#include "src/control/orders/placer.hpp"
#include "src/control/orders/policy_editor.hpp"
#include "src/control/queries/status.hpp"
#include "src/control/server/handler.hpp"
#include "src/history/history_writer.hpp"
#include "src/metrics/totals.hpp"

namespace vnuma::control {

class Dispatch final : public Handler {
  public:
    struct Parts {
        const Config& config;
        std::string version;
        Freeze freeze;
        Orders& orders;
        history::HistoryWriter* history;  // null: none is kept
    };
    // All references must outlive it. All calls are made on the server's thread, but for this one.
    explicit Dispatch(Parts parts);

    // From now on answers are about this tick.
    void set_tick(std::shared_ptr<const Tick> tick);

    Reply handle(const Command& command, const nlohmann::json& arguments,
                 const Caller& caller) override;

    // What Prometheus collects. Made once for each tick.
    const std::string& metrics();

    // Whether there is an answer to a command, which the server does not give itself.
    static bool answers(std::string_view command);

  private:
    using Json = nlohmann::json;
    using Answer = Reply (Dispatch::*)(const Json& arguments, const Caller& caller);
    struct Named {
        const char* command;
        Answer answer;
    };
    static const std::vector<Named>& table();

    Reply query_status(const Json& arguments, const Caller& caller);
    Reply query_guests(const Json& arguments, const Caller& caller);
    Reply query_guest(const Json& arguments, const Caller& caller);
    Reply query_heat_map(const Json& arguments, const Caller& caller);
    Reply query_explanation(const Json& arguments, const Caller& caller);
    Reply query_events(const Json& arguments, const Caller& caller);
    Reply query_history(const Json& arguments, const Caller& caller);
    Reply query_policy(const Json& arguments, const Caller& caller);
    Reply query_groups(const Json& arguments, const Caller& caller);
    Reply query_report(const Json& arguments, const Caller& caller);
    Reply query_metrics(const Json& arguments, const Caller& caller);
    Reply query_record(const Json& arguments, const Caller& caller);
    Reply query_commands(const Json& arguments, const Caller& caller);
    Reply query_schema(const Json& arguments, const Caller& caller);
    Reply place(const Json& arguments, const Caller& caller);
    Reply set_policy(const Json& arguments, const Caller& caller);
    Reply unset_policy(const Json& arguments, const Caller& caller);
    Reply move(const Json& arguments, const Caller& caller);
    Reply freeze(const Json& arguments, const Caller& caller);
    Reply thaw(const Json& arguments, const Caller& caller);
    Reply restore(const Json& arguments, const Caller& caller);

    ServerFacts facts() const;
    // Why there is nothing to tell of guests; nothing if there is.
    std::optional<Refused> why_blind() const;
    // The arguments with the guest's uuid in place of what names it, if a guest is named.
    std::variant<SinceArguments, Refused> since(const Json& arguments) const;
    // A target whose guest is named so that its section is found.
    std::variant<PolicyTarget, Refused> with_section_name(PolicyTarget target, bool absent) const;
    // Answers are about this run-time policy from now on, although the tick had another.
    void show_policy(config_text::RunTimeSections sections);
    Reply view_changed(const PolicyTarget& target, PolicyEditor::Result result);
    Reply set_frozen(bool on, std::string done);
    Reply thaw_guest(const std::string& name);
    Reply leave_alone(const std::string& name, bool keeps_pins, const Caller& caller);

    Parts parts_;
    PolicyEditor editor_;
    Placer placer_;
    Totals totals_;
    std::string metrics_;  // empty until somebody asks for those of this tick
    std::shared_ptr<const Tick> tick_;
    std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

}  // namespace vnuma::control
