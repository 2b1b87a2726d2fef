// The kdamonds of this process among those of the host. Their number can be changed only while none
// runs, and a change makes all of them anew, other users' too: so they are made once, when there
// are none, and each carries a mark that others do not write.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "guests/tracking/damon/damon_sysfs.hpp"

namespace vnuma {

inline constexpr std::size_t kdamonds_in_pool = 8;
// Of other users, that are looked at.
inline constexpr std::uint64_t max_kdamonds = 64;
// In update_us, which means nothing where the regions are given: "vnuma" in ASCII, 5.9 days.
inline constexpr std::uint64_t kdamond_mark = 0x76'6e'75'6d'61;

class KdamondPool {
  public:
    // `files` outlives it.
    explicit KdamondPool(DamonFiles& files) : tree_(files) {}
    KdamondPool(const KdamondPool&) = delete;
    KdamondPool& operator=(const KdamondPool&) = delete;
    ~KdamondPool();  // takes away what is ours

    // Removes what a vnumad has left that was killed. Throws TrackingError when there are kdamonds
    // of others.
    void take_over();

    // One that is off, and no look's; none when all are in use. Makes the pool if there are no
    // kdamonds at all. Throws TrackingError: others have made some, or have taken ours away.
    std::optional<std::size_t> take(const std::vector<AddressRange>& regions);

    // Turns it off, if it is still ours, and gives it back.
    void give_back(std::size_t kdamond) noexcept;

    // What the kernel has for its regions, as far as it is known.
    std::vector<AddressRange>& regions_of(std::size_t kdamond) {
        return kdamonds_[kdamond].regions;
    }

    // Before anything of a running look: not if somebody has removed it meanwhile. Throws.
    void check_still_ours(std::size_t kdamond);

    DamonTree& tree() { return tree_; }

  private:
    struct Kdamond {
        bool in_use = false;
        bool lost = false;  // its pool is gone, and its number is another's now
        std::vector<AddressRange> regions;
    };

    bool is_marked(std::size_t kdamond);
    bool is_untouched(std::size_t kdamond);
    bool are_ours(std::uint64_t count);
    bool is_whole();
    [[noreturn]] void refuse(std::uint64_t count);
    void make();
    void remove(std::uint64_t count);
    void lose();

    DamonTree tree_;
    bool made_ = false;
    std::array<Kdamond, kdamonds_in_pool> kdamonds_{};
};

}  // namespace vnuma
