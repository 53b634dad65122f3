import ArgumentParser
import CommandLine
import EventSourcing
import EventStoreClient
import JSON

struct Append: ProgramCommand {
    static let abstract = "Append one event, or without --data one for each line of standard input."

    @OptionGroup var store: StoreOptions
    @OptionGroup var commandID: CommandIDOption
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
        // Invalid data is reported whether or not the store runs.
        if let data { _ = try event(.random(), stream, data) }
        try await store.withClient { client in
            try await commandID.repeatable { id, _ in
                try await append(to: stream, expected, id, client)
            }
        }
    }

    private func append(
        to stream: StreamName, _ expected: ExpectedRevision, _ id: EventID,
        _ client: EventStoreClient
    ) async throws {
        var (batch, bytes, count): ([NewEvent], Int, Int) = ([], 0, 0)
        /// Adds an event, whose id derives from the command's and from its place in the input. So
        /// the store recognises it when the command is repeated.
        func add(_ data: String) throws {
            batch.append(try event(id.derived("\(count)"), stream, data))
            bytes += data.utf8.count
            count += 1
        }
        func flush(_ condition: AppendCondition) async throws {
            guard !batch.isEmpty else { return }
            let appended = try await client.append(batch, condition)
            let known = appended.isRepeat ? ", appended already" : ""
            try Output.print("position \(appended.last), revision \(appended.lastRevision)\(known)")
            (batch, bytes) = ([], 0)
        }
        if let data {
            try add(data)
            return try await flush(.stream(stream, expected))
        }
        while let line = readLine() {
            try add(line)
            if batch.count == 500 || bytes >= 1 << 20 { try await flush(.any) }
        }
        try await flush(.any)
    }

    private func event(_ id: EventID, _ stream: StreamName, _ data: String) throws -> NewEvent {
        let bytes = Array(data.utf8)
        do throws(JSONError) { try JSONScanner.check(bytes) } catch {
            throw DaybookError(.invalid, "'\(data.prefix(60))' is not JSON \(error.place)")
        }
        let event = NewEvent(id: id, stream: stream, type: type, tags: tag, data: bytes)
        try contract.check(event)
        return event
    }
}
