import ArgumentParser
import CloudEvents
import CommandLine
import EventSourcing
import EventStoreClient
import Foundation

struct Import: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Append CloudEvents in their order, one JSON object per line.",
        discussion: """
            Events keep their ids. Events that are already in the log are skipped, so an \
            interrupted import can be run again. The import stops at the first invalid line.
            """)

    @OptionGroup var store: StoreOptions
    @Option(help: "The stream for all events, instead of their subjects.") var stream: String?
    @Flag(help: "Print JSON.") var json = false
    @Argument(help: "The file to read; standard input, if it is missing or '-'.")
    var file: String?

    func run() async throws {
        let stream = try stream.map { try StreamName($0) }
        let input = try open()
        try await store.withClient { client in
            let counts = try await append(input, to: stream, client)
            if json { try Output.json(counts) } else { print(counts) }
        }
    }

    private func append(
        _ input: (handle: FileHandle, size: Int), to stream: StreamName?, _ client: EventStoreClient
    ) async throws -> Importer.Counts {
        var lines = LineReader(input.handle)
        var importer = try await Importer(client)
        var bar = ProgressBar("import", total: input.size)
        defer { bar.end() }
        do {
            while let line = try lines.next() {
                let event = try CloudEvents.event(line, to: stream)
                try await importer.add(event, line: lines.line)
                if input.size > 0 { bar.show(lines.bytesRead, "bytes") }
            }
        } catch let error as DaybookError where error.kind == .invalid {
            // The lines before the invalid one are valid, so their events are appended.
            try await importer.flush()
            throw DaybookError(.invalid, "line \(lines.line): \(error); \(importer.counts)")
        }
        try await importer.flush()
        return importer.counts
    }

    private func open() throws -> (handle: FileHandle, size: Int) {
        guard let file, file != "-" else { return (.standardInput, 0) }
        guard let handle = FileHandle(forReadingAtPath: file) else {
            throw DaybookError(.invalid, "\(file) can't be read")
        }
        let attributes = try? FileManager.default.attributesOfItem(atPath: file)
        return (handle, attributes?[.size] as? Int ?? 0)
    }
}
