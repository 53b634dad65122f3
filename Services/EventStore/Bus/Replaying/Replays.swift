import EventSourcing
import WireProtocol

/// All replays: their states and progress.
struct Replays {
    private var replays: [String: Replay] = [:]
    /// The names of replays that have changed since the last commit.
    private var changed: Set<String> = []

    subscript(name: String) -> ReplayRow? { replays[name]?.row }

    var states: [String: ReplayState] { replays.mapValues(\.row.state) }

    /// Returns the views of all replays, the latest first.
    func views(at now: RunningTime) -> [ReplayView] {
        replays.values.map { $0.view(at: now) }
            .sorted { ($1.startedAt, $1.replay.name) < ($0.startedAt, $0.replay.name) }
    }

    // MARK: Definitions

    /// Adds a stored replay.
    mutating func add(_ row: ReplayRow) { replays[row.definition.name] = Replay(row) }

    /// Starts the replay that an event defines. It replays the events before that one.
    mutating func start(_ definition: ReplayDefinition, by event: RecordedEvent) {
        add(
            ReplayRow(
                definition: definition, state: .starting, startedAt: event.time,
                startedBy: event.actor, first: 0, last: event.position - 1, position: 0,
                delivered: 0))
        changed.insert(definition.name)
    }

    mutating func setState(
        of name: String, to state: ReplayState, at time: Timestamp, reason: String? = nil
    ) {
        guard let replay = replays[name] else { return }
        // A replay that had not found its window yet looks for it when it resumes.
        replay.row.state = state == .running && replay.row.first == 0 ? .starting : state
        replay.row.reason = reason
        if state.isEnd { replay.row.endedAt = time }
        changed.insert(name)
    }

    // MARK: Running

    /// Returns the names of the replays that nobody runs although they are active, and marks them
    /// as running.
    func takeIdle() -> [String] {
        let idle = replays.values.filter { $0.row.state.isActive && !$0.isRunning }
        for replay in idle { replay.isRunning = true }
        return idle.map(\.row.definition.name)
    }

    /// Marks the replay as not running. Returns whether it is active again.
    func stopRunning(_ name: String) -> Bool {
        replays[name]?.isRunning = false
        return replays[name]?.row.state.isActive ?? false
    }

    /// Begins to enqueue the events of the window. Returns false if the replay was paused or ended
    /// meanwhile.
    mutating func begin(_ name: String, _ window: ClosedRange<UInt64>) -> Bool {
        guard let replay = replays[name], replay.row.state == .starting else { return false }
        (replay.row.first, replay.row.last) = (window.lowerBound, window.upperBound)
        replay.row.position = window.lowerBound - 1
        replay.row.state = .running
        changed.insert(name)
        return true
    }

    /// Records that the event was added to `count` queues.
    mutating func countDelivered(
        _ event: RecordedEvent, to count: Int, by name: String, at now: RunningTime
    ) {
        guard let replay = replays[name] else { return }
        replay.row.delivered += UInt64(count)
        replay.row.lastEventTime = event.occurredAt
        advance(name, to: event.position, at: now)
    }

    /// Records that the window is done up to `position`.
    mutating func advance(_ name: String, to position: UInt64, at now: RunningTime) {
        guard let replay = replays[name] else { return }
        replay.advance(to: position, at: now)
        replay.problem = nil
        changed.insert(name)
    }

    /// Records what the replay waits for. Returns whether it did not wait for that before.
    func wait(_ name: String, for problem: String) -> Bool {
        guard let replay = replays[name], replay.problem != problem else { return false }
        replay.problem = problem
        return true
    }

    /// Returns the end of an active replay, or nil if it was paused or ended meanwhile.
    func end(of name: String, failure: String?) -> ReplayEnd? {
        guard let row = self[name], row.state.isActive else { return nil }
        return ReplayEnd(
            state: failure == nil ? .completed : .failed, position: row.position,
            delivered: row.delivered, reason: failure)
    }

    // MARK: Committing

    var hasChanges: Bool { !changed.isEmpty }

    /// Returns the replays that have changed since the last commit.
    mutating func takeChanges() -> [String: ReplayRow] {
        defer { changed = [] }
        return Dictionary(
            uniqueKeysWithValues: changed.compactMap { name in
                replays[name].map { (name, $0.row) }
            })
    }
}

extension ReplayState {
    /// Whether the replay enqueues events, or looks for its window.
    fileprivate var isActive: Bool { self == .starting || self == .running }
}
