import AuditDomain
import Contracts
import EventSourcing

/// A log in memory, and the little that a store must do for sagas: keep order, and ignore what it
/// has. Events go through their encoding, as they would between processes.
final class World {
    struct Entry {
        let stream: String
        let type: String
        let data: [UInt8]
    }

    private(set) var log: [Entry] = []
    private(set) var audit = Audit()
    /// What the aggregates object to in what they have decided on: there must be nothing.
    private(set) var objections: [String] = []
    /// How many events were reversed.
    private(set) var reversals = 0
    private var streams: [String: [Int]] = [:]
    private var effects: Set<String> = []

    /// Has `command` decided and its events appended; once for each `cause`.
    func execute<Subject: Aggregate>(
        _ command: Subject.Command, of subject: Subject.Type, cause: String
    ) throws {
        let stream = "\(Subject.category)-\(Subject.id(of: command))"
        let past = try (streams[stream] ?? []).map { index in
            try required(Subject.Event(type: log[index].type, data: log[index].data[...]))
        }
        let events = try Subject.decide(command, given: Subject.fold(past))
        guard !events.isEmpty, effects.insert(cause).inserted else { return }
        var state = Subject.fold(past)
        for event in events {
            if let objection = Subject.objection(to: event, given: state) {
                objections.append("\(stream), \(event.type): \(objection)")
            }
            Subject.evolve(&state, with: event)
            try append(event, to: stream)
        }
    }

    /// Has a random event of the subject's reversed, if it can be.
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

    func append(_ event: some PublishedEvent, to stream: String) throws {
        streams[stream, default: []].append(log.count)
        log.append(Entry(stream: stream, type: event.type, data: try event.encoded()))
        if let audited = try Audit.Event(type: event.type, data: log[log.count - 1].data[...]) {
            audit.record(audited, at: UInt64(log.count))
        }
    }
}

struct Missing: Error {}

/// `value`, which must be there.
private func required<Value>(_ value: Value?) throws -> Value {
    guard let value else { throw Missing() }
    return value
}

/// A service with a participant: follows the log at its own pace, and forgets, when it crashes,
/// what it had not saved.
protocol Follower: AnyObject {
    var isDone: Bool { get }
    /// Reacts to the next event of the log.
    func step() throws
    func save()
    func crash()
    /// Gives the commands of every saga that has a deadline.
    func expireAll() throws
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
        var state = memory.sagas[P.saga(of: event)] ?? P.initial
        P.evolve(&state, with: event)
        memory.sagas[P.saga(of: event)] = state
        let commands = try participant.react(to: event, given: state)
        for (index, command) in commands.enumerated() {
            try world.execute(command, of: Subject.self, cause: "\(P.name)/\(position)/\(index)")
        }
    }

    func save() { saved = memory }

    func crash() { memory = saved }

    func expireAll() throws {
        for (saga, state) in memory.sagas.sorted(by: { $0.key < $1.key })
        where P.deadline(of: state) != nil {
            for command in participant.expire(state) {
                try world.execute(command, of: Subject.self, cause: "\(P.name)/\(saga)/deadline")
            }
        }
    }
}
