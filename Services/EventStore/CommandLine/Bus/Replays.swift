import ArgumentParser
import Bytes
import CommandLine
import EventSourcing
import EventStoreClient
import Foundation
import WireProtocol

struct Replays: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Manage replays, which put past events into queues again.",
        subcommands: [
            Start.self, List.self, Show.self, Pause.self, Resume.self, Cancel.self,
        ])
}

extension ServiceClient {
    fileprivate func replays(atLeast position: UInt64? = nil) async throws -> [ReplayView] {
        try await query(BusCall.replays, Nothing(), atLeast: position)
    }

    /// Returns a replay's state, after the bus has reached the position `atLeast`.
    ///
    /// - Throws: `DaybookError` if there is no such replay.
    func replay(_ name: String, atLeast position: UInt64? = nil) async throws -> ReplayView {
        guard
            let view = try await replays(atLeast: position).first(where: { $0.replay.name == name })
        else { throw DaybookError(.invalid, "there is no replay '\(name)'") }
        return view
    }

    /// Shows a replay's progress until it ends, and returns its state at the end.
    ///
    /// - Parameter told: called with each state, once per poll.
    func follow(
        replay name: String, atLeast position: UInt64? = nil,
        _ told: (ReplayView) throws -> Void = { _ in }
    ) async throws -> ReplayView {
        var bar = ProgressBar("replay", total: 0, showsPace: false)
        defer { bar.end() }
        while true {
            let view = try await replay(name, atLeast: position)
            try told(view)
            guard !view.state.isEnd else { return view }
            bar.show(view.done, of: view.size, "\(view.state.rawValue) \(view.pace)")
            // The bus has no call that waits for the end of a replay, so this polls.
            try await Task.sleep(for: .milliseconds(200))
        }
    }
}

extension ReplayView {
    /// The number of positions in the replay's window, and how many of them are done.
    fileprivate var size: Int { first == 0 ? 0 : count(last) }
    fileprivate var done: Int { first == 0 ? 0 : count(min(position, last)) }

    /// Returns the number of positions from the first of the window to `last`.
    private func count(_ last: UInt64) -> Int {
        last < first ? 0 : Int(clamping: (last - first).addingReportingOverflow(1).partialValue)
    }

    fileprivate var pace: String {
        let left = secondsLeft.map { ", \(Seconds($0).rough) left" } ?? ""
        return "\(Int(clamping: rate))/s\(left)"
    }

    fileprivate var source: String { replay.archive.map { "archive \($0)" } ?? "log" }

    fileprivate var destination: String {
        replay.queue.map { "queue \($0)" } ?? replay.rules.joined(separator: ",")
    }

    fileprivate var fields: [(String, String)] {
        let limits = [
            replay.rate.map { String(format: "%g events/s", $0) },
            replay.speed.map { String(format: "%g times as fast", $0) },
        ]
        return [
            ("replay", replay.name), ("state", state.rawValue), ("reason", reason ?? "-"),
            ("from", source), ("since", replay.since.map { "\($0)" } ?? "-"),
            ("until", replay.until.map { "\($0)" } ?? "-"), ("pattern", replay.pattern ?? "-"),
            ("to", destination), ("at most", limits.compactMap(\.self).joined(separator: ", ")),
            ("started", "\(startedAt) by \(startedBy)"),
            ("ended", endedAt.map { "\($0)" } ?? "-"),
            ("first", "\(first)"), ("last", "\(last)"),
            ("done", "\(done) of \(size) positions, up to \(position)"),
            ("delivered", "\(delivered)"), ("pace", state.isEnd ? "-" : pace),
        ].map { ($0.0, $0.1.isEmpty ? "-" : $0.1) }
    }

    /// Prints the state of a replay that has ended.
    ///
    /// - Throws: `DaybookError` if it did not complete.
    func printEnd(_ options: CallOptions) throws {
        try options.show(self, fields)
        guard state == .completed else {
            throw DaybookError(
                .invalid,
                "replay '\(replay.name)' is \(state.rawValue)" + (reason.map { ": \($0)" } ?? ""))
        }
    }
}

extension Replays {
    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "List the replays, the latest first.")

        @OptionGroup var options: CallOptions

        func run() async throws {
            try options.list(
                try await options.withBus { try await $0.replays() },
                [
                    "replay", "state", "from", "to", "done", "of", "delivered", "pace", "started",
                    "reason",
                ]
            ) { view in
                [
                    view.replay.name, view.state.rawValue, view.source, view.destination,
                    "\(view.done)", "\(view.size)", "\(view.delivered)",
                    view.state.isEnd ? "-" : view.pace, "\(view.startedAt)", view.reason ?? "",
                ]
            }
        }
    }

    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Show a replay's definition and progress.")

        @OptionGroup var options: CallOptions
        @Argument(help: "The name of the replay.", completion: .custom(BusNames.replays))
        var name: String
        @Flag(
            help: """
                Wait until the replay ends, with a progress bar on a terminal and with --json a \
                line for each change.
                """)
        var watch = false

        func run() async throws {
            let view = try await options.withBus { bus in
                guard watch else { return try await bus.replay(name) }
                var last: ReplayView?
                return try await bus.follow(replay: name) { view in
                    guard options.json, !view.state.isEnd, view.position != last?.position else {
                        return
                    }
                    last = view
                    try Output.json(view)
                }
            }
            try options.show(view, view.fields)
        }
    }

    struct Pause: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Pause a replay; events that are already in queues are still delivered.")

        @OptionGroup var options: CallOptions
        @Argument(help: "The name of the replay.", completion: .custom(BusNames.replays))
        var name: String

        func run() async throws {
            try await options.command(
                BusCall.setReplayPaused, SetReplayPaused(name: name, isPaused: true),
                "paused replay \(name)")
        }
    }

    struct Resume: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Resume a paused replay where it stopped.")

        @OptionGroup var options: CallOptions
        @Argument(help: "The name of the replay.", completion: .custom(BusNames.replays))
        var name: String

        func run() async throws {
            try await options.command(
                BusCall.setReplayPaused, SetReplayPaused(name: name, isPaused: false),
                "resumed replay \(name)")
        }
    }

    struct Cancel: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Cancel a replay; events that are already in queues stay there.")

        @OptionGroup var options: CallOptions
        @Argument(help: "The name of the replay.", completion: .custom(BusNames.replays))
        var name: String

        func run() async throws {
            try await options.command(BusCall.cancelReplay, name, "cancelled replay \(name)")
        }
    }
}
