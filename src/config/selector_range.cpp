// SPDX-License-Identifier: Apache-2.0
#include "config/selector_range.hpp"

namespace etcdsync::config {

keys::key_range selector_range(const selector& select) {
    switch (select.form) {
        case selector::kind::key: return keys::single_key(select.begin);
        case selector::kind::prefix: return keys::prefix_range(select.begin);
        case selector::kind::range: break;
    }
    return {select.begin, select.end};
}

}  // namespace etcdsync::config
