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
            default: in.skip();  // the lease too: leases of the master mean nothing on a slave
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

/// Reads the fields of a RangeResponse. With `cut`, an incomplete last field is left out instead of being an error.
bool read_range(std::string_view bytes, range_page& page, bool cut) {
    field_reader in(bytes);
    while (in.next()) {
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
    return in.ok() || cut;
}

std::optional<range_page> decode(std::string message, bool cut) {
    auto owner = std::make_shared<const std::string>(std::move(message));
    range_page page;
    if (!read_range(*owner, page, cut)) return std::nullopt;
    if (cut) page.more = true;
    page.owner = std::move(owner);
    return page;
}

constexpr std::size_t malformed = std::string_view::npos;

/// Reads the whole fields in front of `bytes`: how many bytes they take.
std::size_t read_watch(std::string_view bytes, watch_response& out) {
    field_reader in(bytes);
    while (in.next()) {
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
            case 6: out.cancel_reason = in.bytes(); break;
            case 7: out.fragment = in.boolean(); break;
            case 11:
                nested([&](std::string_view inner) { return read_event(inner, out.events.emplace_back()); });
                break;
            default: in.skip();
        }
        if (!good) return malformed;
        if (!in.ok()) return in.field_start();
    }
    return in.ok() ? bytes.size() : in.field_start();
}

}  // namespace

std::optional<range_page> decode_range(std::string message) { return decode(std::move(message), false); }

std::optional<range_page> decode_range_part(std::string part) { return decode(std::move(part), true); }

std::optional<watch_response> decode_watch(std::string message) {
    watch_assembler whole;
    return whole.take(std::move(message), true);
}

std::optional<watch_response> watch_assembler::take(std::string part, bool last) {
    auto owner = std::make_shared<const std::string>(rest_.empty() ? std::move(part) : rest_ + part);
    watch_response out;
    if (begun_) out = *begun_;
    const std::size_t used = read_watch(*owner, out);
    if (used == malformed || (last && used != owner->size())) return std::nullopt;
    rest_ = owner->substr(used);
    if (last) {
        begun_.reset();
    } else {
        std::vector<event> events = std::exchange(out.events, {});
        begun_ = out;
        out.events = std::move(events);
        out.fragment = true;
    }
    out.owner = std::move(owner);
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
            default: in.skip();  // of the responses, thousands of empty PutResponses
        }
    }
    if (!good || !in.ok()) return std::nullopt;
    return out;
}

}  // namespace etcdsync::etcd
