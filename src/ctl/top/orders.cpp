#include "src/ctl/top/orders.hpp"

namespace vnuma::ctl::top {
namespace {

using control::GuestSummary;

Choice offer_setting(const GuestSummary& guest, const std::string& key, const std::string& value,
                     const std::string& meaning) {
    const std::string setting = key + "=" + value;
    return {setting + ": " + meaning,
            {"Set " + setting + " for " + guest.name +
                 "? It holds until it is unset, at the latest until the host restarts.",
             {Ask::set_policy, guest.uuid, 0, {key, value}}}};
}

Choice offer_unset(const GuestSummary& guest, const std::string& key, const std::string& what) {
    return {"unset " + what,
            {"Unset " + what + " for " + guest.name +
                 "? What the configuration and the domain set holds again.",
             {Ask::unset_policy, guest.uuid, 0, {key, ""}}}};
}

}  // namespace

Question ask_freeze(const control::Status& status) {
    if (!status.frozen.empty())
        return {
            "Thaw vnumad? It is frozen: " + status.frozen + ". It will pin and move guests again.",
            {Ask::thaw}};
    return {
        "Freeze vnumad? Moves stop where they are, pins stay, and nothing is done to any guest "
        "until vnumad is thawed.",
        {Ask::freeze}};
}

Menu offer_policies(const GuestSummary& guest, const control::Status& status) {
    Menu menu;
    menu.title = "Policy of " + guest.name + ", mode " + name(guest.mode);
    auto& choices = menu.choices;
    choices.push_back(offer_setting(guest, "mode", "act", "pin and move it"));
    choices.push_back(offer_setting(guest, "mode", "advise", "say what would be done"));
    choices.push_back(offer_setting(guest, "mode", "observe", "only watch it"));
    choices.push_back(offer_setting(guest, "mode", "off", "do not plan it"));
    const char* whose = guest.cells.size() > 1 ? "home of all its cells" : "its home";
    for (const control::NodeStatus& node : status.nodes)
        choices.push_back(offer_setting(guest, "home", std::to_string(node.node),
                                        "node " + std::to_string(node.node) + " is " + whose));
    choices.push_back(offer_unset(guest, "mode", "mode"));
    choices.push_back(offer_unset(guest, "home", "home"));
    choices.push_back(offer_unset(guest, "", "all that was set at run time"));
    return menu;
}

}  // namespace vnuma::ctl::top
