#include "guests/discovery/kvm_access.hpp"

#include <system_error>

namespace vnuma {

KvmState KvmAccess::read(pid_t process) {
    if (!load_ || (failed_ && now_() < *failed_ + retry_interval)) return {};
    try {
        if (!reader_) reader_ = load_(why_not_);
        if (reader_) {
            KvmState state = reader_->read(process);
            why_not_.clear();
            failed_.reset();
            return state;
        }
    } catch (const std::system_error& error) {
        why_not_ = error.what();
        reader_.reset();
    }
    failed_ = now_();
    return {};
}

}  // namespace vnuma
