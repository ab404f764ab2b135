// SPDX-License-Identifier: Apache-2.0
#include "app/render/verify_output.hpp"

#include "app/render/json.hpp"
#include "app/render/slave_result_text.hpp"
#include "app/render/verify_json.hpp"
#include "app/render/verify_lines.hpp"

#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>

#include <string>
#include <utility>

namespace etcdsync::app {
namespace {

class verify_table final : public verify_output {
public:
    verify_table(bool quiet, std::string program, output& to) : quiet_(quiet), program_(std::move(program)), to_(to) {}

    bool write_difference(const part& of, const replication::difference& d) override {
        if (quiet_) return true;
        const std::string name = of.name();
        if (heading_ != name) to_.write(name + ":\n");
        heading_ = name;
        return to_.write(difference_line(d));
    }

    void write_report(const part& of, const replication::inspection_report& report) override {
        heading_.clear();
        if (quiet_ && outcome_of(report) == outcome::good) return;
        const std::string line = report_line(of.name(), report, suggest(program_, of, report));
        to_.write(line);
        if (report.failed) to_.warn(line);
    }

    void write_repair(const slave_result& of) override {
        to_.write(result_line(of));
        warn_of(of, to_);
    }

    void write_end(const verify_summary& all, exit_code) override {
        if (!quiet_ && !all.interrupted) to_.write(summary_line(all));
    }

private:
    bool quiet_;
    std::string program_;
    output& to_;
    std::string heading_;  ///< the part whose differences are being listed
};

/// One JSON object per line.
class verify_json_lines final : public verify_output {
public:
    verify_json_lines(std::string program, output& to) : program_(std::move(program)), to_(to) {}

    bool write_difference(const part& of, const replication::difference& d) override {
        return write("difference", &of, difference_object(d));
    }
    void write_report(const part& of, const replication::inspection_report& report) override {
        const replication::suggestions next = suggest(program_, of, report);
        write("report", &of, report_object(report, next));
        if (report.failed) to_.warn(report_line(of.name(), report, next));
    }
    void write_repair(const slave_result& of) override {
        write("repair", &of.of, repair_object(of));
        warn_of(of, to_);
    }
    void write_end(const verify_summary& all, exit_code code) override {
        write("summary", nullptr, summary_object(all, code));
    }

private:
    bool write(std::string_view type, const part* of, const boost::json::object& fields) {
        boost::json::object line;
        line["schema"] = 1;
        line["type"] = type;
        if (of != nullptr) put_part(line, *of);
        line.insert(fields.begin(), fields.end());
        return to_.write(to_line(line));
    }

    std::string program_;
    output& to_;
};

/// One JSON object on one line, written piece by piece. The comparisons before and after --repair are two arrays.
class verify_json_object final : public verify_output {
public:
    verify_json_object(std::string program, output& to) : program_(std::move(program)), to_(to) {
        to_.write("{\"schema\":1,\"slaves\":[");
    }

    bool write_difference(const part& of, const replication::difference& d) override {
        open(of);
        if (std::exchange(has_difference_, true)) to_.write(",");
        return to_.write(boost::json::serialize(difference_object(d)));
    }

    void write_report(const part& of, const replication::inspection_report& report) override {
        open(of);
        const replication::suggestions next = suggest(program_, of, report);
        close(report_object(report, next));
        if (report.failed) to_.warn(report_line(of.name(), report, next));
    }

    void write_repair(const slave_result& of) override {
        if (!std::exchange(repairing_, true)) {
            to_.write("],\"after_repair\":[");
            has_part_ = false;
        }
        boost::json::object entry;
        put_part(entry, of.of);
        const boost::json::object fields = repair_object(of);
        entry.insert(fields.begin(), fields.end());
        repairs_.push_back(std::move(entry));
        warn_of(of, to_);
    }

    void write_end(const verify_summary& all, exit_code code) override {
        if (is_open_) close({{"state", to_string(outcome::interrupted)}});
        to_.write("]");
        boost::json::object fields = summary_object(all, code);
        if (repairing_) fields["repairs"] = std::move(repairs_);
        to_.write(rest_of(fields) + "\n");
    }

private:
    /// The members of an object after its first ones, and its end.
    static std::string rest_of(const boost::json::object& fields) {
        std::string text = boost::json::serialize(fields);
        text.front() = ',';  // in the place of "{"
        return text;
    }

    void open(const part& of) {
        if (std::exchange(is_open_, true)) return;
        if (std::exchange(has_part_, true)) to_.write(",");
        boost::json::object head;
        put_part(head, of);
        std::string text = boost::json::serialize(head);
        text.pop_back();
        to_.write(text + ",\"differences\":[");
        has_difference_ = false;
    }

    void close(const boost::json::object& fields) {
        to_.write("]");
        to_.write(rest_of(fields));
        is_open_ = false;
    }

    std::string program_;
    output& to_;
    boost::json::array repairs_;
    bool repairing_ = false;
    bool has_part_ = false;  ///< in the array that is being written
    bool is_open_ = false;   ///< a part
    bool has_difference_ = false;
};

}  // namespace

std::unique_ptr<verify_output> make_verify_output(output_format format, bool quiet, const std::string& program,
                                                  output& to) {
    switch (format) {
        case output_format::table: return std::make_unique<verify_table>(quiet, program, to);
        case output_format::json: return std::make_unique<verify_json_object>(program, to);
        case output_format::jsonl: return std::make_unique<verify_json_lines>(program, to);
    }
    return nullptr;
}

}  // namespace etcdsync::app
