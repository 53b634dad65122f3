import ArgumentParser
import CommandLine
import EventStoreClient
import Foundation
import ServiceRuntime
import WireProtocol

struct Statistics: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "stats", abstract: "Show the statistics of the event store.")

    @OptionGroup var options: CallOptions
    @Flag(help: "Show rates, queues and lags once a second, until SIGTERM or SIGINT.")
    var watch = false

    func run() async throws {
        try await options.withStore { client in
            guard watch else { return try show(try await client.statistics()) }
            try await options.withBus { bus in
                let (json, home) = (options.json, options.home)
                let watch = try await StoreWatch(client, bus) { Endpoints.services(home: home) }
                try await untilSignalled { try await WatchDisplay.run(watch, json: json) }
            }
        }
    }

    private func show(_ found: StoreStatistics) throws {
        if options.json { return try Output.json(found) }
        Output.fields([
            ("log", "\(found.log)"), ("events", "\(found.head)"),
            ("streams", "\(found.streams)"),
            ("on disk", "\(found.bytes) bytes in \(found.segments) segments"),
            ("durability", found.durability), ("up", "\(found.uptimeSeconds) s"),
            ("requests", "\(found.requests), of them \(found.appends) appends"),
            ("commits", "\(found.commits)\(mean(found))"),
            ("events read", "\(found.eventsRead), \(found.openReads) reads open"),
            ("feed", "\(found.subscriptions) topics subscribed to"),
        ])
    }

    private func mean(_ found: StoreStatistics) -> String {
        guard found.commits > 0 else { return "" }
        return ", of \(milliseconds(found.commitSeconds / Double(found.commits)))"
    }
}

/// Returns seconds as text in milliseconds, rounded to hundredths, such as `1.25 ms`.
func milliseconds(_ seconds: Double) -> String {
    "\((seconds * 100_000).rounded() / 100) ms"
}
