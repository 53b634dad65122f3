import ArgumentParser
import CommandLine
import EventStoreClient
import WireProtocol

struct Health: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Exit with 0 if the log and the bus answer, with 69 if not.")

    @OptionGroup var options: CallOptions

    func run() async throws {
        let head = try await options.withStore {
            try await $0.welcome(timeout: options.timeoutDuration)
        }
        .head
        let queues: [QueueView] = try await options.withBus {
            try await $0.query(BusCall.queues, Nothing())
        }
        if options.json { return try Output.json(["head": head, "queues": UInt64(queues.count)]) }
        print("healthy, at \(head)")
    }
}
