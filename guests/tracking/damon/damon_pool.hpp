// The kdamonds of vnumad among those of the host. Their number can be changed only while none of
// them runs, and a change recreates all of them, those of other programs included. So vnumad
// creates its kdamonds once, only if the host has none, and marks each of them with a value that no
// other program writes.
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
// Existing kdamonds are searched for vnumad's mark only up to this number.
inline constexpr std::uint64_t max_kdamonds = 64;
// The value of update_us, which has no effect on fixed regions: "vnuma" in ASCII, 5.9 days.
inline constexpr std::uint64_t kdamond_mark = 0x76'6e'75'6d'61;

class KdamondPool {
  public:
    // `files` outlives the pool.
    explicit KdamondPool(DamonFiles& files) : tree_(files) {}
    KdamondPool(const KdamondPool&) = delete;
    KdamondPool& operator=(const KdamondPool&) = delete;
    ~KdamondPool();  // removes vnumad's kdamonds

    // Removes the kdamonds that a killed vnumad has left. Throws TrackingError if the host has
    // kdamonds of other programs.
    void remove_leftovers();

    // Acquires a kdamond that is off, if possible one that is already configured with `regions`.
    // Returns nothing if all are in use. Creates the pool if the host has no kdamonds. Throws
    // TrackingError if other programs have created kdamonds, or have removed those of vnumad.
    std::optional<std::size_t> acquire(const std::vector<AddressRange>& regions);

    // Turns the kdamond off, if it is still vnumad's, and makes it available again.
    void release(std::size_t kdamond) noexcept;

    // The regions that the kdamond is configured with; empty if they are unknown.
    std::vector<AddressRange>& written_regions(std::size_t kdamond) {
        return kdamonds_[kdamond].written_regions;
    }

    // To be called before anything is done to the kdamond of a running scan. Throws TrackingError
    // if another program has removed the kdamond.
    void check_still_ours(std::size_t kdamond);

    DamonTree& tree() { return tree_; }

  private:
    struct Kdamond {
        bool in_use = false;
        bool lost = false;  // removed while in use; its index may now name another kdamond
        std::vector<AddressRange> written_regions;
    };

    bool is_marked(std::size_t kdamond);
    bool is_unconfigured(std::size_t kdamond);
    bool are_ours(std::uint64_t count);
    bool is_complete();
    [[noreturn]] void throw_in_use(std::uint64_t count);
    void create();
    void remove(std::uint64_t count);
    void mark_lost();

    DamonTree tree_;
    bool created_ = false;
    std::array<Kdamond, kdamonds_in_pool> kdamonds_{};
};

}  // namespace vnuma
