#include "guests/discovery/domain_hints.hpp"

#include <utility>

namespace vnuma {

void DomainHints::note(const std::string& uuid) {
    if (!add(uuid)) return;
    const std::lock_guard lock(call_mutex_);
    if (on_hint_) on_hint_();
}

// Returns whether the domain was not noted yet.
bool DomainHints::add(const std::string& uuid) {
    const std::lock_guard lock(noted_mutex_);
    if (noted_.all || noted_.uuids.contains(uuid)) return false;
    if (noted_.uuids.size() < max_uuids)
        noted_.uuids.insert(uuid);
    else
        noted_ = {.all = true};
    return true;
}

DomainHints::Noted DomainHints::take() {
    const std::lock_guard lock(noted_mutex_);
    return std::exchange(noted_, {});
}

void DomainHints::set_on_hint(std::function<void()> on_hint) {
    const std::lock_guard lock(call_mutex_);
    on_hint_ = std::move(on_hint);
}

}  // namespace vnuma
