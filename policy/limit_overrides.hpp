// Limits what one source of a guest's policy sets to what the host has and the ceiling allows.
// Pure.
#pragma once

#include <string>
#include <vector>

#include "policy/resolve_policy.hpp"

namespace vnuma {

struct PolicySource {
    std::string name;  // in problems; the section, if it is one of the configuration
    PolicyOverrides overrides;
    bool incomplete = false;  // part of it could not be read
};

// "metadata: mode: act exceeds the ceiling"
std::string problem_of(const PolicySource& source, const char* key, const std::string& problem);

// "node 5 does not exist", "nodes 5, 6 do not exist": the predicate for one node and for several.
std::string nodes_that(const std::vector<int>& nodes, const char* singular, const char* plural);
inline std::string nodes_that_have_no_cpus(const std::vector<int>& nodes) {
    return nodes_that(nodes, "has no CPUs", "have no CPUs");
}

// Each source is limited by itself, so that its problems are found even if another source takes
// precedence.
class OverridesLimiter {
  public:
    // Holds references to its arguments. `nodes` are those of the host. Problems are appended.
    OverridesLimiter(const HostPolicy& host, const PolicySources& guest,
                     const std::vector<int>& nodes, std::vector<std::string>& problems)
        : host_(host), guest_(guest), nodes_(nodes), problems_(problems) {}

    void limit_group(PolicySource& source);
    void limit_values(PolicySource& source);
    void limit_nodes(PolicySource& source);
    // A home with any problem is removed.
    void limit_home(PolicySource& source);

  private:
    void complain(const PolicySource& source, const char* key, const std::string& problem) {
        problems_.push_back(problem_of(source, key, problem));
    }
    template <typename Value>
    void limit(const PolicySource& source, const char* key, std::optional<Value>& value,
               Value ceiling);
    // Both remove nodes and return whether there was nothing to remove.
    bool remove_missing(const PolicySource& source, const char* key, std::vector<int>& nodes);
    bool remove_above_ceiling(const PolicySource& source, const char* key, std::vector<int>& nodes);

    const HostPolicy& host_;
    const PolicySources& guest_;
    const std::vector<int>& nodes_;
    std::vector<std::string>& problems_;
};

}  // namespace vnuma
