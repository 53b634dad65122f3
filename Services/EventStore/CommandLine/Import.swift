import ArgumentParser
import CloudEvents
import CommandLine
import EventSourcing
import EventStoreClient
import EventStoreMain
import Foundation
import ServiceRuntime

struct Import: ProgramCommand {
    static let abstract = "Append CloudEvents in their order, one JSON object per line."
    static let discussion = """
        Events keep their ids. Events that are already in the log are skipped, so an \
        interrupted import can be run again. The import stops at the first invalid line. It \
        leaves out the events of system streams, whose names begin with $: rules, queues, dead \
        letters, archives, replays and amendments. --system imports them, too, but only the export \
        of a whole log into a new log that no process serves.

        Events that another Daybook log exported become history. They keep the times at which \
        they happened, and rules do not deliver them. Events of other producers are new events.
        """

    @OptionGroup var store: StoreOptions
    @Option(help: "The stream for all events, instead of their subjects.") var stream: String?
    @Flag(help: "Import system events, too, into the log below --home, which must be new.")
    var system = false
    @Flag(help: "Have rules deliver the events of a Daybook log, too.") var deliver = false
    @OptionGroup var contract: ContractOptions
    @Flag(help: "Print JSON.") var json = false
    @Argument(help: "The file to read; standard input, if it is missing or '-'.")
    var file: String?

    func validate() throws {
        try require(
            !system || stream == nil && store.endpoint == nil,
            "--system takes neither --stream nor --endpoint: it writes to the log below --home")
        try require(
            stream.map { !StreamName.isSystem(category: $0) } ?? true,
            "only the event store itself appends to streams whose names begin with '$'")
    }

    func run() async throws {
        let stream = try stream.map { try StreamName($0) }
        let (input, contract) = (try Input(file), contract)
        let history: AppendCondition.History = deliver ? .delivered : .undelivered
        let counts: Importer.Counts
        if system {
            makeNewFilesPrivate()
            counts = try await OfflineStore.with(
                home: store.home, segmentBytes: try Serve.segmentBytes()
            ) { client, append in
                try await input.append(
                    to: nil, with: client, system: .imported, history: history, append: append,
                    check: contract.check)
            }
        } else {
            counts = try await store.withClient {
                try await input.append(
                    to: stream, with: $0, history: history, check: contract.check)
            }
        }
        if json { try Output.json(counts) } else { try Output.print("\(counts)") }
    }
}

/// The file of an import.
private struct Input {
    private let handle: FileHandle
    private let size: Int

    init(_ file: String?) throws {
        guard let file, file != "-" else {
            (handle, size) = (.standardInput, 0)
            return
        }
        handle = try FileHandle(forReadingAtPath: file)
            .orThrow(.invalid, "\(file) can't be read")
        let attributes = try? FileManager.default.attributesOfItem(atPath: file)
        size = attributes?[.size] as? Int ?? 0
    }

    /// Imports the events, and shows the progress.
    func append(
        to stream: StreamName?, with client: EventStoreClient,
        system: Importer.SystemEvents = .leftOut, history: AppendCondition.History,
        append: Importer.Append? = nil, check: (NewEvent) throws -> Void
    ) async throws -> Importer.Counts {
        var bar = ProgressBar("import", total: size)
        defer { bar.end() }
        return try await Importer.append(
            handle, to: stream, with: client, system: system, history: history, append: append,
            check: check, progress: { if size > 0 { bar.show($0, "bytes") } })
    }
}
