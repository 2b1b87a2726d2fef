// Domains that may have changed, as libvirt's events tell. They are hints only: what an event says
// is not believed, it is a reason to ask about the domain in the next look.
#pragma once

#include <cstddef>
#include <functional>
#include <mutex>
#include <set>
#include <string>

namespace vnuma {

// Any thread.
class DomainHints {
  public:
    // So many domains are kept apart. Beyond that all domains are noted.
    static constexpr std::size_t max_uuids = 4096;

    struct Noted {
        bool all = false;  // every domain; `uuids` is empty then
        std::set<std::string> uuids{};
    };

    // Notes a domain until the next take(), and calls `on_hint` if it was not noted yet.
    void note(const std::string& uuid);

    // Returns what was noted since the last call.
    Noted take();

    // `on_hint` is called by the thread that notes a domain. It must return at once and must not
    // use this object. An empty function ends the calls. When set_on_hint() returns, the function
    // from before is not called any more.
    void set_on_hint(std::function<void()> on_hint);

  private:
    bool add(const std::string& uuid);

    std::mutex noted_mutex_, call_mutex_;
    Noted noted_;                    // guarded by noted_mutex_
    std::function<void()> on_hint_;  // guarded by call_mutex_, also while it is called
};

}  // namespace vnuma
