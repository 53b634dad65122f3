import ArgumentParser
import CloudEvents
import CommandLine
import EventSourcing
import EventStoreClient
import Foundation

struct Import: ProgramCommand {
    static let abstract = "Append CloudEvents in their order, one JSON object per line."
    static let discussion = """
        Events keep their ids. Events that are already in the log are skipped, so an \
        interrupted import can be run again. The import stops at the first invalid line.

        Events that another Daybook log exported become history. They keep the times at which \
        they happened, and rules do not deliver them. Events of other producers are new events.
        """

    @OptionGroup var store: StoreOptions
    @Option(help: "The stream for all events, instead of their subjects.") var stream: String?
    @Flag(help: "Have rules deliver the events of a Daybook log, too.") var deliver = false
    @Flag(help: "Print JSON.") var json = false
    @Argument(help: "The file to read; standard input, if it is missing or '-'.")
    var file: String?

    func run() async throws {
        let stream = try stream.map { try StreamName($0) }
        let (input, size) = try open()
        try await store.withClient { client in
            let counts = try await {
                var bar = ProgressBar("import", total: size)
                defer { bar.end() }
                return try await Importer.append(
                    input, to: stream, history: deliver ? .delivered : .undelivered, with: client
                ) { bytes in
                    if size > 0 { bar.show(bytes, "bytes") }
                }
            }()
            if json { try Output.json(counts) } else { print(counts) }
        }
    }

    private func open() throws -> (handle: FileHandle, size: Int) {
        guard let file, file != "-" else { return (.standardInput, 0) }
        let handle = try FileHandle(forReadingAtPath: file)
            .orThrow(.invalid, "\(file) can't be read")
        let attributes = try? FileManager.default.attributesOfItem(atPath: file)
        return (handle, attributes?[.size] as? Int ?? 0)
    }
}
