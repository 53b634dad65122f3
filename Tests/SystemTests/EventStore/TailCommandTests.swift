import EventSourcing
import EventStoreClient
import Foundation
import IntegrationHarness
import TestSupport
import Testing
import WireProtocol

extension EventStoreClient {
    /// Appends an event for each number: even numbers to one category, odd ones to another.
    func append(_ numbers: Range<Int>) async throws {
        for number in numbers {
            let isEven = number.isMultiple(of: 2)
            _ = try await append([
                NewEvent(
                    stream: try StreamName(isEven ? "even-1" : "odd-1"),
                    type: isEven ? "Even" : "Odd", tags: ["number:\(number)"],
                    data: Array("\(number)".utf8))
            ])
        }
    }
}

/// The folder of the executables.
private let folder = URL(filePath: CommandLine.arguments[0]).deletingLastPathComponent()

@Suite(.mayBlock, .serialized, .timeLimit(.minutes(10))) struct `Tail command` {
    private let suite: IntegrationHarness.Suite
    private let store: EventStoreClient

    init() async throws {
        suite = try Suite()
        try suite.start("event-store")
        store = try await suite.eventStore()
    }

    private func tail(_ options: [String]) throws -> Conversation {
        try Conversation(
            folder.appending(path: "event-store"), ["tail"] + options,
            environment: ["DAYBOOK_HOME": suite.home])
    }

    /// Returns the data of the next lines.
    private func data(_ count: Int, of tail: Conversation) async throws -> [String] {
        var data: [String] = []
        while data.count < count {
            let line = try #require(await tail.line())
            data.append(String(line.split(separator: "\t").last ?? ""))
        }
        return data
    }

    @Test func `Tail prints new events and continues after the store is killed`() async throws {
        try await store.append(0..<4)
        let tail = try tail(["--category", "even", "--from", "1"])
        #expect(try await data(2, of: tail) == ["0", "2"])
        try await store.append(4..<8)
        #expect(try await data(2, of: tail) == ["4", "6"])
        suite.kill("event-store")
        try suite.start("event-store")
        try await store.append(8..<12)
        #expect(try await data(2, of: tail) == ["8", "10"])
        tail.signal(SIGTERM)
        #expect(await tail.exitStatus() == 0)
        await store.close()
    }

    @Test(arguments: [
        (["--last", "2"], ["2", "3"]), (["--last", "9"], ["0", "1", "2", "3"]),
        (["--last", "1", "--type", "Even"], ["2"]), (["--from", "3"], ["2", "3"]),
        (["--since", "2000-01-01", "--tag", "number:3"], ["3"]),
        (["--stream", "odd-1", "--from", "1"], ["1", "3"]),
    ])
    func `Tail starts and ends where its options say`(
        options: [String], expected: [String]
    ) async throws {
        try await store.append(0..<4)
        let tail = try tail(["--limit", "\(expected.count)"] + options)
        #expect(try await data(expected.count, of: tail) == expected)
        #expect(await tail.exitStatus() == 0)
        await store.close()
    }

    @Test(arguments: [[], ["--last", "0"], ["--since", "2999-01-01"]])
    func `Tail starts with the next event if its options select no past event`(
        options: [String]
    ) async throws {
        try await store.append(0..<4)
        let tail = try tail(["--limit", "3"] + options)
        let store = store
        let appending = Task {
            var number = 4
            while !Task.isCancelled {
                try await store.append(number..<number + 1)
                number += 1
            }
        }
        let numbers = try await data(3, of: tail).compactMap { Int($0) }
        appending.cancel()
        let first = try #require(numbers.first)
        #expect(first >= 4 && numbers == [first, first + 1, first + 2])
        #expect(await tail.exitStatus() == 0)
        _ = await appending.result
        await store.close()
    }

    @Test func `Tail, read and export exit with 0 when their output is closed`() async throws {
        let large = NewEvent(
            stream: try StreamName("a"), type: "T", data: Array(repeating: 0x31, count: 500_000))
        _ = try await store.append([large])
        for command in ["tail --from 1", "read", "export"] {
            let pipeline = "'\(folder.path)/event-store' \(command) | head -c 1"
            let shell = try Conversation(
                URL(filePath: "/bin/bash"),
                ["-c", "\(pipeline); status=${PIPESTATUS[0]}; echo; echo $status"],
                environment: ["DAYBOOK_HOME": suite.home])
            #expect(await shell.line()?.count == 1)
            #expect(await shell.line() == "0", "\(command)")
        }
        await store.close()
    }
}
