import EventSourcing
import Foundation
import Testing
import WireProtocol

@testable import EventStoreMain

@Suite struct `Bus option values` {
    @Test(arguments: [
        ("30", 30), ("30s", 30), ("1.5m", 90), ("500ms", 0.5), ("2h", 7200), ("7d", 604_800),
        ("0", 0), (".5", 0.5),
    ])
    func `Duration is a number with an optional unit`(text: String, seconds: Double) {
        #expect(Seconds(text)?.value == seconds)
    }

    @Test(arguments: [
        "", "s", "-1", "1 s", "5w", "1e3", "1m30s", "nan", "inf", "1..2", "10000000000",
    ])
    func `Invalid duration is rejected`(text: String) {
        #expect(Seconds(text) == nil)
    }

    @Test(arguments: [
        (86_400, "1d"), (3600, "1h"), (90, "90s"), (300, "5m"), (0.5, "500ms"), (0, "0s"),
        (1.25, "1250ms"), (0.0005, "0.0005s"),
    ])
    func `Duration is printed in a form that it can be parsed from`(seconds: Double, text: String) {
        #expect(Seconds(seconds).description == text)
        #expect(Seconds(text)?.value == seconds)
    }

    @Test(arguments: [
        (0, "0ms"), (0.9994, "999ms"), (59.9, "59s"), (3599, "59m"), (86_399, "23h"),
        (200_000, "2d"),
    ])
    func `Rough duration has one unit and is rounded down`(seconds: Double, text: String) {
        #expect(Seconds(seconds).rough == text)
    }

    @Test func `Days and paces accept only their own units`() {
        #expect(Days("30")?.value == 30 && Days("0.5d")?.value == 0.5)
        #expect(Days("365d")?.description == "365d")
        #expect(Pace("500/s", unit: "/s")?.value == 500 && Pace("1.5", unit: "x")?.value == 1.5)
        for text in ["", "d", "-1", "1h", "1e3"] { #expect(Days(text) == nil, "\(text)") }
        for text in ["", "0", "x", "-1x", "5/m", "5x/s"] {
            #expect(Pace(text, unit: "x") == nil, "\(text)")
        }
    }

    @Test func `Receipt is a sequence and a lease separated by a colon`() {
        let receipt = Receipt("17:1795574982607107")
        #expect(receipt?.sequence == 17 && receipt?.lease == 1_795_574_982_607_107)
        #expect(receipt?.description == "17:1795574982607107")
        for text in ["", "17", "17:", ":17", "1:2:3", "-1:2", "a:b", "1:18446744073709551616"] {
            #expect(Receipt(text) == nil, "\(text)")
        }
    }

    /// Patterns match the position and revision that `read --json` writes.
    @Test func `CloudEvent from a log keeps its position, revision and time`() throws {
        let line =
            #"{"specversion":"1.0","id":"4cd0c746-a06e-4939-8957-3457047d058e","#
            + #""source":"daybook:1c7b21f6-e7ff-47d3-b6af-38c86e2a8e56","type":"T","#
            + #""subject":"order-1","time":"2026-11-25T02:49:43.287652Z","position":"3","#
            + #""revision":"4","correlationid":"4cd0c746-a06e-4939-8957-3457047d058e","#
            + #""datacontenttype":"application/json","data":{"total":5}}"#
        let event = try RecordedEvent(cloudEvent: Array(line.utf8))
        #expect(event.position == 3 && event.revision == 4)
        #expect("\(event.time)" == "2026-11-25T02:49:43.287652Z")
        #expect(event.stream.description == "order-1" && event.type == "T")
        #expect(String(decoding: event.data, as: UTF8.self) == #"{"total":5}"#)
    }

    @Test func `CloudEvent of another producer has position 0`() throws {
        let line =
            #"{"specversion":"1.0","id":"1","source":"s","type":"T","subject":"a-1","data":1}"#
        let event = try RecordedEvent(cloudEvent: Array(line.utf8))
        #expect(event.position == 0 && event.stream.description == "a-1")
    }
}

@Suite struct `Rules file` {
    private static func wiring(_ text: String) throws -> Wiring { try Wiring(Data(text.utf8)) }

