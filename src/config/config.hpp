// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/bytes.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

/// The configuration after validation: plain values, defaults filled in, every promise of the file's rules kept
/// (names unique and known, exactly one selector per rule, start < end, spans disjoint). Durations in milliseconds.
namespace etcdsync::config {

using duration = std::chrono::milliseconds;

/// Where a client connects: one of `endpoints = ["http://host:port", ...]`.
struct endpoint {
    std::string url;         ///< as written, for messages
    bool tls = false;        ///< https
    std::string host;        ///< a name, an IPv4 or (without brackets) an IPv6 literal
    std::uint16_t port = 0;  ///< 2379 where none was written
    std::string socket;      ///< unix:// only: the path of the socket; host and port are then unset
    friend bool operator==(const endpoint&, const endpoint&) = default;
};

/// The selector of a rule as a half-open interval of keys.
struct selector {
    enum class kind { key, prefix, range };
    kind form = kind::prefix;
    std::string begin;  ///< the key, the prefix, or the start of the range
    std::string end;    ///< range only: first key not taken; empty = to the last key
    friend bool operator==(const selector&, const selector&) = default;
};

struct rule {
    std::string name;
    selector select;
    std::vector<std::string> include;  ///< patterns: ends in "/": prefix; holds one of * ? [ : glob; else one exact key
    std::vector<std::string> exclude;
    std::string strip;           ///< a prefix of every key the rule can match
    std::string dest;            ///< new key = slave.dest + dest + key without strip
    bool replay_deletes = true;  ///< `delete` in the file
    friend bool operator==(const rule&, const rule&) = default;
};

enum class prune_mode { off, guarded, always };
enum class master_change { hold, resync };

/// `max_delete`: a share of the keys ("10%") or a count (100).
struct delete_limit {
    bool is_share = true;
    std::uint64_t amount = 10;  ///< percent, or keys
    friend bool operator==(const delete_limit&, const delete_limit&) = default;
};

struct safety {
    prune_mode prune = prune_mode::guarded;
    delete_limit max_delete;
    master_change on_master_change = master_change::hold;
    friend bool operator==(const safety&, const safety&) = default;
};

/// `tls = { ... }`; file names as written, until locate_files() makes paths of them.
struct tls_settings {
    std::string ca;
    std::string cert;  ///< with `key`, or both empty
    std::string key;
    std::string server_name;  ///< empty: the host of the endpoint
    bool insecure_skip_verify = false;
    friend bool operator==(const tls_settings&, const tls_settings&) = default;
};

/// `auth = { ... }`: a user with exactly one form of password, or all empty.
struct auth_settings {
    std::string user;
    std::string password_file;  ///< as the files of tls_settings
    std::string password_env;   ///< whoever knows the environment puts its value into `password`
    std::string password;
    friend bool operator==(const auth_settings&, const auth_settings&) = default;
};

struct cluster {
    std::vector<endpoint> endpoints;  ///< tried in order
    tls_settings tls;
    auth_settings auth;
    friend bool operator==(const cluster&, const cluster&) = default;
};

struct slave : cluster {
    std::string name;
    std::vector<std::size_t> rules;  ///< indexes into config::rules, in the order of the rules
    std::string dest;
    bool required = true;
    bool paused = false;
    safety guards;  ///< [safety] with this slave's own `safety = {}` over it
};

/// "all": one watch and one checkpoint a slave. "rule": one watch and one checkpoint a rule.
enum class consistency_mode { all, rule };

struct replication {
    consistency_mode consistency = consistency_mode::all;
    duration probe_interval{10'000};
    base::byte_count memory_limit{12ULL << 20};
    base::byte_count log_limit{4ULL << 20};
    unsigned full_sync_parallel = 2;
    unsigned txn_max_ops = 128;
    base::byte_count txn_max_bytes{1ULL << 20};
    duration request_timeout{5'000};
    std::string checkpoint_prefix = "/.etcd-sync/";
};

struct verification {
    duration interval{0};  ///< 0: off
    bool repair = false;
};

/// One of `listen`: a Unix socket, or an address with a port.
struct listen_address {
    std::string socket;  ///< path; empty for TCP
    std::string host;
    std::uint16_t port = 0;
    friend bool operator==(const listen_address&, const listen_address&) = default;
};

struct admin_access {
    std::optional<std::vector<listen_address>> listen;  ///< nothing: not written
    std::string token_file;
};

enum class log_level { trace, debug, info, warn, error };
enum class log_format { automatic, text, logfmt, json };

struct log {
    log_level level = log_level::info;
    log_format format = log_format::automatic;
};

struct config {
    std::string instance = "etcd-sync";
    cluster master;
    std::vector<slave> slaves;
    std::vector<rule> rules;
    safety guards;  ///< [safety]; the slaves hold theirs
    replication replicate;
    verification verify;
    admin_access admin;
    log logging;
};

/// One complaint about the file. `line` and `column` count from 1 (columns in code points); 0 where there is no place.
struct diagnostic {
    enum class severity { error, warning };
    severity level = severity::error;
    std::size_t line = 0;
    std::size_t column = 0;
    std::size_t width = 1;  ///< how many columns the caret line underlines
    std::string message;    ///< what is wrong
    std::string hint;       ///< `did you mean "password"?`, `write "30s"`; may be empty
};

}  // namespace etcdsync::config
