// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/bytes.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// etcd's messages that carry many keys, decoded into views of the received bytes (etcd-wire.md section 2).
namespace etcdsync::etcd {

using revision = std::int64_t;

/// What a store may be at. None gets to 2^53 (100,000 writes a second for 2,800 years); what claims to would poison every
/// comparison of positions.
[[nodiscard]] constexpr bool is_possible(revision rev) { return rev >= 0 && rev <= revision{1} << 53; }

struct response_header {
    std::uint64_t cluster_id = 0;
    std::uint64_t member_id = 0;
    revision store_revision = 0;  ///< of the whole store when the answer was made; seldom a position (etcd-wire.md 3.3)
    std::uint64_t raft_term = 0;
};

/// A KeyValue; views into the message it came in.
struct key_value {
    std::string_view key;
    std::string_view value;
    revision create_revision = 0;
    revision mod_revision = 0;
    std::int64_t version = 0;
};

enum class event_type : std::uint8_t { put, remove };

struct event {
    event_type type = event_type::put;
    key_value kv;
};

struct range_page {
    base::shared_buffer owner;  ///< what the views look into
    response_header header;
    std::vector<key_value> kvs;
    bool more = false;       ///< keys are left behind the last one (also where we stopped reading)
    std::int64_t count = 0;  ///< keys of the range; 0 where we stopped reading before it came
};

struct watch_response {
    base::shared_buffer owner;
    response_header header;
    std::int64_t watch_id = 0;
    bool created = false;
    bool canceled = false;
    revision compact_revision = 0;
    std::string cancel_reason;
    bool fragment = false;
    std::vector<event> events;
};

struct txn_response {
    response_header header;
    bool succeeded = false;
    std::size_t responses = 0;  ///< to the operations of the outermost Txn
};

/// For callers that asked for no limit of their own.
inline constexpr std::size_t any_number = std::numeric_limits<std::size_t>::max();

/// Nothing where the bytes are not such a message. Behind one key more than `most_keys` no further ones are looked at: an empty
/// key takes two bytes of a message and dozens here.
[[nodiscard]] std::optional<range_page> decode_range(std::string message, std::size_t most_keys = any_number);

/// The whole keys in the first part of a message; `more` is set. Nothing where the part is malformed.
[[nodiscard]] std::optional<range_page> decode_range_part(std::string part, std::size_t most_keys = any_number);

[[nodiscard]] std::optional<watch_response> decode_watch(std::string message);

/// Reads a WatchResponse as it arrives: each part gives the whole events in it, as a response of its own that says (`fragment`)
/// that more follows. etcd writes what comes once (header, flags) in front of the events.
class watch_assembler {
public:
    /// `most_events`: of one response. An event may take seven bytes of a message, and hundreds once it is worked on.
    explicit watch_assembler(std::size_t most_events = any_number) : most_events_(most_events) {}

    /// The next bytes of the message, `last` with its end. Nothing where they are malformed. May hold no event at all, where one
    /// is larger than the part. Precondition: !has_more().
    [[nodiscard]] std::optional<watch_response> take(std::string part, bool last);

    /// There are more events in what came than one response may hold: take_more() gives the next ones.
    [[nodiscard]] bool has_more() const { return at_ < received_->size(); }
    [[nodiscard]] std::optional<watch_response> take_more();

    /// What an event that is not whole yet takes: as many bytes as came, or as it says that it has.
    [[nodiscard]] std::size_t waiting() const { return rest_.empty() ? 0 : std::max(rest_.size(), needed_); }

private:
    std::size_t most_events_;
    std::string rest_;        ///< of an event that is not whole yet
    std::size_t needed_ = 0;  ///< bytes, before it is worth looking at `rest_` again
    base::shared_buffer received_ = std::make_shared<const std::string>();
    std::size_t at_ = 0;                   ///< in `received_`: read up to here
    bool last_ = false;                    ///< the message ends with `received_`
    std::optional<watch_response> begun_;  ///< what came in front of the events, without them
};

[[nodiscard]] std::optional<txn_response> decode_txn(std::string_view message);

}  // namespace etcdsync::etcd