    @Test func `Rules file defines queues and rules with defaults`() throws {
        let wiring = try Self.wiring(
            """
            {"queues": [{"name": "q", "grouping": "path:a.b,c", "retry": {"maximumReceives": 3}},
                        {"name": "p", "start": "position:17", "afterDeath": "go-on"}],
             "rules": [{"name": "r", "pattern": {"detail": {"x": [1, 0.1, null, "a/b"]}},
                        "targets": ["q", "p"]},
                       {"name": "s", "description": "d", "isEnabled": false, "targets": ["q"],
                        "pattern": "{ \\"source\\": [\\"daybook.order\\"] }"}]}
            """)
        #expect(
            wiring.queues == [
                QueueDefinition(
                    name: "q", grouping: .paths(["a.b", "c"]),
                    retry: RetryPolicy(maximumReceives: 3)),
                QueueDefinition(name: "p", afterDeath: .proceed, start: .position(17)),
            ])
        #expect(
            wiring.rules == [
                RuleDefinition(
                    name: "r", pattern: #"{"detail":{"x":[1,0.1,null,"a/b"]}}"#,
                    targets: ["q", "p"]),
                RuleDefinition(
                    name: "s", description: "d", pattern: #"{ "source": ["daybook.order"] }"#,
                    targets: ["q"], isEnabled: false),
            ])
        let nothing = try Self.wiring("{}")
        #expect(nothing.queues.isEmpty && nothing.rules.isEmpty)
    }

    /// A pattern may contain numbers that a double cannot represent.
    @Test func `Numbers in patterns keep all their digits`() throws {
        for number in ["9007199254740993", "0.1234567890123456789", "12345678901234567890123"] {
            let wiring = try Self.wiring(
                #"{"rules": [{"name": "r", "targets": ["q"], "#
                    + #""pattern": {"detail": {"x": [\#(number)]}}}]}"#)
            #expect(wiring.rules[0].pattern == #"{"detail":{"x":[\#(number)]}}"#)
        }
    }

    private static let pattern = #""pattern": {"stream": ["a"]}"#

    @Test(arguments: [
        ("[]", "Expected to decode"),
        ("{", ""),
        (#"{"queue": []}"#, "queue: there is no such member"),
        (#"{"queues": [{}]}"#, "queues[0] lacks 'name'"),
        (#"{"queues": [{"name": "a b"}]}"#, "queues[0]: the name of a queue is 1 to 64"),
        (
            #"{"queues": [{"name": "a", "timeout": 1}]}"#,
            "queues[0].timeout: there is no such member"
        ),
        (
            #"{"queues": [{"name": "a", "retry": {"receives": 1}}]}"#,
            "queues[0].retry.receives: there is no such member"
        ),
        (#"{"queues": [{"name": "a", "grouping": "all"}]}"#, "queues[0].grouping: 'all' is not"),
        (#"{"queues": [{"name": "a"}, {"name": "a"}]}"#, "queues[1]: 'a' is defined twice"),
        (#"{"rules": [{"name": "r", \#(pattern)}]}"#, "rules[0] lacks 'targets'"),
        (#"{"rules": [{"name": "r", "targets": ["q"]}]}"#, "rules[0] lacks 'pattern'"),
        (
            #"{"rules": [{"name": "r", \#(pattern), "targets": []}]}"#,
            "rules[0]: a rule has 1 to 10"
        ),
        (
            #"{"rules": [{"name": "r", \#(pattern), "targets": ["q"], "to": 1}]}"#,
            "rules[0].to: there is no such member"
        ),
        (
            #"{"rules": [{"name": "r", "pattern": {"stream": "a"}, "targets": ["q"]}]}"#,
            "rules[0]: event pattern, line 1, column 11, at stream: expected a list"
        ),
        (#"{"rules": [{"name": "r", "pattern": 5, "targets": ["q"]}]}"#, "rules[0]: event pattern"),
    ])
    func `Error in a rules file says what is wrong and where`(text: String, reason: String) throws {
        let error = #expect(throws: DaybookError.self) { try Self.wiring(text) }
        #expect(error?.description.hasPrefix(reason) == true, "\(String(describing: error))")
    }

    @Test func `Unknown target or changed grouping of an existing queue is rejected`() throws {
        let wiring = try Self.wiring(
            #"{"queues": [{"name": "q"}], "#
                + #""rules": [{"name": "r", \#(Self.pattern), "targets": ["q", "p"]}]}"#)
        try wiring.check(against: [QueueDefinition(name: "p", grouping: .stream)])
        #expect(
            throws: DaybookError(
                .invalid, "rules[0]: rule 'r' targets queue 'p', which does not exist")
        ) {
            try wiring.check(against: [])
        }
        #expect(
            throws: DaybookError(
                .invalid,
                "queues[0]: queue 'q' exists, and its grouping stream and start end can't change")
        ) {
            try wiring.check(
                against: [
                    QueueDefinition(name: "q", grouping: .stream), QueueDefinition(name: "p"),
                ])
        }
    }
}
