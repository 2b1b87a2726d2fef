// The drop-in of vnumad's configuration in which `vnumactl policy --persist` keeps policies. Needs
// no daemon. Blocks on the file system.
#pragma once

#include <string>
#include <vector>

#include "src/control/protocol/requests.hpp"
#include "src/ctl/context.hpp"

namespace vnuma::ctl {

inline constexpr const char* configuration_file = "/etc/vnumad/vnumad.conf";
inline constexpr const char* drop_in_name = "50-vnumactl.conf";

// The drop-in has nothing of what was to be unset.
struct NotInDropIn : Failed {
    using Failed::Failed;
};

class PolicyDropIn {
  public:
    // `configuration`: the main file. The drop-in is FILE.d/50-vnumactl.conf.
    explicit PolicyDropIn(std::string configuration = configuration_file);

    const std::string& file() const { return file_; }

    // Sets or unsets values of one section. The other values and sections stay, but comments do
    // not. The result is only written if vnumad can read it together with the rest of the
    // configuration. All keys if `keys` is empty. Throws Failed or UsageError; unset() also
    // NotInDropIn.
    void set(const control::PolicyTarget& target, const std::vector<control::Setting>& settings);
    void unset(const control::PolicyTarget& target, const std::vector<std::string>& keys);

  private:
    template <typename Change>
    void edit(const Change& change);

    std::string configuration_, file_;
};

}  // namespace vnuma::ctl
