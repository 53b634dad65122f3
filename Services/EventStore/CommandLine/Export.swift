import ArgumentParser
import CommandLine
import Contracts
import EventSourcing
import EventStoreClient
import Foundation
import WireProtocol

struct Export: ProgramCommand {
    static let abstract = "Write events as CloudEvents, one JSON object per line."
    static let discussion = """
        The export holds the events that the log had when the command started, as they were \
        appended: amended events have their original data. 'import' reads them back.
        """

    @OptionGroup var store: StoreOptions
    @OptionGroup var filter: EventFilter
    @OptionGroup var window: TimeWindow
    @Option(help: "The position to start from.") var from: UInt64 = 1
    @Flag(
        help: """
            Write the suite's events in their current versions and with their amendments, not as \
            they are in the log. --type then names current versions.
            """)
    var upcast = false
    @Argument(help: "The file to create; standard output, if it is missing or '-'.")
    var file: String?

    func validate() throws { try Positions.check(from: from) }

    func run() async throws {
        let query = try filter.query()
        try await store.withClient { client in
            let welcome = try await client.welcome()
            guard let file, file != "-" else {
                try await write(query, of: welcome, from: client, to: nil)
                return
            }
            let count = try await Self.create(file) {
                try await write(query, of: welcome, from: client, to: $0)
            }
            try Output.print("exported \(count) events to \(file)")
        }
    }

    /// Writes the events that the query and the options select, and returns their number.
    @discardableResult
    private func write(
        _ query: EventQuery, of welcome: Welcome, from client: EventStoreClient,
        to file: FileHandle?
    ) async throws -> Int {
        // A request can't express an empty range: an end of 0 means no end.
        guard from <= welcome.head else { return 0 }
        var count = 0
        var bar = ProgressBar("export", total: Int(clamping: welcome.head - from))
        defer { bar.end() }
        let upcasting = upcast ? Upcasting(query) : nil
        let request = ReadRequest(
            upcasting?.query ?? query, from: from, to: welcome.head,
            since: window.since ?? .distantPast, before: window.until ?? .distantFuture,
            isRaw: !upcast)
        let printer = EventPrinter(
            log: welcome.log, json: true, output: file, showsAmendments: false)
        try await client.read(request) { events in
            let exported = try events.flatMap { try upcasting?.today($0) ?? [$0] }
            try printer.print(exported)
            count += exported.count
            guard let last = events.last else { return }
            bar.show(Int(clamping: last.position) - Int(clamping: from), "positions")
        }
        return count
    }

    /// Creates a file that `body` writes. Its name is `<path>.partial` until it is complete.
    ///
    /// - Throws: `invalid` if `path` exists, `storage` if the file can't be written.
    private static func create<Result>(
        _ path: String, _ body: (FileHandle) async throws -> Result
    ) async throws -> Result {
        let partial = path + ".partial"
        try require(
            !FileManager.default.fileExists(atPath: path), .invalid,
            "\(path) exists already; export to a new file")
        guard FileManager.default.createFile(atPath: partial, contents: nil),
            let handle = FileHandle(forWritingAtPath: partial)
        else { throw DaybookError(.storage, "\(partial) can't be written") }
        let result: Result
        do {
            result = try await body(handle)
        } catch {
            try? FileManager.default.removeItem(atPath: partial)
            throw error
        }
        do {
            try handle.synchronize()
            try FileManager.default.moveItem(atPath: partial, toPath: path)
        } catch {
            throw DaybookError(.storage, "\(path): \(error.localizedDescription)")
        }
        return result
    }
}
