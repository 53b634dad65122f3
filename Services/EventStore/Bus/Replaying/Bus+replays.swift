import EventArchive
import EventPattern
import EventSourcing
import EventStoreClient
import Foundation
import JSON
import Logging
import ObjectStorage
import WireProtocol

extension Bus {
    // MARK: What the log tells

    /// Starts the replay that an event defines.
    func start(_ definition: ReplayDefinition, _ event: RecordedEvent) {
        let row = ReplayRow(
            definition: definition, state: .starting, startedAt: event.time,
            startedBy: event.actor, first: 0, last: event.position - 1, position: 0, delivered: 0)
        replays[definition.name] = Replay(row)
        changes.replays[definition.name] = row
        replaySignal.continuation.yield()
    }

    func change(
        replay name: String, to state: ReplayState, at time: Timestamp, reason: String? = nil
    ) {
        guard let replay = replays[name] else { return }
        // A replay that had not found its window yet looks for it when it resumes.
        replay.row.state = state == .running && replay.row.first == 0 ? .starting : state
        replay.row.reason = reason
        if state.isEnd { replay.row.endedAt = time }
        changes.replays[name] = replay.row
        replaySignal.continuation.yield()
    }

    // MARK: At work

    /// Runs all active replays concurrently.
    func replay() async throws {
        replaySignal.continuation.yield()
        try await withThrowingDiscardingTaskGroup { group in
            for await _ in replaySignal.stream {
                for replay in replays.values where replay.row.state.isAtWork && !replay.isAtWork {
                    replay.isAtWork = true
                    let name = replay.row.definition.name
                    group.addTask(executorPreference: loop) { try await self.run(replay: name) }
                }
            }
            throw CancellationError()
        }
    }

    /// Replays until the end or a pause. An error ends the replay.
    private func run(replay name: String) async throws {
        guard let replay = replays[name] else { return }
        defer {
            replay.isAtWork = false
            // It may have been resumed meanwhile.
            if replay.row.state.isAtWork { replaySignal.continuation.yield() }
        }
        var end = ReplayEnd(state: .completed, position: 0, delivered: 0, reason: nil)
        do {
            try await deliver(replay)
        } catch let error as CancellationError {
            throw error
        } catch let error as DaybookError where error.kind == .unavailable {
            logger.warning("waiting for the event store", metadata: ["reason": "\(error)"])
            return
        } catch let error as ArchiveError where error.mayPass {
            let reason = "\(error)"
            if replay.problem != reason {
                logger.warning(
                    "waiting for an archive's place",
                    metadata: ["replay": "\(name)", "reason": "\(reason)"])
            }
            replay.problem = reason
            // Try again later, because nothing signals when the place is reachable.
            return try await Task.sleep(for: .seconds(5))
        } catch {
            end.state = .failed
            end.reason = "\(error)"
        }
        guard replay.row.state.isAtWork else { return }
        (end.position, end.delivered) = (replay.row.position, replay.row.delivered)
        let key = EventID.random()
        let cause = Cause(
            correlationID: key.derived("0"), causationID: .none, key: key, actor: "event-store")
        _ = try await execute(.endReplay(name, end), cause)
    }

    /// Adds the events of the window to the queues while the replay runs.
    private func deliver(_ replay: Replay) async throws {
        let source = try await source(of: replay.row.definition, through: replay.row.last)
        if replay.row.state == .starting {
            guard let window = try await source.window() else { return }
            guard replay.row.state == .starting else { return }
            (replay.row.first, replay.row.last) = (window.lowerBound, window.upperBound)
            replay.row.position = window.lowerBound - 1
            replay.row.state = .running
            note(replay)
        }
        let pattern = try replay.row.definition.pattern.map { try EventPattern($0) }
        var pacing = Pacing(replay.row.definition)
        for try await batch in source.batches(after: replay.row.position, through: replay.row.last)
        {
            replay.problem = nil
            for event in batch.events {
                var targets = try targets(of: event, pattern, replay.row.definition)
                while !targets.isEmpty,
                    let due = pacing.due(event, count: replay.row.delivered, now: .now)
                {
                    // In short waits, so that a pause or cancellation takes effect soon.
                    try await Task.sleep(until: min(due, .now + .milliseconds(100)))
                    guard replay.row.state == .running else { return }
                    targets = try self.targets(of: event, pattern, replay.row.definition)
                }
                try put(event, into: targets, replay)
            }
            guard replay.row.state == .running else { return }
            replay.advance(to: batch.through, at: clock.running)
            note(replay)
            // Wait for the commit, so that the events do not pile up in memory.
            try await committed()
        }
    }

    private func note(_ replay: Replay) {
        changes.replays[replay.row.definition.name] = replay.row
    }

    /// Adds the event to its queues. The entries and the replay's progress are in the same commit.
    private func put(
        _ event: RecordedEvent, into targets: [(queue: String, rule: String)], _ replay: Replay
    ) throws {
        guard !targets.isEmpty else { return }
        let now = clock.now
        cache.insert(event)
        for (name, rule) in targets {
            guard let queue = queues[name] else {
                throw ProtocolError(.notFound, "queue '\(name)' no longer exists")
            }
            queue.append(event, rule: rule, replay: replay.row.definition.name, at: now.log)
            replay.row.delivered += 1
            wake(queue)
        }
        replay.row.lastEventTime = event.time
        replay.advance(to: event.position, at: now.running)
        note(replay)
    }

    /// Returns the queues that get the event in a replay, each with the rule that targets it.
    func targets(
        of event: RecordedEvent, _ pattern: EventPattern?, _ definition: ReplayDefinition
    ) throws -> [(queue: String, rule: String)] {
        guard !event.isOfStore, pattern?.matches(event, replayName: definition.name) ?? true else {
            return []
        }
        if let queue = definition.queue { return [(queue, "")] }
        var targets: [(queue: String, rule: String)] = []
        for name in definition.rules {
            guard let rule = rules.rules[name] else {
                throw ProtocolError(.notFound, "rule '\(name)' no longer exists")
            }
            guard rule.pattern.matches(event, replayName: definition.name) else { continue }
            for target in rule.definition.targets.compactMap(\.queue)
            where !targets.contains(where: { $0.0 == target }) {
                targets.append((target, name))
            }
        }
        return targets
    }

    /// Returns the source of the replay's events.
    func source(
        of definition: ReplayDefinition, through last: UInt64
    ) async throws -> any ReplaySource {
        let (since, until) = (
            definition.since ?? .distantPast, definition.until ?? .distantFuture
        )
        guard let name = definition.archive else {
            let query = try definition.pattern.map { try EventPattern($0).query } ?? .all
            return LogSource(
                client: client, query: query, since: since, until: until, last: last)
        }
        // The archive's pending events belong to the window, too.
        let reader = try await archive(name).archiver.reader(through: last)
        return ArchiveSource(reader: reader, times: since..<until, last: last)
    }
}

extension ReplayState {
    var isAtWork: Bool { self == .starting || self == .running }
}

extension ArchiveError {
    /// Whether another attempt may succeed.
    var mayPass: Bool {
        if case .storage(.unavailable) = self { true } else { false }
    }
}
