import ArgumentParser
import Bytes
import CommandLine
import EventSourcing
import EventStoreClient
import Foundation
import WireProtocol

struct Replays: ProgramCommand {
    static let abstract = "Manage replays, which put past events into queues again."
    static let subcommands: [any ParsableCommand.Type] = [
        Start.self, BusList<ReplayView>.self, Show.self, Pause.self, Resume.self, Cancel.self,
    ]
}

extension ServiceClient {
    /// Shows a replay's progress until it ends, and returns its state at the end.
    ///
    /// - Parameter report: called with each state, once per poll.
    func follow(
        replay name: String, atLeast position: UInt64? = nil,
        _ report: (ReplayView) throws -> Void = { _ in }
    ) async throws -> ReplayView {
        var bar = ProgressBar("replay", total: 0, showsPace: false)
        defer { bar.end() }
        while true {
            let view: ReplayView = try await view(of: name, atLeast: position)
            try report(view)
            guard !view.state.isEnd else { return view }
            bar.show(view.done, of: view.size, "\(view.state.rawValue) \(view.pace)")
            // The bus has no call that waits for the end of a replay, so this polls.
            try await Task.sleep(for: .milliseconds(200))
        }
    }
}

extension ReplayView: BusView {
    static let kind = "replay"
    static let query = BusCall.replays
    static let listAbstract = "List the replays, the latest first."

    static var columns: [Output.Column<ReplayView>] {
        [
            ("replay", \.name), ("state", \.state.rawValue), ("from", \.source),
            ("to", \.destination), ("done", \.done), ("of", \.size), ("delivered", \.delivered),
            ("pace", { $0.state.isEnd ? "-" : $0.pace }), ("started", \.startedAt),
            ("reason", { $0.reason ?? "" }),
        ]
    }

    var name: String { replay.name }

    var fields: [Output.Field] {
        let limits = [
            replay.rate.map { String(format: "%g events/s", $0) },
            replay.speed.map { String(format: "%g times as fast", $0) },
        ].compactMap(\.self)
        return [
            ("replay", name), ("state", state.rawValue),
            ("reason", reason.flatMap { $0.isEmpty ? nil : $0 }), ("from", source),
            ("since", replay.since), ("until", replay.until),
            ("pattern", replay.pattern.flatMap { $0.isEmpty ? nil : $0 }), ("to", destination),
            ("at most", limits.isEmpty ? nil : limits.joined(separator: ", ")),
            ("started", "\(startedAt) by \(startedBy)"), ("ended", endedAt), ("first", first),
            ("last", last), ("done", "\(done) of \(size) positions, up to \(position)"),
            ("delivered", delivered), ("pace", state.isEnd ? nil : pace),
        ]
    }

    /// The number of positions in the replay's window, and how many of them are done.
    fileprivate var size: Int { count(last) }
    fileprivate var done: Int { count(min(position, last)) }

    /// Returns the number of positions from the first of the window to `last`.
    private func count(_ last: UInt64) -> Int {
        guard first > 0, last >= first else { return 0 }
        return Int(clamping: (last - first).addingReportingOverflow(1).partialValue)
    }

    fileprivate var pace: String {
        let left = secondsLeft.map { ", \(Seconds($0).rough) left" } ?? ""
        return "\(Int(clamping: rate))/s\(left)"
    }

    fileprivate var source: String { replay.archive.map { "archive \($0)" } ?? "log" }

    fileprivate var destination: String {
        replay.queue.map { "queue \($0)" } ?? replay.rules.joined(separator: ",")
    }

    /// Prints the state of a replay that has ended.
    ///
    /// - Throws: `DaybookError` if it did not complete.
    func printEnd(_ options: CallOptions) throws {
        try options.show(self, fields)
        try require(
            state == .completed, .invalid,
            "replay '\(name)' is \(state.rawValue)" + (reason.map { ": \($0)" } ?? ""))
    }
}

/// A positive number on the command line, with or without its unit: `500/s`, `500`, `10x`, `10`.
struct Pace: Hashable, Sendable {
    let value: Double

    init?(_ text: String, unit: String) {
        guard let value = Double(text, unit: unit), value > 0 else { return nil }
        self.value = value
    }
}

extension Replays {
    struct Show: ProgramCommand {
        static let abstract = "Show a replay's definition and progress."

