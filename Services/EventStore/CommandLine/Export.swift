import ArgumentParser
import Bytes
import CloudEvents
import CommandLine
import Contracts
import EventSourcing
import EventStoreClient
import Foundation
import WireProtocol

struct Export: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Write events as CloudEvents, one JSON object per line.",
        discussion: """
            The export holds the events that the log had when the command started. 'import' reads \
            them back.
            """)

    @OptionGroup var store: StoreOptions
    @OptionGroup var filter: EventFilter
    @OptionGroup var window: TimeWindow
    @Option(help: "The position to start from.") var from: UInt64 = 1
    @Flag(
        help: """
            Write the suite's events in their current versions, not as they are in the log. \
            --type then names current versions.
            """)
    var upcast = false
    @Argument(help: "The file to create; standard output, if it is missing or '-'.")
    var file: String?

    func validate() throws { try Positions.check(from: from) }

    func run() async throws {
        let query = try filter.query()
        try await store.withClient { client in
            let welcome = try await client.welcome()
            let output = try ExportFile(file.flatMap { $0 == "-" ? nil : $0 })
            let count: Int
            do {
                count = try await write(query, of: welcome, from: client, to: output.handle)
            } catch {
                output.discard()
                throw error
            }
            try output.finish()
            if let path = output.path { print("exported \(count) events to \(path)") }
        }
    }

    /// Writes the events that the query and the options select, and returns their number.
    private func write(
        _ query: EventQuery, of welcome: Welcome, from client: EventStoreClient,
        to file: FileHandle
    ) async throws -> Int {
        // A request can't express an empty range: an end of 0 means no end.
        guard from <= welcome.head else { return 0 }
        var count = 0
        var bar = ProgressBar("export", total: Int(clamping: welcome.head - from))
        defer { bar.end() }
        let upcasting = upcast ? Upcasting(query) : nil
        let request = ReadRequest(
            upcasting?.query ?? query, from: from, to: welcome.head,
            since: window.since ?? .distantPast, before: window.until ?? .distantFuture)
        try await client.read(request) { events in
            var lines: [UInt8] = []
            for event in events {
                for event in try upcasting?.today(event) ?? [event] {
                    lines += try CloudEvents.line(event, of: welcome.log)
                    lines.append(UInt8(ascii: "\n"))
                    count += 1
                }
                bar.show(Int(clamping: event.position) - Int(clamping: from), "positions")
            }
            try file.writeLines(lines)
        }
        return count
    }
}

/// The output of an export. A file gets its name only when it is complete.
private struct ExportFile {
    let path: String?
    let handle: FileHandle
    private var partial: String { (path ?? "") + ".partial" }

    /// Creates a file named `<path>.partial`, or uses standard output if `path` is nil.
    ///
    /// - Throws: `invalid` if `path` exists, `storage` if the file can't be written.
    init(_ path: String?) throws {
        self.path = path
        guard let path else {
            handle = .standardOutput
            return
        }
        let partial = path + ".partial"
        guard !FileManager.default.fileExists(atPath: path) else {
            throw DaybookError(.invalid, "\(path) exists already; export to a new file")
        }
        guard FileManager.default.createFile(atPath: partial, contents: nil),
            let handle = FileHandle(forWritingAtPath: partial)
        else { throw DaybookError(.storage, "\(partial) can't be written") }
        self.handle = handle
    }

    /// Removes the incomplete file.
    func discard() {
        if path != nil { try? FileManager.default.removeItem(atPath: partial) }
    }

    /// Syncs the complete file and gives it its name.
    func finish() throws {
        guard let path else { return }
        do {
            try handle.synchronize()
            try FileManager.default.moveItem(atPath: partial, toPath: path)
        } catch {
            throw DaybookError(.storage, "\(path): \(error.localizedDescription)")
        }
    }
}
