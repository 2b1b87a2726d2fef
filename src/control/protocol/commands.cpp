#include "src/control/protocol/commands.hpp"

#include <algorithm>

#include "src/control/protocol/json.hpp"

namespace vnuma::control {
namespace {

// Says of an object, and of all objects in it, that it has no other fields.
void close(JsonOut& schema) {
    if (!schema.is_object()) return;
    if (schema.contains("items")) close(schema["items"]);
    if (schema.value("type", "") != "object") return;
    schema["additionalProperties"] = false;
    if (!schema.contains("properties")) return;
    for (auto& field : schema["properties"].items())
        close(field.value());
}

template <typename T>
JsonOut arguments_of() {
    JsonOut schema = schema_of<T>();
    close(schema);
    return schema;
}

JsonOut no_arguments() {
    JsonOut schema = schema_of_type("object");
    close(schema);
    return schema;
}

JsonOut any_object() {
    return schema_of_type("object");
}

JsonOut some_text() {
    return schema_of_type("string");
}

// As QEMU's query-commands has it.
JsonOut command_names() {
    FieldSchema command;
    command.type("CommandName");
    command.field("name", std::string(), Text(), "Name of the command.");
    return schema_of_list(command.take(), 0, std::numeric_limits<std::size_t>::max());
}

JsonOut data_of_happening() {
    return event_data_shape.schema<Happening>();
}

JsonOut data_of_events_lost() {
    FieldSchema data;
    data.field("count", std::int64_t{0}, not_negative, "Number of events that were dropped.");
    return data.take();
}

template <typename Argument, typename Answer>
Command command(const char* name, const char* summary, Right right, std::vector<const char*> errors,
                const char* verb) {
    return {name, summary, right, arguments_of<Argument>, schema_of<Answer>, std::move(errors),
            verb};
}

template <typename Answer>
Command command(const char* name, const char* summary, Right right, std::vector<const char*> errors,
                const char* verb) {
    return {name, summary, right, no_arguments, schema_of<Answer>, std::move(errors), verb};
}

std::vector<Command> commands_about_host() {
    return {
        command<Status>("query-status",
                        "Returns the state of vnumad, of the host's nodes, and of the guests that "
                        "are not at home.",
                        Right::read, {}, "status"),
        command<PolicyTarget, PolicyView>(
            "query-policy",
            "Returns the policy of a guest, of the guests of a control group, of a group, or, "
            "without arguments, the defaults of all guests.",
            Right::read, {guest_not_found, is_blind}, "policy get"),
        command<std::vector<GroupView>>("query-groups", "Returns all groups and their members.",
                                        Right::read, {is_blind}, "group"),
        {"query-report",
         "Returns the last tick as a report has it (docs/report.md).",
         Right::read,
         no_arguments,
         any_object,
         {},
         ""},
        {"query-record",
         "Returns the last plan and all that it was made from, as a line of a recording "
         "(docs/recording.md).",
         Right::read,
         no_arguments,
         any_object,
         {is_blind},
         "record"},
        {"query-metrics",
         "Returns all metrics as text in Prometheus' format.",
         Right::read,
         no_arguments,
         some_text,
         {},
         "metrics"},
        {"query-commands",
         "Returns the names of all commands.",
         Right::read,
         no_arguments,
         command_names,
         {},
         ""},
        {"query-schema",
         "Returns all commands and events, with JSON Schemas of arguments, replies and data.",
         Right::read,
         no_arguments,
         any_object,
         {},
         ""},
    };
}

std::vector<Command> commands_about_guests() {
    return {
        command<std::vector<GuestSummary>>("query-guests", "Returns a summary of each guest.",
                                           Right::read, {is_blind}, "list"),
        command<GuestArgument, GuestDetails>(
            "query-guest",
            "Returns everything that is known of a guest, its policy with the source of each "
            "value, and its part of a report.",
            Right::read, {guest_not_found, is_blind}, "show"),
        command<HeatMapArguments, HeatMap>(
            "query-heat-map",
            "Returns where a guest's memory is and which vCPU accesses it, in blocks.", Right::read,
            {guest_not_found, is_blind}, "top"),
        command<GuestArgument, Explanation>(
            "query-explanation",
            "Explains in sentences where a guest is, where it should be, why, why not elsewhere, "
            "what is in the way, and what the operator could change.",
            Right::read, {guest_not_found, is_blind}, "explain"),
        command<SinceArguments, PastEvents>("query-events", "Returns what happened since a time.",
                                            Right::read, {was_refused}, "events"),
        command<SinceArguments, HistoryPage>(
            "query-history",
            "Returns a page of the history: what each cell and node was like in each minute, and "
            "what happened.",
            Right::read, {was_refused}, "plot"),
    };
}

std::vector<Command> commands_that_act() {
    return {
        command<EventsArguments, Done>(
            "set-events",
            "Chooses what this client is sent without asking. After qmp_capabilities, a client is "
            "sent events but no plans.",
            Right::read, {}, "events"),
        command<PlaceArguments, PlaceReply>(
            "place",
            "Returns where a new guest should go, and what would have to move to make room. With "
            "`reserve_ms` it also keeps the room, which only clients that may act are allowed to "
            "ask for.",
            Right::read, {is_blind, not_permitted, was_refused}, "place"),
        command<SetPolicyArguments, PolicyView>(
            "set-policy",
            "Sets values of the run-time policy, as in query-policy, and returns the policy with "
            "them.",
            Right::act, {guest_not_found, not_permitted, was_refused}, "policy set"),
        command<UnsetPolicyArguments, PolicyView>(
            "unset-policy",
            "Removes values from the run-time policy and returns the policy without them.",
            Right::act, {guest_not_found, not_permitted, was_refused}, "policy unset"),
        command<MoveArguments, MoveReply>(
            "move",
            "Gives a guest a home once, if the planner does not object or with `force`, and "
            "returns the planner's opinion.",
            Right::act, {guest_not_found, is_blind, not_permitted, was_refused}, "move"),
        command<GuestOrAll, Done>(
            "freeze",
            "Stops all actions, as an emergency stop, until thaw (docs/safety.md). With `guest`, "
            "this guest is left alone from the next tick on. Pins stay in both cases.",
            Right::act, {guest_not_found, is_blind, not_permitted, was_refused}, "freeze"),
        command<GuestOrAll, Done>(
            "thaw",
            "Allows actions again after freeze. With `guest`, this guest is not left alone any "
            "more, whether it was because of freeze or restore, or because somebody else has "
            "changed its pins or moved its memory.",
            Right::act, {guest_not_found, is_blind, not_permitted, was_refused}, "thaw"),
        command<GuestOrAll, Done>(
            "restore",
            "Gives the threads of a guest, or of all guests, back to their owners, and leaves the "
            "guests alone from then on. Without `guest`, vnumad is frozen, too.",
            Right::act, {guest_not_found, is_blind, not_permitted, was_refused}, "restore"),
    };
}

Event event(EventKind kind, const char* meaning) {
    return {name(kind), meaning, data_of_happening};
}

}  // namespace

const std::vector<Command>& commands() {
    static const std::vector<Command> all = [] {
        std::vector<Command> list = commands_about_host();
        for (const auto& more : {commands_about_guests(), commands_that_act()})
            list.insert(list.end(), more.begin(), more.end());
        return list;
    }();
    return all;
}

const Command* find_command(std::string_view name) {
    const auto& all = commands();
    const auto found =
        std::find_if(all.begin(), all.end(), [&](const Command& one) { return one.name == name; });
    return found == all.end() ? nullptr : &*found;
}

const std::vector<Event>& events() {
    static const std::vector<Event> all{
        event(EventKind::guest_came, "A guest is seen for the first time."),
        event(EventKind::guest_went, "A guest is no longer there."),
        event(EventKind::home_changed, "A cell has another home, its first one, or none any more."),
        event(EventKind::verdict_changed,
              "There is another reason for the same home of a cell, or for none."),
        event(EventKind::move_began, "A cell begins to move to its home."),
        event(EventKind::move_ended, "The move of a cell has ended."),
        event(EventKind::refused, "An action on a guest failed or was refused."),
        event(EventKind::felt, "A guest feels that its memory moves, so the move pauses or stays."),
        event(EventKind::hands_off, "A guest is left alone from now on, or balanced again."),
        event(EventKind::conflict, "Another balancer came to this host, or went."),
        event(EventKind::mode_changed, "The mode of vnumad changed, or it was frozen or thawed."),
        event(EventKind::policy_changed, "The policy was changed at run time."),
        event(EventKind::order, "An operator asked for an action: a move, or to restore."),
        event(EventKind::trouble, "Something is wrong, or is in order again."),
        {plan_event,
         "A plan and all that it was made from, as a line of a recording (docs/recording.md). Only "
         "clients that asked for records with set-events are sent it.",
         any_object},
        {events_lost_event, "Events were dropped because this client reads too slowly.",
         data_of_events_lost},
    };
    return all;
}

const std::vector<ErrorClass>& error_classes() {
    static const std::vector<ErrorClass> all{
        {command_not_found, "There is no such command."},
        {invalid_argument,
         "An argument is missing, unknown, of another type, or out of range. The description "
         "names it."},
        {generic_error, "The request cannot be read, or it failed for a reason without a class."},
        {guest_not_found,
         "No guest, or more than one, is called so. The description has the nearest names."},
        {not_permitted, "This client may only read."},
        {is_blind, "Nothing could be seen in the last tick. query-status says why."},
        {was_refused, "The request was understood, but it is not done. The description says why."},
    };
    return all;
}

JsonOut schema() {
    JsonOut schema = JsonOut::object();
    schema["commands"] = JsonOut::array();
    for (const Command& command : commands()) {
        JsonOut& one = schema["commands"].emplace_back(JsonOut::object());
        one["name"] = command.name;
        one["summary"] = command.summary;
        one["right"] = command.right == Right::act ? "act" : "read";
        one["arguments"] = command.arguments();
        one["reply"] = command.reply();
        one["errors"] = command.errors;
        one["verb"] = command.verb;
    }
    schema["events"] = JsonOut::array();
    for (const Event& event : events()) {
        JsonOut& one = schema["events"].emplace_back(JsonOut::object());
        one["name"] = event.name;
        one["meaning"] = event.meaning;
        one["data"] = event.data();
    }
    return schema;
}

}  // namespace vnuma::control
