import AuditDomain
import Contracts
import EventSourcing
import TestSupport

/// A log in memory with the parts of a store that sagas need: it keeps the order and ignores
/// repeated causes. It encodes and decodes events, as happens between processes.
final class World {
    struct Entry {
        let stream: String
        let type: String
        let data: [UInt8]
        let time: Timestamp
    }

    private(set) var log: [Entry] = []
    private(set) var audit = Audit()
    /// Objections of aggregates to their own decisions. There must be no objection.
    private(set) var objections: [String] = []
    /// How many events were reversed.
    private(set) var reversals = 0
    /// The log's time.
    var time = Timestamp(microseconds: 0)
    private var streams: [String: [Int]] = [:]
    private var effects: Set<String> = []

    /// Decides on `command` and appends the events, once for each `cause`.
    ///
    /// - Parameter trigger: the position, from 1, of the event that led to the command.
    func execute<Subject: Aggregate>(
        _ command: Subject.Command, of subject: Subject.Type, cause: String,
        after trigger: Int? = nil
    ) throws {
        let stream = "\(Subject.category)-\(Subject.id(of: command))"
        let past = try (streams[stream] ?? []).map { index in
            try required(Subject.Event(type: log[index].type, data: log[index].data[...]))
        }
        let dated = Subject.timed(command)?(time) ?? command
        let events = try Subject.decide(dated, given: Subject.fold(past))
        guard !events.isEmpty, effects.insert(cause).inserted else { return }
        var state = Subject.fold(past)
        for event in events {
            if let objection = Subject.objection(to: event, given: state) {
                objections.append("\(stream), \(event.type): \(objection)")
            }
            Subject.evolve(&state, with: event)
            try append(event, to: stream, after: trigger)
        }
    }

    /// Reverses a random event of the subject, if it is reversible.
    func reverse<Subject: Reversible>(
        _ subject: Subject.Type, by service: String, cause: String, _ random: inout SplitMix
    ) throws {
        let indices = log.indices.filter { log[$0].stream.hasPrefix(Subject.category + "-") }
        guard let target = indices.randomElement(using: &random) else { return }
        let id = EventID(high: 1, low: UInt64(target))
        var past: PastDecision<Subject>?
        var state = Subject.initial
        for index in streams[log[target].stream] ?? [] {
            let event = try required(
                Subject.Event(type: log[index].type, data: log[index].data[...]))
            if index == target {
                guard event.obstacle(toReversalBy: service) == nil else { return }
                past = PastDecision(event, id: id, reason: "random", before: state, since: [])
            } else {
                past?.since.append(event)
            }
            guard event.reverses != id else { return }
            Subject.evolve(&state, with: event)
        }
        try execute(Subject.reversal(of: required(past)), of: subject, cause: cause)
        reversals += effects.contains(cause) ? 1 : 0
    }

    /// The id of the event at a position, from 1.
    private static func id(at position: Int) -> EventID {
        EventID(high: 1, low: UInt64(position))
    }

    /// - Parameter trigger: the position, from 1, of the event that caused this one.
    func append(
        _ event: some PublishedEvent, to stream: String, after trigger: Int? = nil
    ) throws {
        streams[stream, default: []].append(log.count)
        log.append(
            Entry(stream: stream, type: event.type, data: try event.encoded(), time: time))
        if let audited = try Audit.Event(type: event.type, data: log[log.count - 1].data[...]) {
            audit.record(
                Recorded(
                    audited, position: UInt64(log.count), stream: try StreamName(stream),
                    revision: UInt64(streams[stream, default: []].count - 1),
                    id: Self.id(at: log.count), time: time,
                    correlationID: .none, causationID: trigger.map(Self.id) ?? .none))
        }
    }
}

struct Missing: Error {}

/// Returns `value`, or throws if it is nil.
private func required<Value>(_ value: Value?) throws -> Value {
    guard let value else { throw Missing() }
    return value
}

/// A service with a participant. It follows the log at its own pace, and a crash loses what it has
/// not saved.
protocol Follower: AnyObject {
    var isDone: Bool { get }
    /// Reacts to the next event of the log.
    func step() throws
    func save()
    func crash()
    /// Loses its memory, on disk, too. Events that it has acknowledged are not redelivered.
    func loseMemory()
    /// Executes the commands of every saga whose deadline has passed.
    func expire() throws
}

final class Service<P: Participant, Subject: Aggregate>: Follower
where P.Command == Subject.Command {
    private struct Memory {
        var position = 0
        var sagas: [String: P.State] = [:]
    }

    private let world: World
    private let participant: P
    private var memory = Memory()
    private var saved = Memory()
    /// Whether sagas that are not in the memory may be in the log.
    private var hasLost = false

    init(_ participant: P, _ subject: Subject.Type, in world: World) {
        self.participant = participant
        self.world = world
    }

    var isDone: Bool { memory.position == world.log.count }

    func step() throws {
        let position = memory.position
        let entry = world.log[position]
        memory.position += 1
        guard let event = try P.Event(type: entry.type, data: entry.data[...]) else { return }
        var state = try self.state(of: P.saga(of: event), before: position)
        P.evolve(&state, with: event)
        memory.sagas[P.saga(of: event)] = state
        let commands = try participant.react(to: event, given: state)
        for (index, command) in commands.enumerated() {
            try world.execute(
                command, of: Subject.self, cause: "\(P.name)/\(position)/\(index)",
                after: position + 1)
        }
    }

    private func state(of saga: String, before position: Int) throws -> P.State {
        if let state = memory.sagas[saga] { return state }
        return hasLost ? try sagas(before: position)[saga] ?? P.initial : P.initial
    }

    /// The sagas before the position, computed from the log.
    private func sagas(before position: Int) throws -> [String: P.State] {
        try world.log[..<position].reduce(into: [:]) { sagas, entry in
            guard let event = try P.Event(type: entry.type, data: entry.data[...]) else { return }
            P.evolve(&sagas[P.saga(of: event), default: P.initial], with: event)
        }
    }

    func save() { saved = memory }

    func crash() { memory = saved }

    func loseMemory() {
        memory.sagas = [:]
        saved = memory
        hasLost = true
    }

    func expire() throws {
        var sagas = memory.sagas
        if hasLost { sagas.merge(try self.sagas(before: memory.position)) { known, _ in known } }
        for (saga, state) in sagas.sorted(by: { $0.key < $1.key }) {
            guard let deadline = P.deadline(of: state), deadline <= world.time else { continue }
            for command in participant.expire(state) {
                try world.execute(command, of: Subject.self, cause: "\(P.name)/\(saga)/deadline")
            }
        }
    }
}
