import ArgumentParser
import Bytes
import CommandLine
import EventSourcing
import EventStoreClient
import Foundation
import WireProtocol

/// A positive number on the command line, with or without its unit: `500/s`, `500`, `10x`, `10`.
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
                "Put past events into queues again, marked with the replay's name.",
            discussion: """
                Events go to the queues of the rules that match them, or all to one queue. That \
                queue is created if it does not exist. A new version of a service can have one \
                beside the queue of the running version.
                """)

        @OptionGroup var options: CallOptions
        @Argument(help: "The name of the replay, which must be new.") var name: String
        @Option(
            help: "The archive to take events from.", completion: .custom(BusNames.archives))
        var fromArchive: String?
        @Flag(help: "Take events from the log.") var fromLog = false
        @OptionGroup var window: TimeWindow
        @Option(help: "The event pattern that events must match, as JSON or @FILE.")
        var pattern: String?
        @Option(
            parsing: .upToNextOption, help: "The rules whose queues get the events they match.",
            completion: .custom(BusNames.rules))
        var to: [String] = []
        @Option(help: "The queue that gets all events.", completion: .custom(BusNames.queues))
        var toQueue: String?
        @Option(
            help: "The highest rate, in events per second: 500 or 500/s (default: no limit).",
            transform: { try Self.pace($0, "/s") })
        var rate: Pace?
        @Option(
            help: """
                The highest speed, as a multiple of the speed at which the events were committed: \
                10 or 10x (default: no limit).
                """,
            transform: { try Self.pace($0, "x") })
        var speed: Pace?
        @Flag(help: "Print how many events each queue would get, and replay nothing.")
        var dryRun = false
        @Flag(help: "Wait until the replay ends; the exit status is 0 if it is COMPLETED.")
        var wait = false

        func validate() throws {
            guard fromLog == (fromArchive == nil) else {
                throw ValidationError("give --from-archive or --from-log, but not both")
            }
            guard to.isEmpty != (toQueue == nil) else {
                throw ValidationError("give --to or --to-queue, but not both")
            }
            guard !(dryRun && wait) else {
                throw ValidationError("--dry-run starts no replay, so --wait can't wait for one")
            }
        }

        private static func pace(_ text: String, _ unit: String) throws -> Pace {
            guard let pace = Pace(text, unit: unit) else {
                throw ValidationError("it must be a number above 0, such as 5 or 5\(unit)")
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

        /// Asks the bus for the plan until it covers the whole window.
        private func plan(
            _ replay: ReplayDefinition, _ bus: ServiceClient
        ) async throws -> ReplayPlan {
            var bar = ProgressBar("dry run", total: 100, showsPace: false)
            defer { bar.end() }
            while true {
                let plan: ReplayPlan = try await bus.query(BusCall.planReplay, replay)
                if plan.isComplete { return plan }
                bar.show(Int(clamping: plan.progress * 100), "\(plan.events) events")
                // The plan is not complete yet, so give the bus time before asking again.
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
