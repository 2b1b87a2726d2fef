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
        take_over();
    } catch (const TrackingError&) {
        // The next vnumad finds them by their mark.
    }
}

bool KdamondPool::is_marked(std::size_t kdamond) {
    return tree_.find_number(mark_file(kdamond)) == kdamond_mark;
}

bool KdamondPool::is_untouched(std::size_t kdamond) {
    return tree_.find_number(contexts_file(kdamond)) == 0 && !tree_.is_on(kdamond);
}

// The first one is marked first: whoever was killed while he made them has left the others as the
// kernel makes them.
bool KdamondPool::are_ours(std::uint64_t count) {
    if (count == 0 || count > max_kdamonds || !is_marked(0)) return false;
    for (std::size_t kdamond = 1; kdamond < count; ++kdamond)
        if (!is_marked(kdamond) && !is_untouched(kdamond)) return false;
    return true;
}

bool KdamondPool::is_whole() {
    if (tree_.number(count_file) != kdamonds_in_pool) return false;
    for (std::size_t kdamond = 0; kdamond < kdamonds_in_pool; ++kdamond)
        if (!is_marked(kdamond)) return false;
    return true;
}

void KdamondPool::remove(std::uint64_t count) {
    for (std::size_t kdamond = 0; kdamond < count; ++kdamond)
        tree_.turn_off(kdamond);
    tree_.set(count_file, std::uint64_t{0});
}

// A vnumad that was killed before its first mark leaves some that nobody can tell from another's.
void KdamondPool::refuse(std::uint64_t count) {
    bool untouched = count == kdamonds_in_pool;
    for (std::size_t kdamond = 0; untouched && kdamond < count; ++kdamond)
        untouched = is_untouched(kdamond);
    throw TrackingError("DAMON is in use: " + std::to_string(count) + " kdamonds " +
                        (untouched ? "that nobody has set up are there; writing 0 to nr_kdamonds "
                                     "removes them"
                                   : "of someone else are there"));
}

void KdamondPool::take_over() {
    const std::uint64_t count = tree_.number(count_file);
    if (count == 0) return;
    if (!are_ours(count)) refuse(count);
    remove(count);
}

void KdamondPool::make() {
    take_over();
    tree_.set(count_file, kdamonds_in_pool);
    try {
        for (std::size_t kdamond = 0; kdamond < kdamonds_in_pool; ++kdamond) {
            tree_.set(contexts_file(kdamond), 1);
            tree_.set(mark_file(kdamond), kdamond_mark);
        }
    } catch (const TrackingError&) {
        tree_.set(count_file, std::uint64_t{0});  // or the rest is nobody's
        throw;
    }
    for (std::size_t kdamond = 0; kdamond < kdamonds_in_pool; ++kdamond) {
        tree_.prepare(kdamond);
        kdamonds_[kdamond].regions.clear();
    }
    made_ = true;
}

void KdamondPool::lose() {
    made_ = false;
    for (Kdamond& kdamond : kdamonds_)
        kdamond.lost = kdamond.in_use;
}

std::optional<std::size_t> KdamondPool::take(const std::vector<AddressRange>& regions) {
    if (made_ && !is_whole()) {
        lose();
        throw TrackingError("DAMON: someone has taken away the kdamonds of vnumad");
    }
    if (!made_) make();
    // Writing 1,024 regions is most of what beginning a look takes.
    std::optional<std::size_t> free;
    for (std::size_t kdamond = 0; kdamond < kdamonds_in_pool; ++kdamond) {
        if (kdamonds_[kdamond].in_use) continue;
        if (!free || kdamonds_[kdamond].regions == regions) free = kdamond;
        if (kdamonds_[kdamond].regions == regions) break;
    }
    if (!free) return std::nullopt;
    tree_.turn_off(*free);  // it should be
    kdamonds_[*free].in_use = true;
    return free;
}

void KdamondPool::check_still_ours(std::size_t kdamond) {
    if (kdamonds_[kdamond].lost || !made_ || !is_marked(kdamond) ||
        tree_.number(count_file) != kdamonds_in_pool)
        throw TrackingError("DAMON: someone has taken away the kdamond of a scan");
}

void KdamondPool::give_back(std::size_t kdamond) noexcept {
    try {
        check_still_ours(kdamond);
        tree_.turn_off(kdamond);
    } catch (const std::exception&) {
        // It is not ours any more; or it is turned off before it is used again.
    }
    kdamonds_[kdamond].in_use = kdamonds_[kdamond].lost = false;
}

}  // namespace vnuma
