import ArgumentParser
import Bytes
import CommandLine
import EventSourcing
import EventStoreClient
import Foundation
import WireProtocol

/// A positive number with what is counted behind it, or without: `500` or `500/s`, `10` or `10x`.
struct Pace: Hashable, Sendable {
    let value: Double

    init?(_ text: String, unit: String) {
        let number = text.hasSuffix(unit) ? text.dropLast(unit.count) : text[...]
        guard number.allSatisfy({ $0.isNumber || $0 == "." }), let value = Double(number),
            value > 0, value.isFinite
        else { return nil }
        self.value = value
    }
}

extension Replays {
    struct Start: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract:
                "Put events of the past into queues once more, marked with the replay's name.",
            discussion: """
                Events go to the queues of the rules that match them, or all of them to one queue, \
                which is made if it is not there: beside the queue of a service that is at work, \
                for a new version of it.
                """)

        @OptionGroup var options: CallOptions
        @Argument(help: "The replay, by a new name.") var name: String
        @Option(
            help: "Take events from this archive.", completion: .custom(BusNames.archives))
        var fromArchive: String?
        @Flag(help: "Take events from the log.") var fromLog = false
        @OptionGroup var window: TimeWindow
        @Option(help: "Only those that match this event pattern, JSON; @FILE, if in a file.")
        var pattern: String?
        @Option(
            parsing: .upToNextOption, help: "The rules whose queues get what they match.",
            completion: .custom(BusNames.rules))
        var to: [String] = []
        @Option(help: "The queue that gets all.", completion: .custom(BusNames.queues))
        var toQueue: String?
        @Option(
            help: "At most so many events a second: 500, or 500/s.",
            transform: { try Self.pace($0, "/s") })
        var rate: Pace?
        @Option(
            help: "So many times as fast as they came: 10, or 10x.",
            transform: { try Self.pace($0, "x") })
        var speed: Pace?
        @Flag(help: "Say what would be put into which queue, and replay nothing.")
        var dryRun = false
        @Flag(help: "Wait until it has ended; exit status 0 if it is COMPLETED.")
        var wait = false

        func validate() throws {
            guard fromLog == (fromArchive == nil) else {
                throw ValidationError("give --from-archive or --from-log, one of them")
            }
            guard to.isEmpty != (toQueue == nil) else {
                throw ValidationError("give --to or --to-queue, one of them")
            }
            guard !(dryRun && wait) else {
                throw ValidationError("--dry-run starts nothing to --wait for")
            }
        }

        private static func pace(_ text: String, _ unit: String) throws -> Pace {
            guard let pace = Pace(text, unit: unit) else {
                throw ValidationError("it is a number above 0, such as 5 or 5\(unit)")
            }
            return pace
        }

        func run() async throws {
            let replay = ReplayDefinition(
                name: name, archive: fromArchive, since: window.since, until: window.until,
                pattern: try pattern.map(PatternText.read), rules: to, queue: toQueue,
                rate: rate?.value, speed: speed?.value)
            try await options.withBus { bus in
                if dryRun { return try show(try await plan(replay, bus)) }
                let reply = try await bus.command(BusCall.startReplay, replay)
                guard wait else {
                    return try Output.reply(reply, json: options.json, "started replay \(name)")
                }
                let end = try await bus.follow(replay: name, atLeast: reply.position)
                try end.printEnd(options)
            }
        }

        /// Asks until the whole window has been looked at.
        private func plan(
            _ replay: ReplayDefinition, _ bus: ServiceClient
        ) async throws -> ReplayPlan {
            var bar = ProgressBar("dry run", total: 100, showsPace: false)
            defer { bar.end() }
            while true {
                let plan: ReplayPlan = try await bus.query(BusCall.planReplay, replay)
                if plan.isComplete { return plan }
                bar.show(Int(clamping: plan.progress * 100), "\(plan.events) events")
                // The bus is at work; ask again when it has come some way.
                try await Task.sleep(for: .milliseconds(100))
            }
        }

        private func show(_ plan: ReplayPlan) throws {
            if options.json { return try Output.json(plan) }
            Output.table(
                ["queue", "events"],
                plan.queues.sorted { $0.key < $1.key }.map { [$0.key, "\($0.value)"] })
            print(
                plan.events == 0
                    ? "no event matches"
                    : "\(plan.events) events match, positions \(plan.first) to \(plan.last)")
        }
    }
}