        @OptionGroup var call: CallOptions
        @Argument(nameOf: ReplayView.self) var name: String
        @Flag(
            help: """
                Wait until the replay ends, with a progress bar on a terminal and with --json a \
                line for each change.
                """)
        var watch = false

        func run() async throws {
            let view = try await call.withBus { bus in
                guard watch else { return try await bus.view(of: name) as ReplayView }
                var last: ReplayView?
                return try await bus.follow(replay: name) { view in
                    guard call.json, !view.state.isEnd, view.position != last?.position else {
                        return
                    }
                    last = view
                    try Output.json(view)
                }
            }
            try call.show(view, view.fields)
        }
    }

    struct Pause: RepeatableCommand {
        static let abstract =
            "Pause a replay; events that are already in queues are still delivered."

        @OptionGroup var call: CallOptions
        @Argument(nameOf: ReplayView.self) var name: String
        @OptionGroup var commandID: CommandIDOption

        func run() async throws {
            let change = SetPaused(name: name, isPaused: true)
            try await sendToBus(BusCall.setReplayPaused, change, "paused replay \(name)")
        }
    }

    struct Resume: RepeatableCommand {
        static let abstract = "Resume a paused replay where it stopped."

        @OptionGroup var call: CallOptions
        @Argument(nameOf: ReplayView.self) var name: String
        @OptionGroup var commandID: CommandIDOption

        func run() async throws {
            let change = SetPaused(name: name, isPaused: false)
            try await sendToBus(BusCall.setReplayPaused, change, "resumed replay \(name)")
        }
    }

    struct Cancel: RepeatableCommand {
        static let abstract = "Cancel a replay; events that are already in queues stay there."

        @OptionGroup var call: CallOptions
        @Argument(nameOf: ReplayView.self) var name: String
        @OptionGroup var commandID: CommandIDOption

        func run() async throws {
            try await sendToBus(BusCall.cancelReplay, name, "cancelled replay \(name)")
        }
    }

    struct Start: RepeatableCommand {
        static let abstract = "Put past events into queues again, marked with the replay's name."
        static let discussion = """
            Events go to the queues of the rules that match them, or all to one queue. That \
            queue is created if it does not exist. A new version of a service can have one \
            beside the queue of the running version.
            """

        @OptionGroup var call: CallOptions
        @OptionGroup var commandID: CommandIDOption
        @Argument(help: "The name of the replay, which must be new.") var name: String
        @Option(help: "The archive to take events from.", completion: .names(of: ArchiveView.self))
        var fromArchive: String?
        @Flag(help: "Take events from the log.") var fromLog = false
        @OptionGroup var window: TimeWindow
        @Option(help: "The event pattern that events must match, as JSON or @FILE.")
        var pattern: String?
        @Option(
            parsing: .upToNextOption, help: "The rules whose queues get the events they match.",
            completion: .names(of: RuleView.self))
        var to: [String] = []
        @Option(help: "The queue that gets all events.", completion: .names(of: QueueView.self))
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
            try require(
                fromLog == (fromArchive == nil), "give --from-archive or --from-log, but not both")
            try require(to.isEmpty != (toQueue == nil), "give --to or --to-queue, but not both")
            try require(
                !(dryRun && wait), "--dry-run starts no replay, so --wait can't wait for one")
        }

        private static func pace(_ text: String, _ unit: String) throws -> Pace {
            try Pace(text, unit: unit).orInvalid(
                "it must be a number above 0, such as 5 or 5\(unit)")
        }

        func run() async throws {
            let replay = ReplayDefinition(
                name: name, archive: fromArchive, since: window.since, until: window.until,
                pattern: try pattern.map(InputFile.pattern), rules: to, queue: toQueue,
                rate: rate?.value, speed: speed?.value)
            try await call.withBus { bus in
                if dryRun { return try show(try await plan(replay, bus)) }
                let reply = try await bus.command(BusCall.startReplay, replay, commandID)
                guard wait else {
                    return try Output.reply(reply, json: call.json, "started replay \(name)")
                }
                let end = try await bus.follow(replay: name, atLeast: reply.position)
                try end.printEnd(call)
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
            if call.json { return try Output.json(plan) }
            try Output.table(
                plan.queues.sorted { $0.key < $1.key }, [("queue", \.key), ("events", \.value)])
            try Output.print(
                plan.events == 0
                    ? "no event matches"
                    : "\(plan.events) events match, positions \(plan.first) to \(plan.last)")
        }
    }
}
