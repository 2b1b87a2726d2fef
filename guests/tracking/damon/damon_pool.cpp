#include "guests/tracking/damon/damon_pool.hpp"

namespace vnuma {
namespace {

constexpr const char* count_file = "nr_kdamonds";

std::string mark_file(std::size_t kdamond) {
    return std::to_string(kdamond) + "/contexts/0/monitoring_attrs/intervals/update_us";
}

std::string contexts_file(std::size_t kdamond) {
    return std::to_string(kdamond) + "/contexts/nr_contexts";
}

}  // namespace

KdamondPool::~KdamondPool() {
    try {
        remove_leftovers();
    } catch (const TrackingError&) {
        // The next vnumad finds the kdamonds by their mark.
    }
}

bool KdamondPool::is_marked(std::size_t kdamond) {
    return tree_.find_number(mark_file(kdamond)) == kdamond_mark;
}

bool KdamondPool::is_unconfigured(std::size_t kdamond) {
    return tree_.find_number(contexts_file(kdamond)) == 0 && !tree_.is_on(kdamond);
}

// The first kdamond is marked first. A vnumad that was killed while it created the pool has left
// the other kdamonds marked or as the kernel creates them.
bool KdamondPool::are_ours(std::uint64_t count) {
    if (count == 0 || count > max_kdamonds || !is_marked(0)) return false;
    for (std::size_t kdamond = 1; kdamond < count; ++kdamond)
        if (!is_marked(kdamond) && !is_unconfigured(kdamond)) return false;
    return true;
}

bool KdamondPool::is_complete() {
    if (tree_.get_number(count_file) != kdamonds_in_pool) return false;
    for (std::size_t kdamond = 0; kdamond < kdamonds_in_pool; ++kdamond)
        if (!is_marked(kdamond)) return false;
    return true;
}

void KdamondPool::remove(std::uint64_t count) {
    for (std::size_t kdamond = 0; kdamond < count; ++kdamond)
        tree_.turn_off(kdamond);
    tree_.set(count_file, std::uint64_t{0});
}

// The kdamonds of a vnumad that was killed before it marked the first one could be any program's,
// so the operator has to remove them.
void KdamondPool::throw_in_use(std::uint64_t count) {
    bool unconfigured = count == kdamonds_in_pool;
    for (std::size_t kdamond = 0; unconfigured && kdamond < count; ++kdamond)
        unconfigured = is_unconfigured(kdamond);
    throw TrackingError(unconfigured
                            ? "DAMON is in use: nr_kdamonds is " + std::to_string(count) +
                                  ", but no program has configured these kdamonds; write 0 to "
                                  "/sys/kernel/mm/damon/admin/kdamonds/nr_kdamonds to remove them"
                            : "DAMON is in use: another program has set nr_kdamonds to " +
                                  std::to_string(count));
}

void KdamondPool::remove_leftovers() {
    const std::uint64_t count = tree_.get_number(count_file);
    if (count == 0) return;
    if (!are_ours(count)) throw_in_use(count);
    remove(count);
}

void KdamondPool::create() {
    remove_leftovers();
    tree_.set(count_file, kdamonds_in_pool);
    try {
        for (std::size_t kdamond = 0; kdamond < kdamonds_in_pool; ++kdamond) {
            tree_.set(contexts_file(kdamond), 1);
            tree_.set(mark_file(kdamond), kdamond_mark);
        }
    } catch (const TrackingError&) {
        tree_.set(count_file, std::uint64_t{0});  // unmarked ones would look like another program's
        throw;
    }
    for (std::size_t kdamond = 0; kdamond < kdamonds_in_pool; ++kdamond) {
        tree_.prepare(kdamond);
        kdamonds_[kdamond].written_regions.clear();
    }
    created_ = true;
}

void KdamondPool::mark_lost() {
    created_ = false;
    for (Kdamond& kdamond : kdamonds_)
        kdamond.lost = kdamond.in_use;
}

std::optional<std::size_t> KdamondPool::acquire(const std::vector<AddressRange>& regions) {
    if (created_ && !is_complete()) {
        mark_lost();
        throw TrackingError("DAMON: another program has removed the kdamonds of vnumad");
    }
    if (!created_) create();
    // Writing 1,024 regions takes most of the time that beginning a scan takes.
    std::optional<std::size_t> free;
    for (std::size_t kdamond = 0; kdamond < kdamonds_in_pool; ++kdamond) {
        if (kdamonds_[kdamond].in_use) continue;
        if (!free || kdamonds_[kdamond].written_regions == regions) free = kdamond;
        if (kdamonds_[kdamond].written_regions == regions) break;
    }
    if (!free) return std::nullopt;
    tree_.turn_off(*free);  // release() may have failed to
    kdamonds_[*free].in_use = true;
    return free;
}

void KdamondPool::check_still_ours(std::size_t kdamond) {
    if (kdamonds_[kdamond].lost || !created_ || !is_marked(kdamond) ||
        tree_.get_number(count_file) != kdamonds_in_pool)
        throw TrackingError("DAMON: another program has removed the kdamond of this scan");
}

void KdamondPool::release(std::size_t kdamond) noexcept {
    try {
        check_still_ours(kdamond);
        tree_.turn_off(kdamond);
    } catch (const std::exception&) {
        // Either the kdamond is no longer vnumad's, or acquire() turns it off.
    }
    kdamonds_[kdamond].in_use = kdamonds_[kdamond].lost = false;
}

}  // namespace vnuma
