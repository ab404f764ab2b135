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

/// Decoders for the etcd messages that have many keys. The results are views of the received bytes
/// (etcd-wire.md section 2).
namespace etcdsync::etcd {

using revision = std::int64_t;

/// True if a store can be at `rev`. No store reaches 2^53 (100,000 writes per second for 2,800
/// years), and a false revision above it would break every later comparison of positions.
[[nodiscard]] constexpr bool is_possible(revision rev) { return rev >= 0 && rev <= revision{1} << 53; }

struct response_header {
    std::uint64_t cluster_id = 0;
    std::uint64_t member_id = 0;
    revision store_revision = 0;  ///< of the store; rarely a position (etcd-wire.md 3.3)
    std::uint64_t raft_term = 0;
};

/// A KeyValue, as views into its message.
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
    base::shared_buffer owner;  ///< the bytes that the views refer to
    response_header header;
    std::vector<key_value> kvs;
    bool more = false;       ///< more keys follow, on the server or because we stopped reading
    std::int64_t count = 0;  ///< keys of the range; 0 if we stopped reading before it
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
    std::size_t responses = 0;  ///< number of responses to the operations of the outermost Txn
};

/// For callers that set no limit.
inline constexpr std::size_t no_limit = std::numeric_limits<std::size_t>::max();

/// Decodes a RangeResponse; nothing if it is malformed. Stops after one key more than `max_keys`,
/// because an empty key takes two bytes in a message but dozens in memory.
[[nodiscard]] std::optional<range_page> decode_range(std::string message, std::size_t max_keys = no_limit);

/// Decodes the complete keys in the first part of a RangeResponse, and sets `more`. Nothing if the
/// part is malformed.
[[nodiscard]] std::optional<range_page> decode_range_part(std::string part, std::size_t max_keys = no_limit);

/// Decodes a whole WatchResponse; nothing if it is malformed.
[[nodiscard]] std::optional<watch_response> decode_watch(std::string message);

/// Decodes a WatchResponse as it arrives. Each part yields a response with the events that are
/// complete, and with `fragment` set if more follow. etcd writes the header and the flags before
/// the events; each of these responses has them.
class watch_assembler {
public:
    /// `max_events` limits one returned response: an event can take seven bytes in a message, but
    /// hundreds in processing.
    explicit watch_assembler(std::size_t max_events = no_limit) : max_events_(max_events) {}

    /// Adds the next bytes of the message; `last` is true for its end. Returns nothing if they are
    /// malformed. The response has no events if one is larger than the part. Precondition:
    /// !has_more().
    [[nodiscard]] std::optional<watch_response> add(std::string part, bool last);

    /// True if the bytes so far have more than `max_events` events; take_more() returns the next
    /// ones.
    [[nodiscard]] bool has_more() const { return at_ < received_->size(); }
    [[nodiscard]] std::optional<watch_response> take_more();

    /// Size in bytes of an event that is incomplete: what arrived, or what it announces if that is
    /// more. 0 if there is none.
    [[nodiscard]] std::size_t pending_size() const { return rest_.empty() ? 0 : std::max(rest_.size(), min_size_); }

private:
    std::size_t max_events_;
    std::string rest_;          ///< of an incomplete event
    std::size_t min_size_ = 0;  ///< bytes that `rest_` needs before the event can be complete
    base::shared_buffer received_ = std::make_shared<const std::string>();
    std::size_t at_ = 0;                  ///< offset in `received_`; all before it is decoded
    bool last_ = false;                   ///< `received_` is the end of the message
    std::optional<watch_response> head_;  ///< the fields before the events
};

/// Decodes a TxnResponse; nothing if it is malformed. The responses to the operations are counted,
/// not decoded.
[[nodiscard]] std::optional<txn_response> decode_txn(std::string_view message);

}  // namespace etcdsync::etcd
