// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "replication/link/slave_session.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace etcdsync::replication {

/// Which connection of the feed a slave was compared after. It lives as long as the link: what a thin line to the slave cuts off
/// is not read again and again.
struct small_compare_state {
    std::uint64_t connection = 0;  ///< feed::connections()
    unsigned attempts = 0;         ///< that failed since
};

/// Compares a small selection once after each connection of the feed, while the slave is followed (design.md section 6.4). A master
/// that its own script filled again may have every sign of the known history; a key that was not changed after R and differs
/// shows that it is another one. Or another client changed the slave.
class small_compare {
public:
    explicit small_compare(slave_session& session)
        : session_(&session), parts_(session.parts()), state_(session.parts().compared) {}

    /// `drifted`, with the number and some of the keys, if a key differs that the master did not change after R. Else `done`: also
    /// if the selection is larger than 1 MiB, or if it cannot be read.
    aio::awaitable<step_result> run_if_due();
    [[nodiscard]] bool is_due() const;

    /// After a full sync.
    void note_compared();

private:
    aio::awaitable<etcd::result<void>> compare_all();
    aio::awaitable<etcd::result<void>> compare_segment(etcd::kv& master, const segment& where, revision at);
    [[nodiscard]] bool gives_up() const;
    void count(const etcd::range_page& page);

    slave_session* session_;
    const link_parts& parts_;
    small_compare_state& state_;
    std::size_t bytes_ = 0;  ///< read of both sides
    std::uint64_t differences_ = 0;
    std::vector<std::string> examples_;
};

}  // namespace etcdsync::replication
