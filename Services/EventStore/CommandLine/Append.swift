import ArgumentParser
import CommandLine
import EventSourcing
import EventStoreClient
import Foundation

struct Append: ProgramCommand {
    static let abstract = "Append one event, or without --data one for each line of standard input."

    @OptionGroup var store: StoreOptions
    @Option(help: "The stream, <category>-<id>.") var stream: String
    @Option(help: "The type of the event.") var type: String
    @Option(help: "The data of the event, as JSON.") var data: String?
    @Option(help: "A tag of the event; may be repeated.") var tag: [String] = []
    @Option(help: "The revision that the stream must be at, or 'none' if it must not exist.")
    var expect: String?
    @OptionGroup var contract: ContractOptions

    func validate() throws {
        guard let expect, expect != "none" else { return }
        try require(
            UInt64(expect) != nil,
            "--expect must be a revision, from 0, or 'none', not '\(expect)'")
        try require(data != nil, "--expect needs --data")
    }

    func run() async throws {
        let stream = try StreamName(stream)
        let revision = expect.flatMap { UInt64($0) }
        let expected: ExpectedRevision =
            revision.map { .revision($0) } ?? (expect == nil ? .any : .noStream)
        try await store.withClient { client in
            var (batch, bytes): ([NewEvent], Int) = ([], 0)
            func flush(_ condition: AppendCondition) async throws {
                guard !batch.isEmpty else { return }
                let appended = try await client.append(batch, condition)
                print("position \(appended.last), revision \(appended.lastRevision)")
                fflush(nil)  // Readers of a pipe must see at once which events are durable.
                (batch, bytes) = ([], 0)
            }
            if let data {
                batch = [try event(stream, data)]
                return try await flush(.stream(stream, expected))
            }
            while let line = readLine() {
                batch.append(try event(stream, line))
                bytes += line.utf8.count
                if batch.count == 500 || bytes >= 1 << 20 { try await flush(.any) }
            }
            try await flush(.any)
        }
    }

    private func event(_ stream: StreamName, _ data: String) throws -> NewEvent {
        let json = try? JSONSerialization.jsonObject(
            with: Data(data.utf8), options: .fragmentsAllowed)
        try require(json != nil, .invalid, "'\(data.prefix(60))' is not JSON")
        let event = NewEvent(stream: stream, type: type, tags: tag, data: Array(data.utf8))
        try contract.check(event)
        return event
    }
}
