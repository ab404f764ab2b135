// SPDX-License-Identifier: Apache-2.0
#include "etcd/wire.hpp"

#include "etcd/field_reader.hpp"

#include <memory>
#include <utility>

namespace etcdsync::etcd {
namespace {

bool read_header(std::string_view bytes, response_header& out) {
    field_reader in(bytes);
    while (in.next()) {
        switch (in.number()) {
            case 1: out.cluster_id = in.varint(); break;
            case 2: out.member_id = in.varint(); break;
            case 3: out.store_revision = in.integer(); break;
            case 4: out.raft_term = in.varint(); break;
            default: in.skip();
        }
    }
    return in.ok();
}

bool read_key_value(std::string_view bytes, key_value& out) {
    field_reader in(bytes);
    while (in.next()) {
        switch (in.number()) {
            case 1: out.key = in.bytes(); break;
            case 2: out.create_revision = in.integer(); break;
            case 3: out.mod_revision = in.integer(); break;
            case 4: out.version = in.integer(); break;
            case 5: out.value = in.bytes(); break;
            default: in.skip();  // also the lease: a lease of the master has no meaning on a slave
        }
    }
    return in.ok();
}

bool read_event(std::string_view bytes, event& out) {
    field_reader in(bytes);
    bool known = true;
    while (in.next()) {
        switch (in.number()) {
            case 1: {
                const std::uint64_t type = in.varint();
                known = known && type <= 1;
                out.type = type == 0 ? event_type::put : event_type::remove;
                break;
            }
            case 2: known = known && read_key_value(in.bytes(), out.kv); break;
            default: in.skip();
        }
    }
    return in.ok() && known;
}

/// Reads the fields of a RangeResponse. With `partial`, an incomplete last field is ignored instead
/// of being an error.
bool read_range(std::string_view bytes, range_page& page, bool partial, std::size_t max_keys) {
    field_reader in(bytes);
    while (page.kvs.size() <= max_keys && in.next()) {
        bool good = true;
        switch (in.number()) {
            case 1: good = read_header(in.bytes(), page.header); break;
            case 2: {
                const std::string_view inner = in.bytes();
                if (!in.ok()) break;
                good = read_key_value(inner, page.kvs.emplace_back());
                break;
            }
            case 3: page.more = in.boolean(); break;
            case 4: page.count = in.integer(); break;
            default: in.skip();
        }
        if (!good) return false;
    }
    return in.ok() || (partial && in.is_truncated());
}

std::optional<range_page> decode(std::string message, bool partial, std::size_t max_keys) {
    auto owner = std::make_shared<const std::string>(std::move(message));
    range_page page;
    if (!read_range(*owner, page, partial, max_keys)) return std::nullopt;
    if (partial) page.more = true;
    page.owner = std::move(owner);
    return page;
}

/// Every part of the message has a copy of the reason.
constexpr std::size_t max_reason_size = 4'096;

/// The result of reading a part of a WatchResponse.
struct watch_progress {
    std::size_t used = 0;      ///< bytes in complete fields
    std::size_t min_size = 0;  ///< least end offset of the incomplete field after them; 0: none
    bool malformed = false;
};

bool read_watch_field(field_reader& in, watch_response& out) {
    bool good = true;
    const auto nested = [&](const auto& read) {
        const std::string_view inner = in.bytes();
        if (in.ok()) good = read(inner);
    };
    switch (in.number()) {
        case 1: nested([&](std::string_view inner) { return read_header(inner, out.header); }); break;
        case 2: out.watch_id = in.integer(); break;
        case 3: out.created = in.boolean(); break;
        case 4: out.canceled = in.boolean(); break;
        case 5: out.compact_revision = in.integer(); break;
        case 6: out.cancel_reason = in.bytes().substr(0, max_reason_size); break;
        case 7: out.fragment = in.boolean(); break;
        case 11: nested([&](std::string_view inner) { return read_event(inner, out.events.emplace_back()); }); break;
        default: in.skip();
    }
    return good;
}

/// Reads the complete fields at the start of `bytes`, up to `max_events` events.
watch_progress read_watch(std::string_view bytes, watch_response& out, std::size_t max_events) {
    field_reader in(bytes);
    watch_progress done;
    while (out.events.size() < max_events && in.next()) {
        done.malformed = !read_watch_field(in, out);
        if (done.malformed) return done;
        if (!in.ok()) break;
        done.used = in.position();
    }
    done.min_size = in.min_size();
    done.malformed = !in.ok() && !in.is_truncated();
    return done;
}

}  // namespace

std::optional<range_page> decode_range(std::string message, std::size_t max_keys) {
    return decode(std::move(message), false, max_keys);
}

std::optional<range_page> decode_range_part(std::string part, std::size_t max_keys) {
    return decode(std::move(part), true, max_keys);
}

std::optional<watch_response> decode_watch(std::string message) {
    watch_assembler whole;
    return whole.add(std::move(message), true);
}

std::optional<watch_response> watch_assembler::add(std::string part, bool last) {
    constexpr std::size_t max_reserve = 16U << 20;  // a peer may announce more than it sends
    if (rest_.empty()) {
        rest_ = std::move(part);
    } else {
        rest_.reserve(std::min(min_size_, max_reserve));
        rest_ += part;
    }
    last_ = last;
    if (rest_.size() < min_size_ && !last) {  // the event is incomplete
        watch_response nothing;
        nothing.fragment = true;
        return nothing;
    }
    received_ = std::make_shared<const std::string>(std::exchange(rest_, {}));
    at_ = 0;
    return take_more();
}

std::optional<watch_response> watch_assembler::take_more() {
    watch_response out;
    if (head_) out = *head_;
    const std::string_view bytes = std::string_view(*received_).substr(at_);
    const watch_progress done = read_watch(bytes, out, max_events_);
    const bool all = out.events.size() < max_events_ || done.used == bytes.size();
    if (done.malformed || (last_ && all && done.used != bytes.size())) return std::nullopt;
    at_ += done.used;
    if (all) {  // the rest is a part of a field
        rest_ = bytes.substr(done.used);
        min_size_ = done.min_size - std::min(done.min_size, done.used);
        at_ = received_->size();
    }
    if (last_ && all) {
        head_.reset();
    } else {
        std::vector<event> events = std::exchange(out.events, {});
        head_ = out;
        out.events = std::move(events);
        out.fragment = true;
    }
    out.owner = received_;
    return out;
}

std::optional<txn_response> decode_txn(std::string_view message) {
    txn_response out;
    field_reader in(message);
    bool good = true;
    while (good && in.next()) {
        switch (in.number()) {
            case 1: good = read_header(in.bytes(), out.header); break;
            case 2: out.succeeded = in.boolean(); break;
            case 3:  // thousands of empty PutResponses: not decoded
                in.bytes();
                ++out.responses;
                break;
            default: in.skip();
        }
    }
    if (!good || !in.ok()) return std::nullopt;
    return out;
}

}  // namespace etcdsync::etcd
