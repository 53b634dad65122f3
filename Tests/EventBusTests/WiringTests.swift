import EventSourcing
import Foundation
import Testing
import WireProtocol

@testable import EventBus

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
        ("[]", "expected an object, but found an array"),
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
        let misspelt = try Self.wiring(
            #"{"rules": [{"name": "r", \#(Self.pattern), "targets": ["invoces"]}]}"#)
        #expect(
            throws: DaybookError(
                .invalid,
                "rules[0]: rule 'r' targets queue 'invoces', which does not exist; did you mean "
                    + "'invoices'?")
        ) {
            try misspelt.check(against: [QueueDefinition(name: "invoices")])
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
