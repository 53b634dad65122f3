import ArgumentParser
import CloudEvents
import CommandLine
import EventSourcing
import EventStoreClient
import Foundation

struct Import: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Append CloudEvents, a JSON object a line, in their order.",
        discussion: """
            Events keep their ids, so those that are in the log already are passed over: what was \
            interrupted is begun again. It ends at the first line that is wrong.
            """)

    @OptionGroup var store: StoreOptions
    @Option(help: "The stream for all of them, whatever subjects they have.") var stream: String?
    @Flag(help: "Print JSON.") var json = false
    @Argument(help: "The file; standard input, if it is not given or '-'.") var file: String?

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
            // What stands before a line that is wrong is right.
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
